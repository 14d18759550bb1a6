#include "engine/compiled/keys.h"

#include <utility>

#include "dsl/overloaded.h"

namespace weft::engine::compiled {

void KeyChooser::Count(const std::vector<CallerSet>& callers, const Condition& condition,
                       Traffic traffic) {
  if (!callers.empty()) Add(OfCallers(callers));
  CountIn(condition, traffic);
}

void KeyChooser::CountIn(const Condition& condition, Traffic traffic) {
  if (condition.kind == Condition::Kind::kNot) return;
  if (condition.matcher) {
    if (traffic == Traffic::kRequest || !LooksAtHttp(*condition.matcher)) {
      Add(OfMatcher(*condition.matcher));
    }
    return;
  }
  for (const Condition& child : condition.children) CountIn(child, traffic);
}

void KeyChooser::Add(const Keys& keys) {
  if (!keys) return;
  for (const Key& key : *keys) ++shared_by_[key];
}

Keys KeyChooser::Choose(const std::vector<CallerSet>& callers, const Condition& condition,
                        Traffic traffic) {
  Keys keys = OfCondition(condition, traffic);
  if (callers.empty()) return keys;
  return Better(OfCallers(callers), std::move(keys));
}

std::size_t KeyChooser::Cost(const std::vector<Key>& keys) const {
  std::size_t cost = 0;
  for (const Key& key : keys) {
    const auto at = shared_by_.find(key);
    cost += at == shared_by_.end() ? 1 : at->second;
  }
  return cost;
}

Keys KeyChooser::Better(Keys a, Keys b) const {
  if (!a) return b;
  if (!b) return a;
  return Cost(*b) < Cost(*a) ? b : a;
}

Keys KeyChooser::OfCondition(const Condition& condition, Traffic traffic) {
  switch (condition.kind) {
    case Condition::Kind::kTrue:
    case Condition::Kind::kNot:
      return std::nullopt;
    case Condition::Kind::kFalse:
      return std::vector<Key>();
    case Condition::Kind::kOr:
      return OfAny(condition.children, traffic);
    case Condition::Kind::kAnd: {
      Keys best;
      for (const Condition& child : condition.children) {
        best = Better(std::move(best), OfCondition(child, traffic));
      }
      return best;
    }
    case Condition::Kind::kMatcher:
      if (traffic == Traffic::kConnection && LooksAtHttp(*condition.matcher)) {
        return std::vector<Key>();
      }
      return OfMatcher(*condition.matcher);
  }
  return std::nullopt;
}

Keys KeyChooser::OfAny(const std::vector<Condition>& children, Traffic traffic) {
  std::vector<Key> all;
  for (const Condition& child : children) {
    Keys keys = OfCondition(child, traffic);
    if (!keys) return std::nullopt;
    all.insert(all.end(), keys->begin(), keys->end());
  }
  return all;
}

std::vector<Key> KeyChooser::OfPatterns(const Key& field, const std::vector<Pattern>& patterns) {
  std::vector<Key> keys;
  for (const Pattern& pattern : patterns) {
    Key key = field;
    key.pattern = std::visit(Overloaded{
                                 [&](const Regex& p) -> Pattern {
                                   const re2::RE2* regex = conditions_.regexes().Add(p.value);
                                   return Prefix{regex == nullptr ? "" : LiteralPrefix(*regex)};
                                 },
                                 [](const Present&) -> Pattern { return Prefix{""}; },
                                 [](const auto& p) -> Pattern { return p; },
                             },
                             pattern);
    keys.push_back(std::move(key));
  }
  return keys;
}

Keys KeyChooser::OfMatcher(const Matcher& matcher) {
  const auto of = [&](Field field, const std::vector<Pattern>& patterns, std::string name = {},
                      JwtId provider = {}) -> Keys {
    return OfPatterns({field, std::move(name), provider, Exact{}, {}}, patterns);
  };
  return std::visit(Overloaded{
                        [&](const MethodMatch& m) -> Keys {
                          std::vector<Pattern> exact;
                          for (const std::string& method : m.any_of)
                            exact.emplace_back(Exact{method});
                          return of(Field::kMethod, exact);
                        },
                        [&](const PathMatch& m) { return of(Field::kPath, m.any_of); },
                        [&](const HostMatch& m) { return of(Field::kHost, m.any_of); },
                        [&](const SniMatch& m) { return of(Field::kSni, m.any_of); },
                        [&](const HeaderMatch& m) { return of(Field::kHeader, m.any_of, m.name); },
                        [&](const QueryMatch& m) { return of(Field::kQuery, m.any_of, m.name); },
                        [&](const CallerMatch& m) { return OfCallers(m.any_of); },
                        [&](const ClaimMatch& m) {
                          return of(Field::kClaim, m.any_of, ClaimName(m.claim), m.provider);
                        },
                        [](const PortMatch&) -> Keys { return std::nullopt; },
                        [](const SourceIpMatch&) -> Keys { return std::nullopt; },
                        [](const RemoteIpMatch&) -> Keys { return std::nullopt; },
                        [](const MtlsMatch&) -> Keys { return std::nullopt; },
                        [](const JwtMatch&) -> Keys { return std::nullopt; },
                    },
                    matcher);
}

Keys KeyChooser::OfCallers(const std::vector<CallerSet>& sets) {
  std::vector<Key> keys;
  bool open = false;  // also callers without identity, or all but some
  for (const CallerSet& set : sets) {
    for (const Caller& caller : set.any_of) {
      std::visit(
          Overloaded{
              [&](const IdentitySet& identities) {
                keys.push_back(
                    {Field::kIdentity, "", {}, Exact{}, KeyOf(identities, conditions_.names())});
              },
              [&](const IdentityPattern& p) {
                for (Key& key : OfPatterns({Field::kUri, "", {}, Exact{}, {}}, {p.pattern})) {
                  keys.push_back(std::move(key));
                }
              },
              [&](const auto&) { open = true; },
          },
          caller);
    }
  }
  if (open) return std::nullopt;
  return keys;
}

}  // namespace weft::engine::compiled
