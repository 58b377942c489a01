#include "tools/loadgen/report/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::loadgen {

namespace {

// Left-overs of killed runs with our process id are stepped over, so many at the most.
constexpr int names_max = 100;

const char* advice(int error) {
  switch (error) {
    case ENOENT:
      return "create the folder first";
    case ENOTDIR:
      return "a part of the path is not a folder";
    case EISDIR:
      return "name a file in this folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to";
    case ENOSPC:
    case EDQUOT:
      return "free some space or choose another disk";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return "choose another path";
  }
}

// `path` with its links followed; itself if there is nothing yet.
std::string follow_links(const std::string& path) {
  char* const real = realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string result(real);
  std::free(real);
  return result;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

engine::Result<OutputFile, std::string> OutputFile::open(const std::string& path) {
  OutputFile file(path);
  struct stat status {};
  const bool exists = path != "-" && stat(path.c_str(), &status) == 0;
  if (path.empty()) {
    errno = ENOENT;
  } else if (path == "-") {
    file.fd_ = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  } else if (exists && S_ISDIR(status.st_mode)) {
    errno = EISDIR;
  } else if (exists && !S_ISREG(status.st_mode)) {
    file.fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else if (!exists || access(path.c_str(), W_OK) == 0) {
    file.fd_ = file.open_hidden(follow_links(path));
  }
  if (file.fd_ < 0) return engine::Unexpected{file.say(errno)};
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      hidden_(std::exchange(other.hidden_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (!hidden_.empty()) unlink(hidden_.c_str());
}

int OutputFile::open_hidden(const std::string& target) {
  const std::size_t slash = target.rfind('/');
  const std::string folder = slash == target.npos ? "" : target.substr(0, slash + 1);
  for (int i = 0; i < names_max; ++i) {
    const std::string name = fmt::format("{}.ringpost-load.{}.{}.part", folder, getpid(), i);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0) return -1;
    target_ = target;
    hidden_ = name;
    return fd;
  }
  return -1;
}

std::optional<std::string> OutputFile::write(std::string_view text) {
  ASSERT(fd_ >= 0);
  if (!write_all(fd_, text)) return say(errno);
  // A disk may say only now that it is full.
  if (!hidden_.empty() && fsync(fd_) != 0) return say(errno);
  if (close(std::exchange(fd_, -1)) != 0) return say(errno);
  return std::nullopt;
}

std::optional<std::string> OutputFile::publish() {
  ASSERT(fd_ < 0);
  if (hidden_.empty()) return std::nullopt;
  if (rename(hidden_.c_str(), target_.c_str()) != 0) return say(errno);
  hidden_.clear();
  return std::nullopt;
}

std::string OutputFile::say(int error) const {
  return fmt::format("cannot write {}: {}; {}", path_, std::strerror(error), advice(error));
}

}  // namespace ringpost::loadgen
