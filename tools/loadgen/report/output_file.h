#pragma once

// OutputFile: a file that is written whole or not at all. Opened before the run, so that a path
// which cannot be written is known before an hour of measuring; the bytes go to a file without a
// name in the same folder, so that nothing is left behind even by SIGKILL. When all is on the disk
// it gets a hidden name, and in the same moment, if all of the outputs came so far, its own one.
// What is already there stays until then. A path that is no regular file (/dev/null, a pipe) is
// written directly; "-" is standard output.
//
// States: opened -> written -> published; going away before publishing leaves nothing behind. Where
// a file system has no files without names (NFS), the hidden name is there from the beginning.

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
  int open_unnamed(const std::string& target);
  int open_hidden();
  bool name_hidden();
  // Calls `take` with one hidden name after the other until it does not find it taken; true if that
  // was for its success.
  template <typename Take>
  bool find_hidden_name(Take&& take);
  std::string say(int error) const;

  std::string path_;    // as it was given
  std::string target_;  // where it points; empty if it is written directly
  std::string hidden_;  // what is written; empty while it has no name, and once it is published
  int fd_ = -1;
};

}  // namespace ringpost::loadgen
