#include "engine/rewrite.h"

#include <re2/re2.h>

#include <optional>

#include "dsl/overloaded.h"
#include "engine/match.h"

namespace weft::engine {
namespace {

// First path pattern, in reading order and not under a negation, that matches `path` and has a part
// to be replaced.
const Pattern* MatchedPattern(const Condition& condition, std::string_view path) {
  if (condition.kind == Condition::Kind::kNot) return nullptr;
  if (condition.matcher) {
    const auto* match = std::get_if<PathMatch>(&*condition.matcher);
    if (match == nullptr) return nullptr;
    for (const Pattern& pattern : match->any_of) {
      const bool replaceable = std::holds_alternative<Exact>(pattern) ||
                               std::holds_alternative<Under>(pattern) ||
                               std::holds_alternative<Prefix>(pattern);
      if (replaceable && Matches(pattern, path)) return &pattern;
    }
    return nullptr;
  }
  for (const Condition& child : condition.children) {
    if (const Pattern* pattern = MatchedPattern(child, path)) return pattern;
  }
  return nullptr;
}

std::string ReplaceSegments(std::string_view path, std::string_view matched, std::string to) {
  std::string_view rest = matched == "/" ? path : path.substr(matched.size());
  if (!rest.empty() && to.ends_with('/')) to.pop_back();
  to += rest;
  return to.empty() ? "/" : to;
}

}  // namespace

std::string RewritePath(const Condition& match, const Rewrite& rewrite, std::string_view path) {
  if (!rewrite.path) return std::string(path);
  if (rewrite.regex) {
    std::string result(path);
    const re2::RE2 regex(*rewrite.regex, re2::RE2::Quiet);
    if (regex.ok()) re2::RE2::GlobalReplace(&result, regex, *rewrite.path);
    return result;
  }
  const Pattern* pattern = MatchedPattern(match, path);
  if (pattern == nullptr) return *rewrite.path + std::string(path.substr(path.empty() ? 0 : 1));
  return std::visit(
      Overloaded{
          [&](const Exact&) { return *rewrite.path; },
          [&](const Under& under) { return ReplaceSegments(path, under.value, *rewrite.path); },
          [&](const Prefix& prefix) {
            return *rewrite.path + std::string(path.substr(prefix.value.size()));
          },
          [&](const auto&) { return std::string(path); },
      },
      *pattern);
}

}  // namespace weft::engine
