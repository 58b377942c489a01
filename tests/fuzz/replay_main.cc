// Stands in for libFuzzer where the compiler has none: runs a target over the files of the folders
// that it is given, and over every beginning of each.

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/fuzz.h"

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t file_count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      const std::string content = content_of(entry.path());
      for (std::size_t bytes = 0; bytes <= content.size(); ++bytes) {
        // In a heap block of exactly its size, so that a sanitizer sees any read outside of it.
        const std::vector<std::uint8_t> data(content.begin(),
                                             content.begin() + static_cast<std::ptrdiff_t>(bytes));
        LLVMFuzzerTestOneInput(data.data(), data.size());
      }
      ++file_count;
    }
  }
  std::printf("%zu inputs\n", file_count);
  return file_count > 0 ? 0 : 1;
}
