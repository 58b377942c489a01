#pragma once

// The tables of corpus/: requests in words, one a line, as their first lines say. request_table.py
// reads the same ones.

#include <cctype>
#include <cstddef>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::http {

struct TableRow {
  int status = 0;
  std::string section;
  std::string name;
  std::string bytes;
};

class RequestTable {
 public:
  explicit RequestTable(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("no file " + path);
    for (std::string line; std::getline(file, line);) add(line);
  }

  const std::vector<TableRow>& rows() const { return rows_; }

 private:
  void add(std::string_view line) {
    if (line.empty() || line.front() == '#' || line.front() == ' ') return;
    if (line.front() == '{') {
      const std::size_t equals = line.find(" = ");
      beginnings_[std::string(line.substr(0, equals))] = bytes_of(line.substr(equals + 3));
      return;
    }
    TableRow row;
    row.status = std::stoi(word(line));
    row.section = word(line);
    row.name = word(line);
    row.bytes = bytes_of(line);
    rows_.push_back(row);
  }

  // Off the front, with the spaces behind it.
  static std::string word(std::string_view& line) {
    const std::size_t end = line.find(' ');
    if (end == std::string_view::npos) throw std::runtime_error("a line with too few words");
    const std::string front(line.substr(0, end));
    line.remove_prefix(line.find_first_not_of(' ', end));
    return front;
  }

  std::string bytes_of(std::string_view text) const {
    std::string bytes;
    while (!text.empty()) {
      const char c = text.front();
      if (c == '{') {
        const std::size_t end = text.find('}');
        bytes += braced(text.substr(0, end + 1));
        text.remove_prefix(end + 1);
      } else if (c == '\\') {
        bytes += escaped(text);
      } else {
        bytes += c;
        text.remove_prefix(1);
      }
    }
    return bytes;
  }

  // {N*text}, or one of the beginnings.
  std::string braced(std::string_view text) const {
    const std::size_t star = text.find('*');
    if (star == std::string_view::npos || std::isdigit(static_cast<unsigned char>(text[1])) == 0) {
      return beginnings_.at(std::string(text));
    }
    const std::string part = bytes_of(text.substr(star + 1, text.size() - star - 2));
    std::string run;
    for (int i = std::stoi(std::string(text.substr(1))); i > 0; --i) run += part;
    return run;
  }

  static char escaped(std::string_view& text) {
    const char letter = text.at(1);
    std::size_t used = 2;
    char byte = letter;
    switch (letter) {
      case 'r':
        byte = '\r';
        break;
      case 'n':
        byte = '\n';
        break;
      case 't':
        byte = '\t';
        break;
      case 'x':
        byte = static_cast<char>(std::stoi(std::string(text.substr(2, 2)), nullptr, 16));
        used = 4;
        break;
      case '\\':
        break;
      default:
        throw std::runtime_error("an escape that is none");
    }
    text.remove_prefix(used);
    return byte;
  }

  std::map<std::string, std::string> beginnings_;
  std::vector<TableRow> rows_;
};

}  // namespace ringpost::http
