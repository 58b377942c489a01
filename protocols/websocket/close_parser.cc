#include "protocols/websocket/close_parser.h"

#include "protocols/websocket/utf8.h"

namespace ringpost::websocket {

CloseResult parse_close(Bytes payload) {
  if (payload.empty()) return {Errc::none, 0, {}};
  if (payload.size() == 1) return {Errc::bad_close, 0, {}};
  const auto code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                               static_cast<unsigned char>(payload[1]));
  if (!may_be_sent(code)) return {Errc::bad_close, 0, {}};
  const Bytes reason = payload.substr(2);
  if (!is_utf8(reason)) return {Errc::bad_utf8, 0, {}};
  return {Errc::none, code, reason};
}

}  // namespace ringpost::websocket
