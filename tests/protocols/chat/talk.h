#pragma once

// One client's stream, cut into lines and treated as a session treats them; and the same by the
// plainest means there are.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/assert.h"
#include "protocols/chat/format.h"
#include "protocols/chat/parser.h"
#include "protocols/chat/writer.h"
#include "protocols/line/parser.h"
#include "tests/protocols/line/model.h"

namespace ringpost::chat {

using line::LineEnd;

inline bool is_control(int byte) { return (byte < 0x20 && byte != 0x09) || byte == 0x7f; }

inline std::string encoded(const std::string& nick, const std::string& message) {
  const std::size_t bytes = encoded_bytes(nick, message);
  const std::unique_ptr<char[]> out(new char[bytes]);
  const char* const end = encode(nick, message, out.get());
  ASSERT(end == out.get() + bytes);
  return std::string(out.get(), bytes);
}

// What one client's stream gives: lines for the others, and error lines for itself.
struct Talk {
  std::string others;
  std::string self;
  bool operator==(const Talk&) const = default;
};

inline Talk talk(LineEnd mode, const std::vector<std::string>& pieces,
                 std::size_t line_bytes_max = line_bytes_max_default) {
  line::LineParser lines(mode, line_bytes_max);
  Talk said;
  std::string held;
  std::optional<std::string> nick;
  for (const std::string& piece : pieces) {
    held += piece;
    for (;;) {
      const line::LineResult r = lines.next(held);
      if (r.status == line::LineStatus::too_long) {
        said.self += error_line(Errc::line_too_long);
      } else if (r.status == line::LineStatus::line) {
        const std::optional<Errc> errc = nick ? check_message(r.line) : check_nick(r.line);
        if (errc)
          said.self += error_line(*errc);
        else if (nick)
          said.others += encoded(*nick, std::string(r.line));
        else
          nick = r.line;
      }
      held.erase(0, r.consumed);
      if (r.status == line::LineStatus::need_more) break;
    }
  }
  return said;
}

inline Talk model_talk(LineEnd mode, const std::string& stream, std::size_t line_bytes_max) {
  Talk said;
  std::string nick;
  for (const line::Event& event : line::model(mode, line_bytes_max, stream)) {
    bool controls = false;
    for (const char c : event.text) controls |= is_control(static_cast<unsigned char>(c));
    const bool may_be_nick = !event.text.empty() && event.text.size() <= nick_bytes_max &&
                             event.text[0] != '!' && !controls;
    if (event.kind == line::Event::Kind::too_long)
      said.self += "! error: line too long\r\n";
    else if (event.kind == line::Event::Kind::last)
      continue;  // CH-10
    else if (nick.empty() && may_be_nick)
      nick = event.text;
    else if (nick.empty())
      said.self += "! error: bad nick\r\n";
    else if (controls)
      said.self += "! error: bad character\r\n";
    else
      said.others += nick + ": " + event.text + "\r\n";
  }
  return said;
}

}  // namespace ringpost::chat
