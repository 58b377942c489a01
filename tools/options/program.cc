#include "tools/options/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "tools/options/nearest_word.h"

namespace ringpost::tools {

namespace {

// CLI11 finds the words.
CLI::Option* declare(CLI::App& app, const Row& row) {
  if (row.value.empty()) {
    return app.add_flag(row.names)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  CLI::Option* option = app.add_option(row.names)->type_name(std::string(row.value));
  if (!row.adds_up) return option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return option->expected(1)->allow_extra_args(false);
}

std::vector<std::string> values_of(const CLI::Option& option, const Row& row) {
  std::vector<std::string> values = option.results();
  if (!row.adds_up) values.erase(values.begin(), values.end() - 1);
  return values;
}

std::string_view option_of(std::string_view word) { return word.substr(0, word.find('=')); }

bool has_name(const Row& row, std::string_view name) {
  return ("," + row.names + ",").find("," + std::string(name) + ",") != std::string::npos;
}

}  // namespace

engine::Result<Given, Ending> Program::read(int argc, const char* const* argv) const {
  CLI::App app;
  app.set_help_flag();  // ours comes from the rows
  app.allow_extras();   // so that we can suggest what was meant
  std::vector<const CLI::Option*> options;
  for (const Row& row : rows_) options.push_back(declare(app, row));
  const auto refused = [&](std::string complaint) {
    return engine::Unexpected{refuse(std::vector{std::move(complaint)})};
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch&) {  // the library's only way to say so; ends here
    return refused(missing_value(argv[argc - 1]));
  } catch (const CLI::ParseError& error) {
    return refused(error.what());
  }
  Given given{.values = {}, .rest = app.remaining()};
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (options[i]->count() == 0) continue;
    given.values.emplace(long_name(rows_[i].names), values_of(*options[i], rows_[i]));
  }
  if (given.values.contains("help")) return engine::Unexpected{Ending{0, help_text()}};
  if (given.values.contains("version")) return engine::Unexpected{Ending{0, version_text()}};
  return given;
}

// An option takes the next word as its value, whatever that is. So the one that lacks a value is
// the last word.
std::string Program::missing_value(std::string_view last) const {
  const std::string_view option = option_of(last);
  const auto row = std::ranges::find_if(rows_, [&](const Row& r) { return has_name(r, option); });
  const bool has_bounds = row != rows_.end() && !row->bounds.empty();
  return std::string(option) + ": needs a value" + (has_bounds ? ", " + row->bounds : "");
}

std::string Program::complaint_about(std::string_view word) const {
  if (!word.starts_with('-')) return "unexpected argument '" + std::string(word) + "'";
  const std::string_view option = option_of(word);
  std::string text = "unknown option '" + std::string(option) + "'";
  std::vector<std::string_view> names;
  for (const Row& row : rows_) names.push_back(long_name(row.names));
  const std::string_view name =
      option.substr(std::min(option.find_first_not_of('-'), option.size()));
  if (const auto nearest = nearest_word(name, names)) {
    text += ", did you mean '--" + std::string(*nearest) + "'?";
  }
  return text;
}

void Program::complain_about(std::span<const std::string> words,
                             std::vector<std::string>& complaints) const {
  bool is_first = true;
  for (const std::string& word : words) {
    if (word.starts_with('-') || is_first) complaints.push_back(complaint_about(word));
    is_first = false;
  }
}

Ending Program::refuse(std::span<const std::string> complaints) const {
  const std::string name(about_.name);
  std::string text;
  for (const std::string& complaint : complaints) text += name + ": " + complaint + "\n";
  return {exit_usage, text + "Try '" + name + " --help'.\n"};
}

std::string Program::help_text() const {
  return std::string(about_.help_head) + explain(rows_, about_.help_shape) +
         std::string(about_.help_tail);
}

std::string Program::version_text() const {
  return std::string(about_.name) + " " RINGPOST_VERSION "\n";
}

std::string wrong_value(std::string_view long_name, std::string_view text, std::string_view wrong) {
  return "--" + std::string(long_name) + ": '" + std::string(text) + "' " + std::string(wrong);
}

}  // namespace ringpost::tools
