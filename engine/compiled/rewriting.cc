#include "engine/compiled/rewriting.h"

#include <re2/re2.h>

#include <algorithm>

#include "dsl/overloaded.h"

namespace weft::engine::compiled {

PathRewrite::PathRewrite(const RouteRule& rule, const Rewrite& rewrite, Regexes& regexes)
    : to_(rewrite.path.value_or("")), by_regex_(rewrite.regex.has_value()) {
  if (rewrite.regex) {
    regex_ = regexes.Add(*rewrite.regex);
  } else {
    Collect(rule.match);
  }
}

void PathRewrite::Collect(const Condition& condition) {
  if (condition.kind == Condition::Kind::kNot) return;
  for (const Condition& child : condition.children) Collect(child);
  if (!condition.matcher) return;
  const auto* paths = std::get_if<PathMatch>(&*condition.matcher);
  if (paths == nullptr) return;
  for (const Pattern& pattern : paths->any_of) {
    std::visit(Overloaded{
                   [&](const Exact& p) {
                     parts_.push_back({Part::Kind::kWhole, p.value});
                   },
                   [&](const Under& p) {
                     parts_.push_back({Part::Kind::kSegments, p.value});
                   },
                   [&](const Prefix& p) {
                     parts_.push_back({Part::Kind::kBytes, p.value});
                   },
                   [](const auto&) {},
               },
               pattern);
  }
}

bool PathRewrite::Part::Covers(std::string_view path) const {
  switch (kind) {
    case Kind::kWhole:
      return path == text;
    case Kind::kBytes:
      return path.starts_with(text);
    case Kind::kSegments:
      return path.starts_with(text) &&
             (text == "/" || path.size() == text.size() || path[text.size()] == '/');
  }
  return false;
}

std::string PathRewrite::Apply(std::string_view path) const {
  if (by_regex_) {
    std::string changed(path);
    if (regex_ != nullptr) re2::RE2::GlobalReplace(&changed, *regex_, to_);
    return changed;
  }
  const auto part = std::find_if(parts_.begin(), parts_.end(),
                                 [&](const Part& candidate) { return candidate.Covers(path); });
  if (part == parts_.end())
    return to_ + std::string(path.substr(std::min<std::size_t>(1, path.size())));
  switch (part->kind) {
    case Part::Kind::kWhole:
      return to_;
    case Part::Kind::kBytes:
      return to_ + std::string(path.substr(part->text.size()));
    case Part::Kind::kSegments: {
      // Exactly one slash stands between the new beginning and the rest.
      const std::string_view rest = part->text == "/" ? path : path.substr(part->text.size());
      std::string_view head = to_;
      if (!rest.empty() && head.ends_with('/')) head.remove_suffix(1);
      std::string changed(head);
      changed += rest;
      return changed.empty() ? "/" : changed;
    }
  }
  return std::string(path);
}

}  // namespace weft::engine::compiled
