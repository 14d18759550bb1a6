#include "emit/istio/rewrite.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/rewrite.h"

namespace weft::emit::istio {
namespace {

using engine::Condition;

// A pattern whose part of the path is replaced, and where the condition has it.
struct Anchor {
  const engine::Matcher* matcher = nullptr;
  Pattern pattern;
};

bool IsReplaceable(const Pattern& pattern) {
  return std::holds_alternative<Exact>(pattern) || std::holds_alternative<Under>(pattern) ||
         std::holds_alternative<Prefix>(pattern);
}

void CollectAnchors(const Condition& condition, std::vector<Anchor>& anchors) {
  if (condition.kind == Condition::Kind::kNot) return;
  if (condition.matcher) {
    const auto* match = std::get_if<engine::PathMatch>(&*condition.matcher);
    if (match == nullptr) return;
    for (const Pattern& pattern : match->any_of) {
      if (IsReplaceable(pattern)) anchors.push_back({&*condition.matcher, pattern});
    }
  }
  for (const Condition& child : condition.children) CollectAnchors(child, anchors);
}

// The condition with every matcher outside of a negation as `change` says it.
template <typename Change>
Condition Changed(const Condition& condition, const Change& change) {
  if (condition.matcher) return change(condition);
  if (condition.kind != Condition::Kind::kAnd && condition.kind != Condition::Kind::kOr) {
    return condition;
  }
  std::vector<Condition> children;
  for (const Condition& child : condition.children) children.push_back(Changed(child, change));
  return condition.kind == Condition::Kind::kAnd ? Condition::And(std::move(children))
                                                 : Condition::Or(std::move(children));
}

// What is left of the condition where no anchor fits the path.
Condition WithoutAnchors(const Condition& condition) {
  return Changed(condition, [](const Condition& one) {
    const auto* match = std::get_if<engine::PathMatch>(&*one.matcher);
    if (match == nullptr) return one;
    engine::PathMatch rest = *match;
    std::erase_if(rest.any_of, IsReplaceable);
    return rest.any_of.empty() ? Condition::False() : Condition::Of(std::move(rest), one.span);
  });
}

// Of requests that fit an entry of `path`, a prefix or an exact path within the anchor.
Value PathRewrite(const Anchor& anchor, const Pattern& path, const engine::Rewrite& rewrite) {
  const auto* exact = std::get_if<Exact>(&path);
  const std::string& matched = exact != nullptr ? exact->value : std::get<Prefix>(path).value;
  // What becomes of the covered part does not depend on what follows it.
  std::string to = engine::RewritePath(
      Condition::Of(engine::PathMatch{{anchor.pattern}}, rewrite.span), rewrite, matched);
  return {{"uri", to}};
}

class RewriteBuilder {
 public:
  RewriteBuilder(Emitter& e, const engine::Rewrite& rewrite, const RoutePlace& place, Span span)
      : e_(e), rewrite_(rewrite), place_(place), span_(span) {}

  void AddAnchored(const Condition& condition, const Anchor& anchor) {
    const Condition given = Changed(condition, [&](const Condition& one) {
      return &*one.matcher == anchor.matcher ? Condition::True() : one;
    });
    const std::vector<Pattern> parts = UriParts(anchor.pattern);
    for (const Pattern& part : parts) {
      if (IsTaken(part)) continue;
      std::vector<HttpMatch> matches = HttpMatches(e_, given, place_, span_, part);
      // An alternative that asks for nothing else leaves nothing to the others.
      const auto whole = std::find_if(matches.begin(), matches.end(), [&](const HttpMatch& match) {
        return match.path == part && match.entry.size() == 1;
      });
      if (whole != matches.end()) matches = {*whole};
      for (HttpMatch& match : matches) {
        if (IsTaken(*match.path)) continue;
        Value rewrite = PathRewrite(anchor, *match.path, rewrite_);
        Add({std::move(match)}, std::move(rewrite));
      }
    }
    taken_.insert(taken_.end(), parts.begin(), parts.end());
  }

  // No pattern covers a part of the path: its first slash is replaced.
  void AddRest(const Condition& condition) {
    std::vector<HttpMatch> matches = HttpMatches(e_, WithoutAnchors(condition), place_, span_);
    std::erase_if(matches,
                  [&](const HttpMatch& match) { return match.path && IsTaken(*match.path); });
    Add(std::move(matches), {{"uriRegexRewrite", {{"match", "^/"}, {"rewrite", *rewrite_.path}}}});
  }

  void Add(std::vector<HttpMatch> matches, Value rewrite) {
    if (matches.empty()) return;
    if (rewrite_.host) rewrite["authority"] = *rewrite_.host;
    if (!out_.empty() && out_.back().rewrite == rewrite) {
      std::move(matches.begin(), matches.end(), std::back_inserter(out_.back().matches));
    } else {
      out_.push_back({std::move(matches), std::move(rewrite)});
    }
  }

  std::vector<RewrittenMatches> Finish() { return std::move(out_); }

 private:
  // An earlier anchor covers all such paths, so that no request is left for the entry.
  [[nodiscard]] bool IsTaken(const Pattern& path) const {
    return std::any_of(taken_.begin(), taken_.end(),
                       [&](const Pattern& part) { return Within(path, part); });
  }

  Emitter& e_;
  const engine::Rewrite& rewrite_;
  const RoutePlace& place_;
  Span span_;
  std::vector<Pattern> taken_;
  std::vector<RewrittenMatches> out_;
};

}  // namespace

std::vector<RewrittenMatches> MatchesOfRewrite(Emitter& e, const Condition& condition,
                                               const engine::Rewrite& rewrite,
                                               const RoutePlace& place, Span span) {
  RewriteBuilder builder(e, rewrite, place, span);
  if (rewrite.path && !rewrite.regex) {
    std::vector<Anchor> anchors;
    CollectAnchors(condition, anchors);
    for (const Anchor& anchor : anchors) builder.AddAnchored(condition, anchor);
    builder.AddRest(condition);
    return builder.Finish();
  }
  Value path = Value::object();
  if (rewrite.regex) {
    path["uriRegexRewrite"] = {{"match", *rewrite.regex}, {"rewrite", *rewrite.path}};
  }
  builder.Add(HttpMatches(e, condition, place, span), std::move(path));
  return builder.Finish();
}

}  // namespace weft::emit::istio
