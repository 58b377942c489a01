#pragma once

// One line in, one Command out; nothing is copied or allocated.
//
// The rules, in this order, the first that fails names the error: the command is known, all its
// fields are there, the amount is good, the ticker is good.
//
// The tutorial decodes a line as UTF-8, replacing bad bytes, before it splits it at every `;`
// (OB-3). Splitting the bytes as they are gives the same fields: a `;` is never part of a longer
// sequence, so no replacement swallows one; and a replaced byte can make no field good, since
// neither commands nor amounts hold one and a ticker with one is refused (OB-28).

#include <cstdint>

#include "engine/base/bytes.h"
#include "protocols/orders/errc.h"

namespace ringpost::orders {

using engine::Bytes;

enum class CommandKind : std::uint8_t {
  // The state of the book is asked for.
  get,
  // `amount` is finite and above zero, `ticker` is good.
  buy,
  // The line is wrong as `errc` says.
  error,
};

struct Command {
  CommandKind kind;
  Errc errc;     // error only
  float amount;  // buy only
  Bytes ticker;  // buy only; points into the line
};

// `line` comes without its line end (see protocols/line).
Command parse(Bytes line);

}  // namespace ringpost::orders
