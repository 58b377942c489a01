#include "tools/loadgen/script.h"

#include <algorithm>
#include <cstring>

#include "engine/base/assert.h"
#include "engine/base/prng.h"
#include "protocols/length_delimited/writer.h"

namespace ringpost::loadgen {

namespace {

// A cycle is long enough that losing it exactly, which nobody would see, cannot happen by accident,
// and short enough to stay in a core's own cache.
constexpr std::size_t cycle_bytes_min = 256 * 1024;
constexpr std::size_t messages_min = 8;
constexpr std::size_t messages_max = 8192;

constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
static_assert(letters.size() == 64);

void append_letters(std::string& out, std::size_t count, engine::Prng& prng) {
  constexpr unsigned bits_per_letter = 6, letters_per_draw = 10;
  while (count != 0) {
    std::uint64_t draw = prng.next();
    for (std::size_t i = std::min<std::size_t>(count, letters_per_draw); i != 0; --i, --count) {
      out += letters[draw % letters.size()];
      draw >>= bits_per_letter;
    }
  }
}

std::string make_message(std::size_t bytes, Wrapping wrapping, engine::Prng& prng) {
  constexpr std::string_view crlf = "\r\n";
  std::string message;
  switch (wrapping) {
    case Wrapping::none:
      append_letters(message, bytes, prng);
      return message;
    case Wrapping::length: {
      length_delimited::Framing framing;
      framing.payload_bytes_max = length_delimited::payload_bytes_limit;
      const length_delimited::HeaderWriter writer(framing);
      message.resize(writer.header_bytes());
      const auto errc = writer.write(bytes, message.data());
      ASSERT(errc == length_delimited::Errc::none);
      append_letters(message, bytes, prng);
      return message;
    }
    case Wrapping::crlf:
      ASSERT(bytes >= crlf.size());
      append_letters(message, bytes - crlf.size(), prng);
      return message += crlf;
  }
  ASSERT(false);
  return message;
}

}  // namespace

Script::Script(const std::vector<std::string>& messages) {
  ASSERT(!messages.empty());
  for (const std::string& message : messages) {
    ASSERT(!message.empty());
    text_ += message;
    ends_.push_back(text_.size());
    message_bytes_max_ = std::max(message_bytes_max_, message.size());
  }
}

std::size_t Script::bytes_of(std::uint32_t message, std::uint32_t count) const {
  DASSERT(count <= message_count());
  const std::size_t begin = begin_of(message).offset;
  const std::uint32_t last = message + count;
  if (last <= message_count()) return count == 0 ? 0 : ends_[last - 1] - begin;
  return cycle_bytes() - begin + ends_[last - message_count() - 1];
}

std::size_t Script::match(Place place, Bytes bytes) const {
  std::size_t matched = 0;
  std::size_t offset = place.offset;
  while (matched != bytes.size()) {
    const Bytes expected = Bytes(text_).substr(offset, bytes.size() - matched);
    const Bytes got = bytes.substr(matched, expected.size());
    if (std::memcmp(expected.data(), got.data(), got.size()) != 0) {
      const auto differing = std::ranges::mismatch(expected, got).in1;
      return matched + static_cast<std::size_t>(differing - expected.begin());
    }
    matched += got.size();
    offset = 0;
  }
  return matched;
}

std::uint64_t Script::advance(Place& place, std::size_t bytes) const {
  std::uint64_t ended = 0;
  place.offset += bytes;
  while (place.offset >= ends_[place.message]) {
    ++ended;
    if (++place.message == message_count()) {
      place.message = 0;
      place.offset -= cycle_bytes();
    }
  }
  return ended;
}

std::uint32_t Script::find(Bytes bytes, std::uint32_t near) const {
  const std::uint32_t count = message_count();
  for (std::uint32_t distance = 0; distance <= count / 2; ++distance) {
    const std::uint32_t ahead = (near + distance) % count;
    if (bytes.starts_with(message(ahead))) return ahead;
    const std::uint32_t behind = (near + count - distance) % count;
    if (bytes.starts_with(message(behind))) return behind;
  }
  return count;
}

Script make_text_script(const SizeRange& sizes, Wrapping wrapping, std::uint64_t seed) {
  ASSERT(sizes.min <= sizes.max);
  engine::Prng prng(seed);
  std::vector<std::string> messages;
  std::size_t bytes = 0;
  while (messages.size() < messages_min ||
         (bytes < cycle_bytes_min && messages.size() < messages_max)) {
    const std::uint64_t size = sizes.min + prng.below(sizes.max - sizes.min + 1);
    messages.push_back(make_message(size, wrapping, prng));
    bytes += messages.back().size();
  }
  return Script(messages);
}

}  // namespace ringpost::loadgen
