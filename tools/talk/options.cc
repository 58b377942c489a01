#include "tools/talk/options.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "engine/base/endpoint.h"
#include "tools/ringpost/units.h"

namespace ringpost::talk {

namespace {

using engine::Nanos;

constexpr const char* help =
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

Wire:
      --crlf                 Send lines with CR LF at their end, not LF.
      --frames               Send each line as a frame: its length in 4 bytes,
                             the highest first, then its bytes. Frames that
                             come back are printed as lines.
      --message-bytes-max SIZE
                             Longest line to send, and longest frame to
                             receive. A longer line is skipped, a longer frame
                             ends the talk. Default 8MiB; 1B to 1GiB.

One request:
      --once                 Send one line (REQUEST, or the first one of
                             standard input), print one reply (a line, or a
                             frame), and exit. Nothing is tried twice.
      --timeout TIME         With --once: give up after that long.
                             Default 10s; 1ms to 1h.

Connecting:
      --connect-timeout TIME Of each address that a name has.
                             Default 5s; 1ms to 1h.
      --dns-servers LIST     Who is asked for the addresses of names, with
                             ports, such as 127.0.0.1:53.
                             Default those of /etc/resolv.conf.
      --dns-timeout TIME     How long the first try of a server may take; the
                             next ones twice as long each.
                             Default 2s; 1ms to 1h.
      --dns-tries COUNT      Tries of each server.
                             Default 2; 1 to 16.

      --version              Print the version and exit.
  -h, --help                 Print this help and exit.

Exit status: 0 when the server ended the talk after the end of standard input,
or, with --once, replied; 1 when not, with the reason on standard error; 2 for a
wrong command line.
)";

using Word = std::optional<std::string>;

// The words of the command line, on their way to be values.
struct Words {
  Word endpoint, request, timeout, connect_timeout, message_bytes_max;
  Word dns_servers, dns_timeout, dns_tries;
  bool frames = false, crlf = false, once = false, version = false, help = false;
};

// Collects what is wrong.
class Reader {
 public:
  void duration(const char* name, const Word& text, Nanos max, Nanos& target) {
    if (!text) return;
    const auto value = daemon::parse_duration(*text, engine::nanos_per_s);
    if (value && *value >= engine::nanos_per_ms && *value <= max) {
      target = *value;
    } else {
      complain(name, *text, "a time from 1ms to " + daemon::show_duration(max));
    }
  }
  void size(const char* name, const Word& text, std::uint64_t max, std::uint64_t& target) {
    if (!text) return;
    const auto value = daemon::parse_bytes(*text);
    if (value && *value >= 1 && *value <= max) {
      target = *value;
    } else {
      complain(name, *text, "a size from 1B to " + daemon::show_bytes(max));
    }
  }
  void count(const char* name, const Word& text, std::uint32_t max, std::uint32_t& target) {
    if (!text) return;
    const auto value = daemon::parse_count(*text);
    if (value && *value >= 1 && *value <= max) {
      target = static_cast<std::uint32_t>(*value);
    } else {
      complain(name, *text, "a number from 1 to " + std::to_string(max));
    }
  }
  void endpoint(const Word& text, engine::Endpoint& target) {
    if (!text) return complain("HOST:PORT is missing");
    auto parsed = engine::parse_endpoint(*text);
    if (!parsed) return complain("'" + *text + "' " + parsed.error());
    target = *parsed;
  }
  void complain(const std::string& what) { complaints_ += "ringpost-talk: " + what + "\n"; }

  const std::string& complaints() const { return complaints_; }

 private:
  void complain(const char* name, const std::string& text, const std::string& wanted) {
    complain(std::string(name) + ": '" + text + "' is not " + wanted);
  }

  std::string complaints_;
};

void declare(CLI::App& app, Words& words) {
  app.set_help_flag();  // ours says more
  app.add_option("endpoint", words.endpoint);
  app.add_option("request", words.request);
  app.add_flag("--frames", words.frames);
  app.add_flag("--crlf", words.crlf);
  app.add_flag("--once", words.once);
  app.add_flag("--version", words.version);
  app.add_flag("-h,--help", words.help);
  app.add_option("--message-bytes-max", words.message_bytes_max);
  app.add_option("--timeout", words.timeout);
  app.add_option("--connect-timeout", words.connect_timeout);
  app.add_option("--dns-servers", words.dns_servers);
  app.add_option("--dns-timeout", words.dns_timeout);
  app.add_option("--dns-tries", words.dns_tries);
}

void check_together(const Words& words, Reader& reader) {
  if (words.request && !words.once) {
    reader.complain("'" + *words.request + "' is one argument too many without --once");
  }
  if (words.request && words.request->find('\n') != std::string::npos) {
    reader.complain("the request is more than one line");
  }
  if (words.timeout && !words.once) reader.complain("--timeout is for --once");
  if (words.frames && words.crlf) reader.complain("--crlf is for lines, not for --frames");
}

CommandLine refuse(const std::string& complaints) {
  return {{}, exit_usage, complaints + "Try 'ringpost-talk --help'.\n"};
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CLI::App app;
  Words words;
  declare(app, words);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch&) {  // the library's only way to say so; ends here
    const std::string last = argv[argc - 1];
    return refuse("ringpost-talk: " + last.substr(0, last.find('=')) + ": needs a value\n");
  } catch (const CLI::ParseError& error) {
    return refuse(std::string("ringpost-talk: ") + error.what() + "\n");
  }
  if (words.help) return {{}, exit_good, help};
  if (words.version) return {{}, exit_good, "ringpost-talk " RINGPOST_VERSION "\n"};

  constexpr Nanos hour = 3600 * engine::nanos_per_s;
  Options options;
  Reader reader;
  reader.endpoint(words.endpoint, options.talk.dial.endpoint);
  reader.duration("--timeout", words.timeout, hour, options.talk.timeout);
  reader.duration("--connect-timeout", words.connect_timeout, hour,
                  options.talk.dial.connect_timeout);
  reader.duration("--dns-timeout", words.dns_timeout, hour, options.lookup.timeout);
  reader.count("--dns-tries", words.dns_tries, 16, options.lookup.tries);
  reader.size("--message-bytes-max", words.message_bytes_max, 1 << 30,
              options.talk.wire.message_bytes_max);
  options.lookup.servers = words.dns_servers.value_or("");
  if (auto wrong = validate(options.lookup)) reader.complain("--dns-servers: " + *wrong);
  check_together(words, reader);
  if (!reader.complaints().empty()) return refuse(reader.complaints());

  options.talk.wire.frames = words.frames;
  options.talk.wire.crlf = words.crlf;
  options.talk.wire.once = words.once;
  options.request = words.request;
  return {std::move(options), exit_good, ""};
}

}  // namespace ringpost::talk
