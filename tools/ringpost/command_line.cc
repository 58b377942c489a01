#include "tools/ringpost/command_line.h"

#include <vector>

#include "tools/ringpost/option_table.h"

namespace ringpost::daemon {

namespace {

constexpr std::string_view help_head =
    "Usage: ringpost [OPTION]...\n"
    "\n"
    "Serves an order book, a line chat and two echoes, and relays to others. Each\n"
    "shard is one thread, pinned to one CPU, with its own io_uring and its own\n"
    "connections.\n";

constexpr std::string_view help_tail =
    "\n"
    "Sizes and counts take k, M, G (powers of 1000) and Ki, Mi, Gi (powers of 1024),\n"
    "sizes with or without a B: 1M, 64KiB. Times take ns, us, ms, s, m, h; a bare\n"
    "number counts seconds, and microseconds for --spin-us. 'auto' leaves --shards,\n"
    "--cpus, --spin-us and --max-connections to the machine, and --echo-listen to\n"
    "what else is served.\n"
    "\n"
    "SIGTERM and SIGINT finish what is under way and exit; a second one exits at\n"
    "once. SIGUSR1 prints all counters as one line of JSON.\n";

bool is_action(const OptionRow& row) { return std::holds_alternative<Action>(row.kind); }

// "Default 4KiB; 16B to 1MiB."
std::string fine_print(const OptionRow& row) {
  if (row.value.empty()) return "";
  const std::string bounds = bounds_of(row);
  const std::string default_value =
      row.automatic.empty() ? show_option(Options{}, row) : std::string(row.automatic);
  return "Default " + default_value + (bounds.empty() ? "" : "; " + bounds) + ".";
}

tools::Row words_of(const OptionRow& row) {
  const std::string name = "--" + std::string(row.name);
  return {.heading = heading(row.group),
          .names = row.name == "help" ? "-h," + name : name,
          .value = row.value,
          .help = row.help,
          .fine_print = fine_print(row),
          .bounds = bounds_of(row),
          .adds_up = std::holds_alternative<TextList>(row.kind)};
}

tools::Program program() {
  std::vector<tools::Row> rows;
  for (const OptionRow& row : option_table()) rows.push_back(words_of(row));
  return tools::Program({.name = "ringpost",
                         .help_head = help_head,
                         .help_tail = help_tail,
                         .help_shape = {.text_column = 34}},
                        std::move(rows));
}

}  // namespace

std::string help_text() { return program().help_text(); }

std::string version_text() { return program().version_text(); }

CommandLine parse_options(int argc, const char* const* argv, const Host& host) {
  const tools::Program words = program();
  auto given = words.read(argc, argv);
  if (!given) return given.error();
  Options options;
  std::vector<std::string> complaints;
  words.complain_about(given->rest, complaints);
  for (const OptionRow& row : option_table()) {
    const auto found = given->values.find(row.name);
    if (found == given->values.end() || is_action(row)) continue;
    for (const std::string& word : found->second) {
      const std::string wrong = set_option(options, row, word);
      if (!wrong.empty()) complaints.push_back(wrong);
    }
  }
  if (complaints.empty()) {
    resolve(options, host);
    complaints = validate(options, host);
  }
  if (!complaints.empty()) return words.refuse(complaints);
  return options;
}

}  // namespace ringpost::daemon
