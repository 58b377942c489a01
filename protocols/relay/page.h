#pragma once

// The page for people: `GET /` on the relay's port. One file, page.html, which asks for nothing
// beyond the routes of its own server; the build puts it into the program.

#include "engine/base/bytes.h"

namespace ringpost::relay {

// Lives as long as the program.
engine::Bytes page_html();

}  // namespace ringpost::relay
