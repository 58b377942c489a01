#include "tools/talk/options.h"

#include <algorithm>
#include <string>
#include <vector>

#include "engine/base/endpoint.h"
#include "tools/options/setter.h"
#include "tools/options/units.h"

namespace ringpost::talk {

namespace {

using engine::Nanos;

constexpr std::string_view help_head =
    R"(Usage: ringpost-talk [OPTION]... HOST:PORT
       ringpost-talk --once [OPTION]... HOST:PORT [REQUEST]

Sends each line of standard input to a server, and prints what comes back. HOST
is a name, an IPv4 address, or an IPv6 address in brackets: [::1]:8080.

  ringpost-talk localhost:8080              the order book
  ringpost-talk --crlf localhost:6142       the chat: type a nick, then talk
  ringpost-talk --frames localhost:8081     each line is sent as one frame
  ringpost-talk --once localhost:8080 GET   ask once, print the answer

A connection that fails or is lost is made anew, after 100 ms at first and 30 s
at most; the name is looked up again each time. What was sent on the lost one
is not sent again. Standard error says what happened. At the end of standard
input the server is told so, and what it still has to say is printed.
)";

constexpr std::string_view help_tail =
    R"(
Exit status: 0 when the server ended the talk after the end of standard input,
or, with --once, replied; 1 when not, with the reason on standard error; 2 for a
wrong command line.
)";

std::string set_time(Nanos& target, std::string_view text) {
  constexpr Nanos min = engine::nanos_per_ms, max = 3600 * engine::nanos_per_s;
  const auto value = tools::parse_duration(text, engine::nanos_per_s);
  if (!value || *value < min || *value > max) {
    return "is not a time from " + tools::show_duration(min) + " to " + tools::show_duration(max);
  }
  target = *value;
  return "";
}

std::string set_message_bytes_max(Options& options, std::string_view text) {
  constexpr std::uint64_t max = 1 << 30;
  const auto value = tools::parse_bytes(text);
  if (!value || *value < 1 || *value > max) {
    return "is not a size from 1B to " + tools::show_bytes(max);
  }
  options.talk.wire.message_bytes_max = *value;
  return "";
}

std::string set_dns_tries(Options& options, std::string_view text) {
  constexpr std::uint64_t max = 16;
  const auto value = tools::parse_count(text);
  if (!value || *value < 1 || *value > max) {
    return "is not a number from 1 to " + std::to_string(max);
  }
  options.lookup.tries = static_cast<std::uint32_t>(*value);
  return "";
}

// What is wrong with it is found with the rest of `lookup`.
std::string set_dns_servers(Options& options, std::string_view text) {
  options.lookup.servers = text;
  return "";
}

constexpr std::string_view wire = "Wire", one_request = "One request", connecting = "Connecting",
                           other = "";

constexpr tools::Setter<Options> table[] = {
    {wire, "--crlf", "",
     [](Options& o, std::string_view text) { return tools::set_flag(o.talk.wire.crlf, text); },
     "Send lines with CR LF at their end, not LF."},
    {wire, "--frames", "",
     [](Options& o, std::string_view text) { return tools::set_flag(o.talk.wire.frames, text); },
     "Send each line as a frame: its length in 4 bytes, the highest first, then its bytes. Frames "
     "that come back are printed as lines."},
    {wire, "--message-bytes-max", "SIZE", set_message_bytes_max,
     "Longest line to send, and longest frame to receive. A longer line is skipped, a longer frame "
     "ends the talk.",
     "Default 8MiB; 1B to 1GiB."},

    {one_request, "--once", "",
     [](Options& o, std::string_view text) { return tools::set_flag(o.talk.wire.once, text); },
     "Send one line (REQUEST, or the first one of standard input), print one reply (a line, or a "
     "frame), and exit. Nothing is tried twice."},
    {one_request, "--timeout", "TIME",
     [](Options& o, std::string_view text) { return set_time(o.talk.timeout, text); },
     "With --once: give up after that long.", "Default 10s; 1ms to 1h."},

    {connecting, "--connect-timeout", "TIME",
     [](Options& o, std::string_view text) { return set_time(o.talk.dial.connect_timeout, text); },
     "Of each address that a name has.", "Default 5s; 1ms to 1h."},
    {connecting, "--dns-servers", "LIST", set_dns_servers,
     "Who is asked for the addresses of names, with ports, such as 127.0.0.1:53.",
     "Default those of /etc/resolv.conf."},
    {connecting, "--dns-timeout", "TIME",
     [](Options& o, std::string_view text) { return set_time(o.lookup.timeout, text); },
     "How long the first try of a server may take; the next ones twice as long each.",
     "Default 2s; 1ms to 1h."},
    {connecting, "--dns-tries", "COUNT", set_dns_tries, "Tries of each server.",
     "Default 2; 1 to 16."},

    {other, "--version", "", nullptr, "Print the version and exit."},
    {other, "-h,--help", "", nullptr, "Print this help and exit."},
};

