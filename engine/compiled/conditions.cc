#include "engine/compiled/conditions.h"

#include <algorithm>

#include "dsl/overloaded.h"

namespace weft::engine::compiled {
namespace {

template <typename List, typename Value>
bool Contains(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Blocks as ranges that neither overlap nor touch out of order.
std::vector<std::pair<Ip, Ip>> Merge(const std::vector<Cidr>& cidrs) {
  std::vector<std::pair<Ip, Ip>> ranges;
  for (const Cidr& cidr : cidrs) ranges.emplace_back(cidr.First(), cidr.Last());
  std::sort(ranges.begin(), ranges.end());
  std::vector<std::pair<Ip, Ip>> merged;
  for (const auto& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().second) {
      merged.back().second = std::max(merged.back().second, range.second);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

bool LooksAtUri(const std::vector<CallerSet>& sets) {
  return std::any_of(sets.begin(), sets.end(), [](const CallerSet& set) {
    return std::any_of(set.any_of.begin(), set.any_of.end(), [](const Caller& caller) {
      return std::holds_alternative<IdentityPattern>(caller);
    });
  });
}

}  // namespace

std::string ClaimName(const std::vector<std::string>& claim) {
  std::string name;
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (i > 0) name += '.';
    name += claim[i];
  }
  return name;
}

bool LooksAtHttp(const Matcher& matcher) {
  return std::visit(Overloaded{
                        [](const MethodMatch&) { return true; },
                        [](const PathMatch&) { return true; },
                        [](const HostMatch&) { return true; },
                        [](const SniMatch&) { return false; },
                        [](const HeaderMatch&) { return true; },
                        [](const QueryMatch&) { return true; },
                        [](const PortMatch&) { return false; },
                        [](const CallerMatch&) { return false; },
                        [](const SourceIpMatch&) { return false; },
                        [](const RemoteIpMatch&) { return false; },
                        [](const MtlsMatch&) { return false; },
                        [](const JwtMatch&) { return true; },
                        [](const ClaimMatch&) { return true; },
                    },
                    matcher);
}

Conditions::Entry Conditions::Compile(const std::vector<CallerSet>& callers,
                                      const Condition& condition, Traffic traffic) {
  const Entry rest = Emit(condition, traffic, false, kHolds, kFails);
  if (callers.empty() || rest == kFails) return rest;
  return Push(Kind::kCaller, AddCallers(callers), rest, kFails);
}

// Code is laid down from the last step to the first, so that every target is known.
Conditions::Entry Conditions::Emit(const Condition& condition, Traffic traffic, bool negated,
                                   Entry yes, Entry no) {
  switch (condition.kind) {
    case Condition::Kind::kTrue:
      return yes;
    case Condition::Kind::kFalse:
      return no;
    case Condition::Kind::kNot:
      return Emit(condition.children.front(), traffic, !negated, no, yes);
    case Condition::Kind::kAnd: {
      Entry next = yes;
      for (auto child = condition.children.rbegin(); child != condition.children.rend(); ++child) {
        next = Emit(*child, traffic, negated, next, no);
      }
      return next;
    }
    case Condition::Kind::kOr: {
      Entry next = no;
      for (auto child = condition.children.rbegin(); child != condition.children.rend(); ++child) {
        next = Emit(*child, traffic, negated, yes, next);
      }
      return next;
    }
    case Condition::Kind::kMatcher:
      // Under a negation the targets are swapped: what fails outside goes to `yes` here.
      if (traffic == Traffic::kConnection && LooksAtHttp(*condition.matcher)) {
        return negated ? yes : no;
      }
      return EmitMatcher(*condition.matcher, yes, no);
  }
  return no;
}

Conditions::Entry Conditions::EmitMatcher(const Matcher& matcher, Entry yes, Entry no) {
  const auto put = [&](Kind kind, std::size_t argument) { return Push(kind, argument, yes, no); };
  const auto keep = [](auto& in, const auto& value) {
    in.push_back(value);
    return in.size() - 1;
  };
  return std::visit(
      Overloaded{
          [&](const MethodMatch& m) { return put(Kind::kMethod, keep(methods_, m.any_of)); },
          [&](const PathMatch& m) { return put(Kind::kPath, AddPatterns(m.any_of)); },
          [&](const HostMatch& m) { return put(Kind::kHost, AddPatterns(m.any_of)); },
          [&](const SniMatch& m) { return put(Kind::kSni, AddPatterns(m.any_of)); },
          [&](const HeaderMatch& m) { return put(Kind::kHeader, AddNamed(m.name, m.any_of, {})); },
          [&](const QueryMatch& m) { return put(Kind::kQuery, AddNamed(m.name, m.any_of, {})); },
          [&](const PortMatch& m) { return put(Kind::kPort, keep(ports_, m.any_of)); },
          [&](const CallerMatch& m) { return put(Kind::kCaller, AddCallers(m.any_of)); },
          [&](const SourceIpMatch& m) {
            return put(Kind::kSourceIp, keep(blocks_, Merge(m.any_of)));
          },
          [&](const RemoteIpMatch& m) {
            return put(Kind::kRemoteIp, keep(blocks_, Merge(m.any_of)));
          },
          [&](const MtlsMatch&) { return put(Kind::kMtls, 0); },
          [&](const JwtMatch& m) { return put(Kind::kJwt, m.provider.value); },
          [&](const ClaimMatch& m) {
            return put(Kind::kClaim, AddNamed(ClaimName(m.claim), m.any_of, m.provider));
          },
      },
      matcher);
}

Conditions::Entry Conditions::Push(Kind kind, std::size_t argument, Entry yes, Entry no) {
  steps_.push_back({kind, static_cast<std::uint32_t>(argument), yes, no});
  return static_cast<Entry>(steps_.size() - 1);
}

std::size_t Conditions::AddPatterns(const std::vector<Pattern>& patterns) {
  patterns_.emplace_back(patterns, regexes_);
  return patterns_.size() - 1;
}

std::size_t Conditions::AddNamed(std::string name, const std::vector<Pattern>& values,
                                 JwtId provider) {
  named_.push_back({std::move(name), PatternSet(values, regexes_), provider});
  return named_.size() - 1;
}

std::size_t Conditions::AddCallers(const std::vector<CallerSet>& sets) {
  needs_uri_ = needs_uri_ || LooksAtUri(sets);
  callers_.emplace_back(sets, names_, regexes_);
  return callers_.size() - 1;
}

bool Conditions::Holds(Entry entry, const View& view) const {
  while (entry < kFails) {
    const Step& step = steps_[entry];
    entry = Test(step, view) ? step.yes : step.no;
  }
  return entry == kHolds;
}

bool Conditions::Test(const Step& step, const View& view) const {
  const std::uint32_t at = step.argument;
  const Request& request = view.request;
  switch (step.kind) {
    case Kind::kMethod:
      return Contains(methods_[at], request.method);
    case Kind::kPath:
      return patterns_[at].Matches(view.path);
    case Kind::kHost:
      return patterns_[at].Matches(view.host);
    case Kind::kSni:
      return patterns_[at].Matches(request.sni);
    case Kind::kHeader: {
      std::string scratch;
      const std::optional<std::string_view> value = view.Header(named_[at].name, scratch);
      return value && named_[at].values.Matches(*value);
    }
    case Kind::kQuery: {
      const auto value = request.query.find(named_[at].name);
      return value != request.query.end() && named_[at].values.Matches(value->second);
    }
    case Kind::kPort:
      return Contains(ports_[at], view.port);
    case Kind::kCaller:
      return callers_[at].Admits(view.peer);
    case Kind::kSourceIp:
      return InBlocks(blocks_[at], view.SourceIp());
    case Kind::kRemoteIp:
      return InBlocks(blocks_[at], view.RemoteIp());
    case Kind::kMtls:
      return view.peer != nullptr;
    case Kind::kJwt:
      return view.ValidToken({at}) != nullptr;
    case Kind::kClaim:
      return ClaimHolds(named_[at], view);
  }
  return false;
}

bool Conditions::InBlocks(const Blocks& blocks, const std::optional<Ip>& ip) {
  if (!ip) return false;
  const auto after =
      std::upper_bound(blocks.begin(), blocks.end(), *ip,
                       [](const Ip& value, const auto& range) { return value < range.first; });
  return after != blocks.begin() && *ip <= std::prev(after)->second;
}

bool Conditions::ClaimHolds(const Named& claim, const View& view) {
  const Token* token = view.ValidToken(claim.provider);
  if (token == nullptr) return false;
  const auto values = token->claims.find(claim.name);
  if (values == token->claims.end()) return false;
  return std::any_of(values->second.begin(), values->second.end(),
                     [&](const std::string& value) { return claim.values.Matches(value); });
}

}  // namespace weft::engine::compiled
