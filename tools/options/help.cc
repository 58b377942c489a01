#include "tools/options/help.h"

#include <algorithm>
#include <optional>

namespace ringpost::tools {

namespace {

constexpr std::size_t columns = 80;

// Appends words from `left` on to a line that has come so far, and ends it.
void append_wrapped(std::string& out, std::string_view text, std::size_t left) {
  std::size_t column = left;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    if (column != left && column + 1 + word.size() > columns) {
      out += "\n" + std::string(left, ' ');
      column = left;
    }
    if (column != left) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  out += '\n';
}

void append_row(std::string& out, const Row& row, const HelpShape& shape) {
  const bool has_short_name = row.names.find(',') != std::string::npos;
  std::string name(has_short_name ? 2 : shape.long_name_column, ' ');
  for (const char c : row.names) name += c == ',' ? std::string(", ") : std::string(1, c);
  if (!row.value.empty()) name += " " + std::string(row.value);
  if (name.size() + 1 > shape.text_column) {
    out += name + "\n";
    name.clear();
  }
  name.resize(shape.text_column, ' ');
  out += name;
  append_wrapped(out, row.help, shape.text_column);
  if (row.fine_print.empty()) return;
  out.append(shape.text_column, ' ');
  append_wrapped(out, row.fine_print, shape.text_column);
}

}  // namespace

std::string explain(std::span<const Row> rows, const HelpShape& shape) {
  std::string out;
  std::optional<std::string_view> heading;
  for (const Row& row : rows) {
    if (row.heading != heading) {
      heading = row.heading;
      out += "\n";
      if (!heading->empty()) out += std::string(*heading) + ":\n";
    }
    append_row(out, row, shape);
  }
  return out;
}

}  // namespace ringpost::tools
