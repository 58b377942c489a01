#include "tools/loadgen/command_line.h"

#include <algorithm>
#include <vector>

#include "tools/loadgen/option_table.h"

namespace ringpost::loadgen {

namespace {

constexpr std::string_view help_head =
    "Usage: ringpost-load [OPTION]... TARGET\n"
    "       ringpost-load compare A.json... B.json...    (see compare --help)\n"
    "\n"
    "Loads a server and measures how it answers. TARGET says which and how:\n"
    "\n"
    "  tcp://host:port      raw echo: what is sent must come back\n"
    "  frames://host:port   the same in frames with a 4-byte length in front\n"
    "  orders://host:port   the order book: a mix of BUY and GET\n"
    "  chat://host:port     lines of few to everybody; each delivery is counted\n"
    "  http://host:port/path?query\n"
    "                       one request, over and over: --method, --header, --body\n"
    "  ws://host:port       the message relay: published over HTTP, heard by\n"
    "                       WebSockets; each delivery is counted\n";

constexpr std::string_view help_tail =
    "\n"
    "Counts take k, M, G (powers of 1000) and Ki, Mi, Gi (powers of 1024), sizes\n"
    "with or without a B: 1M, 64KiB. Times take ns, us, ms, s, m, h; a bare number\n"
    "counts seconds, and microseconds for --spin-us.\n"
    "\n"
    "Ctrl-C ends the run and prints what was measured; a second one ends at once.\n"
    "\n"
    "Exit status: 0 all right, 1 wrong replies, 2 wrong command line, 3 cannot\n"
    "connect, 4 connections or replies were lost or had an error status, 5 below the\n"
    "rate (--strict) or no rate held (--ramp), 6 this machine does not allow it, 130\n"
    "ended by the second Ctrl-C.\n";

tools::Program program() {
  return tools::Program({.name = "ringpost-load",
                         .help_head = help_head,
                         .help_tail = help_tail,
                         .help_shape = {.text_column = 28}},
                        rows_of(option_table()));
}

// Whom an option is for, if not for every target.
struct Belonging {
  std::string_view option;
  std::vector<Scheme> schemes;
};

const std::vector<Belonging>& belongings() {
  using enum Scheme;
  static const std::vector<Belonging> all = {
      {"size", {tcp, frames, chat, ws}},
      {"senders", {chat, ws}},
      {"listeners", {chat, ws}},
      {"topics", {ws}},
      {"mix", {orders}},
      {"own-buys", {orders}},
      {"method", {http}},
      {"header", {http}},
      {"body", {http}},
      {"body-file", {http}},
      {"expect-status", {http}},
      {"any-body", {http}},
      {"reply-max", {http}},
  };
  return all;
}

// An option that does nothing is a mistake of who gave it.
void complain_about_strangers(const tools::Given& given, Scheme scheme,
                              std::vector<std::string>& complaints) {
  for (const auto& [option, schemes] : belongings()) {
    if (!given.values.contains(option) || std::ranges::count(schemes, scheme) != 0) continue;
    std::string whom;
    for (const Scheme one : schemes) {
      whom += (whom.empty() ? "" : ", ") + std::string(to_text(one)) + "://";
    }
    complaints.push_back("--" + std::string(option) + ": is for " + whom + " alone");
  }
}

// Of the words that are no options and no values of any, one is the target.
void take_target(std::vector<std::string>& rest, Options& options,
                 std::vector<std::string>& complaints) {
  const auto is_url = [](const std::string& word) {
    return !word.starts_with('-') && word.find("://") != std::string::npos;
  };
  auto target = std::ranges::find_if(rest, is_url);
  if (target == rest.end()) {
    target = std::ranges::find_if(rest, [](const auto& word) { return !word.starts_with('-'); });
  }
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
}

}  // namespace

std::string help_text() { return program().help_text(); }

std::string version_text() { return program().version_text(); }

CommandLine parse_command_line(int argc, const char* const* argv, const Host& host) {
  const tools::Program words = program();
  auto given = words.read(argc, argv);
  if (!given) return given.error();
  Options options;
  std::vector<std::string> complaints;
  take_target(given->rest, options, complaints);
  words.complain_about(given->rest, complaints);
  set_given(option_table(), *given, options, complaints);
  if (complaints.empty()) complain_about_strangers(*given, options.target.scheme, complaints);
  if (complaints.empty()) {
    resolve(options, host);
    complaints = validate(options, host);
  }
  if (!complaints.empty()) return words.refuse(complaints);
  return options;
}

}  // namespace ringpost::loadgen
