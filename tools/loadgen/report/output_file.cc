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

// With the slash; empty for the one we are in.
std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? "" : path.substr(0, slash + 1);
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
    file.fd_ = file.open_unnamed(follow_links(path));
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

int OutputFile::open_unnamed(const std::string& target) {
  target_ = target;
  const std::string folder = folder_of(target);
  const int fd =
      ::open(folder.empty() ? "." : folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  const bool knows_none = errno == EOPNOTSUPP || errno == EISDIR;
  return fd < 0 && knows_none ? open_hidden() : fd;
}

template <typename Take>
bool OutputFile::find_hidden_name(Take&& take) {
  for (int i = 0; i < names_max; ++i) {
    const std::string name =
        fmt::format("{}.ringpost-load.{}.{}.part", folder_of(target_), getpid(), i);
    if (take(name.c_str())) {
      hidden_ = name;
      return true;
    }
    if (errno != EEXIST) return false;
  }
  return false;
}

int OutputFile::open_hidden() {
  int fd = -1;
  find_hidden_name([&](const char* name) {
    fd = ::open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd >= 0;
  });
  return fd;
}

bool OutputFile::name_hidden() {
  const std::string unnamed = fmt::format("/proc/self/fd/{}", fd_);
  return find_hidden_name([&](const char* name) {
    return linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
  });
}

std::optional<std::string> OutputFile::write(std::string_view text) {
  ASSERT(fd_ >= 0);
  if (!write_all(fd_, text)) return say(errno);
  if (!target_.empty()) {
    // A disk may say only now that it is full.
    if (fsync(fd_) != 0) return say(errno);
    if (hidden_.empty() && !name_hidden()) return say(errno);
  }
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
