#pragma once

// Input: what a person types, as what goes over the wire: each line with a line end of the wire's,
// or as a frame. A line leaves when it is whole, so that none is cut in two by the end of a
// connection.

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/base/bytes.h"
#include "protocols/length_delimited/writer.h"
#include "protocols/line/parser.h"
#include "tools/talk/wire.h"

namespace ringpost::talk {

class Input {
 public:
  explicit Input(const WireOptions& options);

  // Appends to `out` what is to be sent for the lines that end in `bytes`; with `once`, for the
  // first line.
  void feed(engine::Bytes bytes, std::string& out);
  // The input has ended, perhaps in the middle of a line.
  void finish(std::string& out);

  std::uint64_t line_count() const { return lines_; }       // appended
  std::uint64_t skipped_count() const { return skipped_; }  // over the limit
  // With `once`: the one line has come, or was skipped.
  bool ended() const { return options_.once && lines_ + skipped_ != 0; }

 private:
  void append(engine::Bytes line, std::string& out);

  WireOptions options_;
  line::LineParser parser_;
  length_delimited::HeaderWriter header_;
  std::string kept_;  // of an unfinished line: bounded by the limit
  std::uint64_t lines_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace ringpost::talk
