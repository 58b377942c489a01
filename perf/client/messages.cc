#include "perf/client/messages.h"

#include <cstdint>

namespace ringpost::perf {
namespace {

std::string big_endian(std::size_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
  return bytes;
}

// Its number, then bytes that repeat nothing for as long as anybody sends (xorshift).
std::string make_message(std::size_t number, std::size_t bytes) {
  std::string message = big_endian(number);
  message.reserve(bytes);
  std::uint64_t state = 0x9e3779b97f4a7c15 * (number + 1);
  while (message.size() < bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    message.push_back(static_cast<char>(state));
  }
  return message;
}

}  // namespace

Period make_messages(std::size_t count, std::size_t bytes) {
  Period messages{{}, bytes};
  for (std::size_t number = 0; number < count; ++number) {
    messages.text += make_message(number, bytes);
  }
  return messages;
}

}  // namespace ringpost::perf
