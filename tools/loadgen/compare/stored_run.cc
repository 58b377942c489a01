#include "tools/loadgen/compare/stored_run.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/loadgen/report/json.h"

namespace ringpost::loadgen {

namespace {

using nlohmann::json;

constexpr double second_min = 0.9;  // shorter rows say little: the last one

Figures figures_of(const json& summary) {
  Figures figures{summary.at("rate_per_s").get<double>(), {}};
  const json& p99 = summary.at("p99_us");
  if (!p99.is_null()) figures.p99_us = p99.get<double>();
  return figures;
}

std::vector<Figures> seconds_of(const json& rows) {
  std::vector<Figures> seconds;
  for (const json& row : rows) {
    const double length = row.at("length_s").get<double>();
    if (row.at("warmup").get<bool>() || length < second_min) continue;
    const double replies = row.at("replies").get<double>();
    Figures figures{replies / length, {}};
    if (replies > 0) figures.p99_us = row.at("p99_ns").get<double>() / 1e3;
    seconds.push_back(figures);
  }
  return seconds;
}

StoredRun run_of(const std::string& path, const json& file) {
  StoredRun run;
  run.path = path;
  const json& summary = file.at("summary");
  run.whole = figures_of(summary);
  run.seconds = seconds_of(file.at("seconds"));
  run.failures =
      summary.at("errors").get<std::uint64_t>() + summary.at("mismatches").get<std::uint64_t>();
  for (const char* name : {"cpu", "cpus", "kernel"}) {
    run.conditions.emplace_back(name, file.at(name).dump());
  }
  for (const auto& [name, value] : file.at("setup").items()) {
    // Where the server is and for how long it was loaded may differ.
    if (name == "target" || name == "duration_s" || name == "warmup_s") continue;
    run.conditions.emplace_back(name, value.dump());
  }
  run.conditions.emplace_back("asked_per_s", summary.at("asked_per_s").dump());
  return run;
}

}  // namespace

engine::Result<StoredRun, std::string> read_run(const std::string& path) {
  errno = 0;
  std::ifstream stream(path);
  std::ostringstream content;
  content << stream.rdbuf();  // of a folder, this fails without throwing
  const std::string text = content.str();
  if (text.empty()) {
    const std::string reason = errno != 0 ? std::strerror(errno) : "it is empty";
    return engine::Unexpected{"cannot read " + path + ": " + reason};
  }
  try {
    const json file = json::parse(text);
    if (file.at("schema") != json_schema) {
      return engine::Unexpected{path + " is of another version: expected " + json_schema};
    }
    return run_of(path, file);
  } catch (const json::exception&) {
    return engine::Unexpected{path + " is no result of ringpost-load; write one with --json"};
  }
}

}  // namespace ringpost::loadgen
