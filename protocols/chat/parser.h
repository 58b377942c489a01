#pragma once

// What may stand in a nick and in a message. Lines come without their line end (see
// protocols/line), and all other bytes are payload; only control bytes are looked for, and bytes
// that are not UTF-8 pass unchanged (CH-35).
//
// A control byte is one below 20 but not 09, or 7F. The rule is the same in both modes of line
// ends: where lines end at CR LF a bare CR or LF is a control byte inside a line, and would forge a
// line at peers that go by LF; where they end at LF, a CR that is not part of the line end still
// is, and would let a message overwrite its own prefix on a terminal.

#include <optional>

#include "engine/base/bytes.h"
#include "protocols/chat/errc.h"

namespace ringpost::chat {

using engine::Bytes;

// CH-32. Nothing if `line` may be a nick.
std::optional<Errc> check_nick(Bytes line);

// CH-34. Nothing if `line` may be sent. Any length; its cost is a fraction of a copy's.
std::optional<Errc> check_message(Bytes line);

}  // namespace ringpost::chat
