#include "protocols/websocket/deflate.h"

#define ZLIB_CONST  // input is const
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "engine/base/assert.h"

namespace ringpost::websocket {

namespace {

// Of the state, 8 KiB: enough for the hashes of so small a window.
constexpr int memory_level = 5;
// A flush ends with an empty block whose last bytes are these; they are not sent (section 7.2.1).
constexpr char flush_end[] = {'\x00', '\x00', '\xff', '\xff'};
// More than a flush adds to what zlib says.
constexpr std::size_t flush_bytes_max = 16;

void set_input(z_stream& stream, Bytes input) {
  ASSERT(input.size() <= std::numeric_limits<uInt>::max());
  stream.next_in = reinterpret_cast<const Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
}

void set_output(z_stream& stream, char* out, std::size_t room) {
  stream.next_out = reinterpret_cast<Bytef*>(out);
  stream.avail_out =
      static_cast<uInt>(std::min<std::size_t>(room, std::numeric_limits<uInt>::max()));
}

}  // namespace

// --- Deflater ------------------------------------------------------------------------------------

Deflater::Deflater(int level) : stream_(std::make_unique<z_stream>()) {
  // Negative: without zlib's own header.
  const int made = deflateInit2(stream_.get(), level, Z_DEFLATED, -deflate_window_bits,
                                memory_level, Z_DEFAULT_STRATEGY);
  ASSERT(made == Z_OK);
}

Deflater::~Deflater() { deflateEnd(stream_.get()); }

std::size_t Deflater::bytes_max(std::size_t message_bytes) const {
  return deflateBound(stream_.get(), message_bytes) + flush_bytes_max;
}

char* Deflater::deflate(char* out, Bytes message) {
  z_stream& stream = *stream_;
  const std::size_t room = bytes_max(message.size());
  const int begun = deflateReset(&stream);
  ASSERT(begun == Z_OK);
  set_input(stream, message);
  set_output(stream, out, room);
  const int flushed = ::deflate(&stream, Z_SYNC_FLUSH);
  ASSERT(flushed == Z_OK);
  ASSERT(stream.avail_in == 0);
  ASSERT(stream.avail_out > 0);  // or there would be more
  char* const end = reinterpret_cast<char*>(stream.next_out);
  DASSERT(Bytes(end - sizeof flush_end, sizeof flush_end) == Bytes(flush_end, sizeof flush_end));
  return end - sizeof flush_end;
}

// --- Inflater ------------------------------------------------------------------------------------

Inflater::Inflater(std::uint64_t message_bytes_max)
    : stream_(std::make_unique<z_stream>()), message_bytes_max_(message_bytes_max) {
  const int made = inflateInit2(stream_.get(), -MAX_WBITS);
  ASSERT(made == Z_OK);
}

Inflater::~Inflater() { inflateEnd(stream_.get()); }

void Inflater::begin() {
  const int begun = inflateReset(stream_.get());
  ASSERT(begun == Z_OK);
  produced_ = 0;
  is_empty_ = true;
  at_final_ = false;
}

InflateResult Inflater::next(Bytes input, bool is_last, char* out, std::size_t room) {
  z_stream& stream = *stream_;
  if (!input.empty()) is_empty_ = false;
  // One byte above the limit is room enough to see that there are more.
  const std::uint64_t most = message_bytes_max_ - produced_ + 1;
  set_input(stream, input);
  set_output(stream, out, static_cast<std::size_t>(std::min<std::uint64_t>(room, most)));
  const bool is_right = run();
  InflateResult result{.status = InflateStatus::error, .errc = Errc::bad_compression};
  result.consumed = input.size() - stream.avail_in;
  result.produced = static_cast<std::size_t>(reinterpret_cast<char*>(stream.next_out) - out);
  produced_ += result.produced;
  // Which comes first: zlib may look beyond what it had room for.
  if (produced_ > message_bytes_max_) {
    result.errc = Errc::message_too_large;
    return result;
  }
  if (!is_right) return result;
  if (stream.avail_out == 0 && !at_final_) {
    result.status = InflateStatus::full;
  } else if (!is_last) {
    result.status = InflateStatus::need_more;
  } else if (ends()) {
    result.status = InflateStatus::done;
  }
  if (result.status != InflateStatus::error) result.errc = Errc::none;
  return result;
}

// Until the input is used up or the output is full. False: it is wrong.
bool Inflater::run() {
  for (;;) {
    if (at_final_) {
      if (stream_->avail_in == 0) return true;
      // Others may follow, which know nothing of those before (section 7.2.3.4).
      inflateReset(stream_.get());
      at_final_ = false;
    }
    const int inflated = inflate(stream_.get(), Z_SYNC_FLUSH);
    at_final_ = inflated == Z_STREAM_END;
    if (!at_final_) return inflated == Z_OK || inflated == Z_BUF_ERROR;
  }
}

// Whether a message may end here: with the bytes that were not sent it ends between two blocks.
// Some send nothing for an empty message, and some leave out what must follow a last block.
bool Inflater::ends() {
  if (is_empty_ || at_final_) return true;
  char spare;
  set_input(*stream_, {flush_end, sizeof flush_end});
  set_output(*stream_, &spare, sizeof spare);
  const bool is_right = inflate(stream_.get(), Z_SYNC_FLUSH) == Z_OK;
  constexpr int between_blocks = 128;  // with no bit of the next one, and not behind the last
  return is_right && stream_->avail_out == sizeof spare && stream_->data_type == between_blocks;
}

}  // namespace ringpost::websocket
