// `GET` against a book that holds one ticker, so that every reply is the same known line. With one
// connection and one request in flight it reports the latency of each; else the rate.

#include <string>
#include <string_view>

#include "perf/client/closed_loop.h"
#include "perf/client/repeated_stream.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"

namespace ringpost::perf {
namespace {

constexpr std::string_view request = "GET\n";
constexpr std::string_view purchase = "BUY;8.0;BYND\n";
constexpr std::string_view reply = "BYND:8;\n";

// A server answers a BUY with silence, so the book is ready when a GET shows it.
void fill_book(std::uint16_t port) {
  const int socket = connect_loopback(port);
  send_all(socket, purchase);
  send_all(socket, request);
  std::string line = receive_line(socket);
  for (int tries = 0; line == "\n" && tries < 100; ++tries) {
    send_all(socket, request);
    line = receive_line(socket);
  }
  if (line != reply) die("the book shows '" + line + "'");
}

}  // namespace

std::string run_orders_get(const Options& options) {
  fill_book(options.port);
  return run_closed_loop(options, {std::string(request), request.size()},
                         {std::string(reply), reply.size()});
}

}  // namespace ringpost::perf
