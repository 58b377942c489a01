#include "tools/ringpost/command_line.h"

#include <CLI/CLI.hpp>
#include <span>
#include <vector>

#include "engine/base/assert.h"
#include "tools/ringpost/option_table.h"

namespace ringpost::daemon {

namespace {

constexpr std::string_view program = "ringpost";
constexpr std::string_view see_help = "Try 'ringpost --help'.\n";

bool takes_value(const OptionRow& row) { return !row.value.empty(); }
bool is_action(const OptionRow& row) { return std::holds_alternative<Action>(row.kind); }

bool is_list(const OptionRow& row) { return std::holds_alternative<TextList>(row.kind); }

// CLI11 finds the words; what they mean is for the table.
struct Given {
  const OptionRow* row;
  CLI::Option* option;
};

std::vector<Given> declare(CLI::App& app) {
  app.set_help_flag();  // ours comes from the table
  app.allow_extras();   // so that we can suggest what was meant
  std::vector<Given> given;
  for (const OptionRow& row : option_table()) {
    std::string name = "--" + std::string(row.name);
    if (row.name == "help") name = "-h," + name;
    CLI::Option* option = nullptr;
    if (takes_value(row)) {
      option = app.add_option(name)->type_name(std::string(row.value));
    } else {
      option = app.add_flag(name);
    }
    option->multi_option_policy(is_list(row) ? CLI::MultiOptionPolicy::TakeAll
                                             : CLI::MultiOptionPolicy::TakeLast);
    if (is_list(row)) option->expected(1)->allow_extra_args(false);
    given.push_back({&row, option});
  }
  return given;
}

bool was_given(const std::vector<Given>& given, std::string_view name) {
  for (const Given& g : given) {
    if (g.row->name == name) return g.option->count() > 0;
  }
  return false;
}

std::string complain_about(std::string_view word) {
  if (!word.starts_with('-')) return "unexpected argument '" + std::string(word) + "'";
  const std::string_view option = word.substr(0, word.find('='));
  std::string text = "unknown option '" + std::string(option) + "'";
  const std::string_view name =
      option.substr(std::min(option.find_first_not_of('-'), option.size()));
  if (const auto nearest = nearest_option(name)) {
    text += ", did you mean '--" + std::string(*nearest) + "'?";
  }
  return text;
}

// An option takes the next word as its value, whatever that is. So the one that lacks a value is
// the last word.
std::string complain_about_missing_value(std::string_view last) {
  const std::string_view option = last.substr(0, last.find('='));
  const OptionRow* row = find_option(option.substr(std::min<std::size_t>(2, option.size())));
  ASSERT(row != nullptr);
  const std::string bounds = bounds_of(*row);
  return std::string(option) + ": needs a value" + (bounds.empty() ? "" : ", " + bounds);
}

CommandLine refuse(const std::vector<std::string>& complaints) {
  CommandLine line{.options = {}, .exit_code = exit_usage, .text = ""};
  for (const std::string& complaint : complaints) {
    line.text += std::string(program) + ": " + complaint + "\n";
  }
  line.text += see_help;
  return line;
}

// The words behind an unknown option are most likely its values, so only the first is named.
std::vector<std::string> complaints_about_rest(const std::vector<std::string>& rest) {
  std::vector<std::string> complaints;
  for (const std::string& word : rest) {
    if (word.starts_with('-') || complaints.empty()) complaints.push_back(complain_about(word));
  }
  return complaints;
}

constexpr std::size_t help_columns = 80, name_columns = 32;

void append_wrapped(std::string& out, std::string_view text) {
  std::size_t column = name_columns;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    if (column != name_columns && column + 1 + word.size() > help_columns) {
      out += "\n" + std::string(name_columns, ' ');
      column = name_columns;
    }
    if (column != name_columns) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  out += '\n';
}

// "Default 4KiB; 16B to 1MiB."
std::string fine_print(const OptionRow& row) {
  const std::string bounds = bounds_of(row);
  const std::string default_value =
      row.automatic.empty() ? show_option(Options{}, row) : std::string(row.automatic);
  return "Default " + default_value + (bounds.empty() ? "" : "; " + bounds) + ".";
}

void append_row(std::string& out, const OptionRow& row) {
  std::string name = row.name == "help" ? "  -h, --" : "  --";
  name += row.name;
  if (takes_value(row)) name += " " + std::string(row.value);
  ASSERT(name.size() < name_columns);
  name.resize(name_columns, ' ');
  out += name;
  append_wrapped(out, row.help);
  if (!takes_value(row)) return;
  out.append(name_columns, ' ');
  append_wrapped(out, fine_print(row));
}

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

}  // namespace

std::string help_text() {
  std::string out(help_head);
  std::optional<OptionGroup> group;
  for (const OptionRow& row : option_table()) {
    if (row.group != group) {
      group = row.group;
      out += "\n" + std::string(heading(row.group)) + ":\n";
    }
    append_row(out, row);
  }
  return out + std::string(help_tail);
}

std::string version_text() { return std::string(program) + " " RINGPOST_VERSION "\n"; }

CommandLine parse_options(int argc, const char* const* argv, const Host& host) {
  CLI::App app;
  const std::vector<Given> given = declare(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch&) {  // the library's only way to say so; ends here
    return refuse({complain_about_missing_value(argv[argc - 1])});
  } catch (const CLI::ParseError& error) {
    return refuse({error.what()});
  }
  if (was_given(given, "help")) return {.options = {}, .exit_code = 0, .text = help_text()};
  if (was_given(given, "version")) return {.options = {}, .exit_code = 0, .text = version_text()};

  std::vector<std::string> complaints = complaints_about_rest(app.remaining());
  Options options;
  for (const Given& g : given) {
    if (g.option->count() == 0 || is_action(*g.row)) continue;
    std::span<const std::string> words = g.option->results();
    if (!is_list(*g.row)) words = words.last(1);
    for (const std::string& word : words) {
      const std::string wrong = set_option(options, *g.row, word);
      if (!wrong.empty()) complaints.push_back(wrong);
    }
  }
  if (complaints.empty()) {
    resolve(options, host);
    complaints = validate(options, host);
  }
  if (!complaints.empty()) return refuse(complaints);
  return {.options = std::move(options), .exit_code = 0, .text = ""};
}

}  // namespace ringpost::daemon
