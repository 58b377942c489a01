#include "protocols/http/routes.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::http {

void Routes::add(Method method, std::string path, Handler& handler) {
  const bool has_parameter = path.ends_with("/*");
  if (has_parameter) path.pop_back();
  auto place = std::find_if(paths_.begin(), paths_.end(), [&](const Path& other) {
    return other.text == path && other.has_parameter == has_parameter;
  });
  if (place == paths_.end()) {
    paths_.push_back({std::move(path), has_parameter, {}, {}});
    place = paths_.end() - 1;
  }
  for (const Entry& entry : place->entries) ASSERT(entry.method != method);
  place->entries.push_back({method, &handler});
  if (!place->allow.empty()) place->allow += ',';
  place->allow += method == Method::get ? "GET,HEAD" : name_of(method);
}

void Routes::answered_by(std::uint16_t kind, Handler& handler) {
  for (const Answer& answer : answers_) ASSERT(answer.kind != kind);
  answers_.push_back({kind, &handler});
}

Routes::Match Routes::find(Method method, Bytes path) const {
  const Method wanted = method == Method::head ? Method::get : method;
  Match match;
  for (const Path& place : paths_) {
    Bytes parameter;
    if (place.has_parameter) {
      if (!path.starts_with(place.text)) continue;
      parameter = path.substr(place.text.size());
      if (parameter.empty() || parameter.find('/') != Bytes::npos) continue;
    } else if (path != place.text) {
      continue;
    }
    match.allow = place.allow;
    for (const Entry& entry : place.entries) {
      if (entry.method == wanted) return {entry.handler, parameter, place.allow};
    }
  }
  return match;
}

Handler& Routes::answered(std::uint16_t kind) const {
  const auto found = std::find_if(answers_.begin(), answers_.end(),
                                  [&](const Answer& answer) { return answer.kind == kind; });
  ASSERT(found != answers_.end());
  return *found->handler;
}

}  // namespace ringpost::http
