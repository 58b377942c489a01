#include "tools/loadgen/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "tools/loadgen/exit_code.h"
#include "tools/loadgen/option_table.h"
#include "tools/ringpost/nearest_word.h"

namespace ringpost::loadgen {

namespace {

constexpr std::string_view program = "ringpost-load";
constexpr std::string_view see_help = "Try 'ringpost-load --help'.\n";

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
    const std::string names(row.names);
    CLI::Option* option = row.value.empty()
                              ? app.add_flag(names)
                              : app.add_option(names)->type_name(std::string(row.value));
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    given.push_back({&row, option});
  }
  return given;
}

bool was_given(const std::vector<Given>& given, std::string_view name) {
  return std::ranges::any_of(
      given, [&](const Given& g) { return long_name(*g.row) == name && g.option->count() > 0; });
}

std::string complain_about(std::string_view word) {
  if (!word.starts_with('-')) return "unexpected argument '" + std::string(word) + "'";
  const std::string_view option = word.substr(0, word.find('='));
  std::string text = "unknown option '" + std::string(option) + "'";
  std::vector<std::string_view> names;
  for (const OptionRow& row : option_table()) names.push_back(long_name(row));
  const std::string_view name =
      option.substr(std::min(option.find_first_not_of('-'), option.size()));
  if (const auto nearest = daemon::nearest_word(name, names)) {
    text += ", did you mean '--" + std::string(*nearest) + "'?";
  }
  return text;
}

CommandLine refuse(const std::vector<std::string>& complaints) {
  CommandLine line{.options = {}, .exit_code = exit_usage, .text = ""};
  for (const std::string& complaint : complaints) {
    line.text += std::string(program) + ": " + complaint + "\n";
  }
  line.text += see_help;
  return line;
}

// Words that are no options and no values of any. One is the target; behind an unknown option the
// next is most likely its value, so only the first complaint of a row is made.
std::vector<std::string> take_target(std::vector<std::string> rest, Options& options) {
  const auto is_url = [](const std::string& word) {
    return !word.starts_with('-') && word.find("://") != std::string::npos;
  };
  auto target = std::ranges::find_if(rest, is_url);
  if (target == rest.end()) {
    target = std::ranges::find_if(rest, [](const auto& word) { return !word.starts_with('-'); });
  }
  std::vector<std::string> complaints;
  if (target == rest.end()) {
    complaints.emplace_back("needs a target such as tcp://127.0.0.1:1234");
  } else {
    const auto parsed = parse_target(*target);
    if (parsed) {
      options.target = *parsed;
    } else {
      complaints.push_back("the target '" + *target + "' " + parsed.error());
    }
    rest.erase(target);
  }
  bool first = true;
  for (const std::string& word : rest) {
    if (word.starts_with('-') || first) complaints.push_back(complain_about(word));
    first = false;
  }
  return complaints;
}

constexpr std::size_t help_columns = 80, name_columns = 28;

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

void append_row(std::string& out, const OptionRow& row) {
  std::string name = "  ";
  for (const char c : row.names) name += c == ',' ? std::string(", ") : std::string(1, c);
  if (!row.value.empty()) name += " " + std::string(row.value);
  if (name.size() + 2 > name_columns) {
    out += name + "\n";
    name.clear();
  }
  name.resize(name_columns, ' ');
  out += name;
  append_wrapped(out, row.help);
  if (row.fine_print.empty()) return;
  out.append(name_columns, ' ');
  append_wrapped(out, row.fine_print);
}

constexpr std::string_view help_head =
    "Usage: ringpost-load [OPTION]... TARGET\n"
    "       ringpost-load compare A.json... B.json...    (see compare --help)\n"
    "\n"
    "Loads a server and measures how it answers. TARGET says which and how:\n"
    "\n"
    "  tcp://host:port      raw echo: what is sent must come back\n"
    "  frames://host:port   the same in frames with a 4-byte length in front\n"
    "  orders://host:port   the order book: a mix of BUY and GET\n"
    "  chat://host:port     lines of few to everybody; each delivery is counted\n";

constexpr std::string_view help_tail =
    "\n"
    "Counts take k, M, G (powers of 1000) and Ki, Mi, Gi (powers of 1024), sizes\n"
    "with or without a B: 1M, 64KiB. Times take ns, us, ms, s, m, h; a bare number\n"
    "counts seconds, and microseconds for --spin-us.\n"
    "\n"
    "Ctrl-C ends the run and prints what was measured; a second one ends at once.\n"
    "\n"
    "Exit status: 0 all right, 1 wrong replies, 2 wrong command line, 3 cannot\n"
    "connect, 4 connections or replies were lost, 5 below the rate (--strict) or no\n"
    "rate held (--ramp), 6 this machine does not allow it, 130 ended by the second\n"
    "Ctrl-C.\n";

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

CommandLine parse_command_line(int argc, const char* const* argv, const Host& host) {
  CLI::App app;
  const std::vector<Given> given = declare(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch&) {  // the library's only way to say so; ends here
    return refuse({std::string(argv[argc - 1]) + ": needs a value"});
  } catch (const CLI::ParseError& error) {
    return refuse({error.what()});
  }
  if (was_given(given, "help")) return {.options = {}, .exit_code = exit_ok, .text = help_text()};
  if (was_given(given, "version")) {
    return {.options = {}, .exit_code = exit_ok, .text = version_text()};
  }
  Options options;
  std::vector<std::string> complaints = take_target(app.remaining(), options);
  for (const Given& g : given) {
    if (g.option->count() == 0 || g.row->set == nullptr) continue;
    const std::string text = g.option->results().back();
    const std::string wrong = g.row->set(options, text);
    if (wrong.empty()) continue;
    complaints.push_back("--" + std::string(long_name(*g.row)) + ": '" + text + "' " + wrong);
  }
  if (complaints.empty()) {
    resolve(options, host);
    complaints = validate(options, host);
  }
  if (!complaints.empty()) return refuse(complaints);
  return {.options = std::move(options), .exit_code = exit_ok, .text = ""};
}

}  // namespace ringpost::loadgen
