#include "protocols/chat/writer.h"

#include "engine/base/assert.h"

namespace ringpost::chat {

Bytes error_line(Errc errc) {
  switch (errc) {
    case Errc::line_too_long:
      return "! error: line too long\r\n";
    case Errc::bad_nick:
      return "! error: bad nick\r\n";
    case Errc::bad_character:
      return "! error: bad character\r\n";
  }
  engine::assertion_failed("errc is one of Errc");
}

}  // namespace ringpost::chat
