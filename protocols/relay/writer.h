#pragma once

// What the relay says in its bodies (spec 7.1, 7.2).

#include "engine/base/bytes.h"
#include "protocols/relay/client_id.h"
#include "protocols/relay/errc.h"

#include <string>

namespace ringpost::relay {

inline constexpr engine::Bytes health_text =
    R"({"data":{"message":"Route Working Properly"},"success":true})";
inline constexpr engine::Bytes published_text = "Published event";

// WS-2: {"url":"ws://127.0.0.1:8000/ws/ID"}. `public_url` is what is before `/ws/`.
std::string registered_text(engine::Bytes public_url, const ClientId& id);
// WS-3, WS-11
std::string removed_text(const ClientId& id);
std::string unknown_text(engine::Bytes id);
// Of a body that was refused: the fixed part, and why.
std::string refused_text(Errc errc);

}  // namespace ringpost::relay
