#pragma once

// The work on whole texts, 64 bytes at a time, by instructions that not every processor has: UTF-8
// by the lookup algorithm of Keiser and Lemire ("Validating UTF-8 in less than one instruction per
// byte", 2021), with a shorter way for ASCII, while the mask is taken off in the same registers.
//
// For Utf8Checker, which has the same done character by character elsewhere.

#include "engine/base/bytes.h"
#include "protocols/websocket/unmask.h"

namespace ringpost::websocket {

// Whether this processor can. The others here require it.
bool can_avx2();

// Whether the bytes are UTF-8. A character that is cut off at the end is wrong.
bool is_utf8_avx2(engine::Bytes text);
// The same of a payload without its mask, which it writes to `out`, as `unmask` does.
bool unmask_utf8_avx2(char* out, engine::Bytes payload, Mask mask);

}  // namespace ringpost::websocket
