#pragma once

// OutputFile: a file that is written whole or not at all. Opened before the run, so that a path
// which cannot be written is known before an hour of measuring; the bytes go to a hidden file in
// the same folder, which takes the name when all is on the disk. What is already there stays until
// then. A path that is no regular file (/dev/null, a pipe) is written directly; "-" is standard
// output.
//
// States: opened -> written -> published; going away before publishing leaves nothing behind.

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace ringpost::loadgen {

class OutputFile {
 public:
  // The error is one line for people, with the path, the reason and what to do.
  static engine::Result<OutputFile, std::string> open(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  // Both: none, or an error as above. Requires: called once, in this order.
  std::optional<std::string> write(std::string_view text);
  std::optional<std::string> publish();

 private:
  explicit OutputFile(std::string path) : path_(std::move(path)) {}
  int open_hidden(const std::string& target);
  std::string say(int error) const;

  std::string path_;    // as it was given
  std::string target_;  // where it points; empty if it is written directly
  std::string hidden_;  // what is written; empty once published, or if there is none
  int fd_ = -1;
};

}  // namespace ringpost::loadgen
