// write_samples FOLDER: writes every sample run in every format, for the tests that read them with
// other programs.

#include <cstdio>

#include "tests/tools/loadgen/sample_runs.h"
#include "tools/loadgen/report/outputs.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  for (const auto& [name, run] : ringpost::loadgen::sample_runs()) {
    const std::string base = std::string(argv[1]) + "/" + name;
    auto outputs = ringpost::loadgen::Outputs::open(
        {base + ".json", base + ".csv", base + ".html", base + ".hgrm"});
    const auto error = outputs ? outputs->write(run) : outputs.error();
    if (error) {
      std::fprintf(stderr, "write_samples: %s\n", error->c_str());
      return 1;
    }
  }
  return 0;
}
