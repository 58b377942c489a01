#include "protocols/orders/writer.h"

#include "engine/base/assert.h"

namespace ringpost::orders {

Bytes error_line(Errc errc) {
  switch (errc) {
    case Errc::unknown_command:
      return "ERR unknown command\n";
    case Errc::missing_field:
      return "ERR missing field\n";
    case Errc::bad_amount:
      return "ERR bad amount\n";
    case Errc::bad_ticker:
      return "ERR bad ticker\n";
    case Errc::line_too_long:
      return "ERR line too long\n";
    case Errc::too_many_tickers:
      return "ERR too many tickers\n";
  }
  engine::assertion_failed("errc is one of Errc");
}

}  // namespace ringpost::orders
