#include "engine/condition.h"

#include <algorithm>
#include <utility>

#include "dsl/overloaded.h"

namespace weft::engine {
namespace {

// Puts `child` into `out`, or its children when it is of the same kind.
void Flatten(Condition::Kind kind, Condition child, std::vector<Condition>& out) {
  if (child.kind != kind) {
    out.push_back(std::move(child));
    return;
  }
  for (Condition& grandchild : child.children) out.push_back(std::move(grandchild));
}

// And/Or share everything but which constant is neutral and which one decides.
Condition Combine(Condition::Kind kind, Condition::Kind neutral, Condition::Kind absorbing,
                  std::vector<Condition> children) {
  std::vector<Condition> kept;
  Span span;
  for (Condition& child : children) {
    if (child.kind == neutral) continue;
    if (child.kind == absorbing) return std::move(child);
    span = Join(span, child.span);
    Flatten(kind, std::move(child), kept);
  }
  if (kept.empty()) return {neutral, {}, {}, span};
  if (kept.size() == 1) return std::move(kept.front());
  return {kind, std::move(kept), {}, span};
}

}  // namespace

Condition Condition::Of(Matcher m, Span span) { return {Kind::kMatcher, {}, std::move(m), span}; }

Condition Condition::And(std::vector<Condition> children) {
  return Combine(Kind::kAnd, Kind::kTrue, Kind::kFalse, std::move(children));
}

Condition Condition::Or(std::vector<Condition> children) {
  return Combine(Kind::kOr, Kind::kFalse, Kind::kTrue, std::move(children));
}

Condition Condition::Not(Condition child) {
  if (child.kind == Kind::kTrue) return {Kind::kFalse, {}, {}, child.span};
  if (child.kind == Kind::kFalse) return {Kind::kTrue, {}, {}, child.span};
  if (child.kind == Kind::kNot) {
    Condition inner = std::move(child.children.front());
    return inner;
  }
  const Span span = child.span;
  std::vector<Condition> children;
  children.push_back(std::move(child));
  return {Kind::kNot, std::move(children), {}, span};
}

bool UsesHttp(const Matcher& matcher) {
  return std::visit(Overloaded{
                        [](const PortMatch&) { return false; },
                        [](const CallerMatch&) { return false; },
                        [](const SourceIpMatch&) { return false; },
                        [](const RemoteIpMatch&) { return false; },
                        [](const SniMatch&) { return false; },
                        [](const MtlsMatch&) { return false; },
                        [](const auto&) { return true; },
                    },
                    matcher);
}

bool UsesHttp(const Condition& condition) {
  if (condition.matcher) return UsesHttp(*condition.matcher);
  return std::any_of(condition.children.begin(), condition.children.end(),
                     [](const Condition& child) { return UsesHttp(child); });
}

namespace {

Condition Strip(const Condition& condition, bool negated) {
  switch (condition.kind) {
    case Condition::Kind::kTrue:
    case Condition::Kind::kFalse:
      return (condition.kind == Condition::Kind::kTrue) != negated ? Condition::True()
                                                                   : Condition::False();
    case Condition::Kind::kNot:
      return Strip(condition.children.front(), !negated);
    case Condition::Kind::kMatcher:
      if (UsesHttp(*condition.matcher)) return Condition::False();
      return negated ? Condition::Not(condition) : condition;
    case Condition::Kind::kAnd:
    case Condition::Kind::kOr:
      break;
  }
  std::vector<Condition> children;
  for (const Condition& child : condition.children) children.push_back(Strip(child, negated));
  const bool all = (condition.kind == Condition::Kind::kAnd) != negated;
  return all ? Condition::And(std::move(children)) : Condition::Or(std::move(children));
}

}  // namespace

std::vector<std::string> ClaimSteps(const std::string& name) {
  std::vector<std::string> steps;
  std::size_t begin = 0;
  std::size_t from = 0;
  while (true) {
    const std::size_t dot = name.find('.', from);
    if (dot != std::string::npos && dot > begin && name[dot - 1] == '\\') {
      from = dot + 1;
      continue;
    }
    steps.push_back(name.substr(begin, dot - begin));
    if (dot == std::string::npos) return steps;
    begin = from = dot + 1;
  }
}

std::string ClaimInToken(const std::string& step) {
  std::string claim;
  for (std::size_t i = 0; i < step.size(); ++i) {
    const bool escape = step[i] == '\\' && i + 1 < step.size() && step[i + 1] == '.';
    if (!escape) claim += step[i];
  }
  return claim;
}

Condition OnConnection(const Condition& condition) { return Strip(condition, false); }

}  // namespace weft::engine
