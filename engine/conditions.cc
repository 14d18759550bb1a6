// Conditions of the language to those of the Model.
#include <algorithm>

#include "dsl/codes.h"
#include "dsl/overloaded.h"
#include "engine/lowering.h"
#include "engine/match.h"

namespace weft::engine {
namespace {

std::vector<Pattern> ToPatterns(const std::vector<Spanned<Pattern>>& patterns) {
  std::vector<Pattern> values;
  for (const Spanned<Pattern>& pattern : patterns) values.push_back(pattern.value);
  return values;
}

// Hosts and SNI are compared in lower case.
std::vector<Pattern> FoldPatterns(const std::vector<Spanned<Pattern>>& patterns) {
  std::vector<Pattern> values = ToPatterns(patterns);
  for (Pattern& pattern : values) {
    std::visit(Overloaded{
                   [](Exact& p) { p.value = Fold(p.value); },
                   [](Prefix& p) { p.value = Fold(p.value); },
                   [](Suffix& p) { p.value = Fold(p.value); },
                   [](auto&) {},
               },
               pattern);
  }
  return values;
}

std::vector<Cidr> ToBlocks(const std::vector<dsl::Str>& texts) {
  std::vector<Cidr> blocks;
  for (const dsl::Str& text : texts) {
    if (const std::optional<Cidr> block = Cidr::Parse(text.value)) blocks.push_back(*block);
  }
  return blocks;
}

// The operator that means what a star in a path is meant for elsewhere.
std::string InsteadOfStar(const std::string& path) {
  std::string before = path;
  while (before.ends_with('*')) before.pop_back();
  if (before.find('*') != std::string::npos) return "like \"" + path + "\"";
  if (!before.ends_with('/')) return "starts \"" + before + "\"";
  if (before.size() > 1) before.pop_back();
  return "under \"" + before + "\"";
}

// A star is a star behind `=`, `under` and `starts`, which is seldom meant.
void WarnStars(Lowering& l, const std::vector<Spanned<Pattern>>& patterns) {
  for (const Spanned<Pattern>& pattern : patterns) {
    const std::string* path =
        std::visit(Overloaded{
                       [](const Exact& p) { return &p.value; },
                       [](const Under& p) { return &p.value; },
                       [](const Prefix& p) { return &p.value; },
                       [](const auto&) -> const std::string* { return nullptr; },
                   },
                   pattern.value);
    if (path == nullptr || path->find('*') == std::string::npos) continue;
    l.diagnostics
        .Warning(dsl::codes::kBadPattern, pattern.span,
                 "the `*` in this path is a star and no wildcard")
        .help = "did you mean `" + InsteadOfStar(*path) +
                "`? Where a star is meant, say so: `matches` with `[*]` in place of it";
  }
}

Condition LowerMatcher(Lowering& l, const dsl::Matcher& matcher, WorkspaceId scope, Span span) {
  const auto texts = [](const auto& list) {
    std::vector<std::string> values;
    for (const auto& item : list) values.push_back(item.value);
    return values;
  };
  const auto jwt = [&](const dsl::Name& name, auto make) {
    const JwtId provider = l.Jwt(name, scope);
    // A condition on an unknown provider is reported and never holds.
    return provider.IsNone() ? Condition::False() : Condition::Of(make(provider), span);
  };
  return std::visit(
      Overloaded{
          [&](const dsl::MethodIn& m) {
            return Condition::Of(MethodMatch{texts(m.methods)}, span);
          },
          [&](const dsl::PathIs& m) {
            WarnStars(l, m.patterns);
            return Condition::Of(PathMatch{ToPatterns(m.patterns)}, span);
          },
          [&](const dsl::HostIs& m) {
            return Condition::Of(HostMatch{FoldPatterns(m.patterns)}, span);
          },
          [&](const dsl::SniIs& m) {
            return Condition::Of(SniMatch{FoldPatterns(m.patterns)}, span);
          },
          [&](const dsl::HeaderIs& m) {
            return Condition::Of(HeaderMatch{Fold(m.name.value), ToPatterns(m.patterns)}, span);
          },
          [&](const dsl::QueryIs& m) {
            return Condition::Of(QueryMatch{m.name.value, ToPatterns(m.patterns)}, span);
          },
          [&](const dsl::PortIn& m) {
            PortMatch match;
            for (const dsl::Port& port : m.ports) match.any_of.push_back(port.value);
            return Condition::Of(std::move(match), span);
          },
          [&](const dsl::SourceIn& m) {
            return Condition::Of(CallerMatch{LowerSources(l, m.sources, scope)}, span);
          },
          [&](const dsl::SourceIpIn& m) {
            return Condition::Of(SourceIpMatch{ToBlocks(m.blocks)}, span);
          },
          [&](const dsl::RemoteIpIn& m) {
            return Condition::Of(RemoteIpMatch{ToBlocks(m.blocks)}, span);
          },
          [&](const dsl::HasMtls&) { return Condition::Of(MtlsMatch{}, span); },
          [&](const dsl::JwtValid& m) {
            return jwt(m.provider, [](JwtId id) { return JwtMatch{id}; });
          },
          [&](const dsl::JwtClaim& m) {
            return jwt(m.provider, [&](JwtId id) {
              return ClaimMatch{id, ClaimSteps(m.claim.value), ToPatterns(m.patterns)};
            });
          },
          [&](const dsl::JwtScope& m) {
            return jwt(m.provider, [&](JwtId id) {
              return ClaimMatch{id, {"scope"}, {Pattern(Exact{m.scope.value})}};
            });
          },
          [](const dsl::PredicateRef&) { return Condition::False(); },
      },
      matcher);
}

}  // namespace

Condition LowerCondition(Lowering& l, const dsl::Condition& condition, WorkspaceId scope) {
  std::vector<Condition> children;
  for (const dsl::Condition& child : condition.children) {
    children.push_back(LowerCondition(l, child, scope));
  }
  switch (condition.kind) {
    case dsl::Condition::Kind::kAnd:
      return Condition::And(std::move(children));
    case dsl::Condition::Kind::kOr:
      return Condition::Or(std::move(children));
    case dsl::Condition::Kind::kNot:
      return Condition::Not(std::move(children.front()));
    case dsl::Condition::Kind::kMatcher:
      return LowerMatcher(l, *condition.matcher, scope, condition.span);
  }
  return Condition::False();
}

void CollectProviders(const Condition& condition, std::vector<JwtId>& providers) {
  const auto add = [&](JwtId id) {
    if (std::find(providers.begin(), providers.end(), id) == providers.end()) {
      providers.push_back(id);
    }
  };
  if (condition.matcher) {
    std::visit(Overloaded{
                   [&](const JwtMatch& m) { add(m.provider); },
                   [&](const ClaimMatch& m) { add(m.provider); },
                   [](const auto&) {},
               },
               *condition.matcher);
  }
  for (const Condition& child : condition.children) CollectProviders(child, providers);
}

}  // namespace weft::engine