tools::Program program() {
  return tools::Program({.name = "ringpost-talk",
                         .help_head = help_head,
                         .help_tail = help_tail,
                         .help_shape = {.text_column = 29, .long_name_column = 6}},
                        tools::rows_of<Options>(table));
}

// Of words that are no options of the table and no values of theirs: whom to talk to, what to say,
// and others. Behind "--" nothing is an option.
struct Operands {
  std::vector<std::string> taken;
  std::vector<std::string> unknown;  // options
};

Operands sort(const std::vector<std::string>& rest) {
  Operands operands;
  bool all_are_taken = false;
  for (const std::string& word : rest) {
    if (word == "--" && !all_are_taken) {
      all_are_taken = true;
    } else if (word.size() > 1 && word.starts_with('-') && !all_are_taken) {
      operands.unknown.push_back(word);
    } else {
      operands.taken.push_back(word);
    }
  }
  return operands;
}

void take(const std::vector<std::string>& words, Options& options,
          std::vector<std::string>& complaints) {
  if (words.empty()) {
    complaints.emplace_back("HOST:PORT is missing");
    return;
  }
  const auto endpoint = engine::parse_endpoint(words[0]);
  if (endpoint) {
    options.talk.dial.endpoint = *endpoint;
  } else {
    complaints.push_back("'" + words[0] + "' " + endpoint.error());
  }
  if (words.size() > 1) options.request = words[1];
  if (words.size() > 2) complaints.push_back("'" + words[2] + "' is one argument too many");
}

void check_together(const Options& options, const tools::Given& given,
                    std::vector<std::string>& complaints) {
  const WireOptions& wire_options = options.talk.wire;
  if (const auto wrong = validate(options.lookup)) complaints.push_back("--dns-servers: " + *wrong);
  if (options.request && !wire_options.once) {
    complaints.push_back("'" + *options.request + "' is one argument too many without --once");
  }
  if (options.request && options.request->find('\n') != std::string::npos) {
    complaints.emplace_back("the request is more than one line");
  }
  if (given.values.contains("timeout") && !wire_options.once) {
    complaints.emplace_back("--timeout is for --once");
  }
  if (wire_options.frames && wire_options.crlf) {
    complaints.emplace_back("--crlf is for lines, not for --frames");
  }
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  const tools::Program words = program();
  auto given = words.read(argc, argv);
  if (!given) return given.error();
  Options options;
  std::vector<std::string> complaints;
  const Operands operands = sort(given->rest);
  words.complain_about(operands.unknown, complaints);
  // Whether a word is the value of an unknown option cannot be told.
  if (complaints.empty()) take(operands.taken, options, complaints);
  tools::set_given<Options>(table, *given, options, complaints);
  check_together(options, *given, complaints);
  if (!complaints.empty()) return words.refuse(complaints);
  return options;
}

}  // namespace ringpost::talk
