// `limit by TREE { … }`: what requests send meets what a limiter counts. Each descriptor that is
// reached becomes a limit of its own, whose condition holds the values that lead to it.
//
// As github.com/envoyproxy/ratelimit counts: the entries sent walk down the tree, an entry with a
// value stands before one that takes any value, and only where the last entry ends something is
// counted. Of sets (ratelimit.solo.io SetDescriptor) the first that is contained in what is sent
// counts; of all that are reached, those of the largest weight, and those that say `always`.
#include <algorithm>
#include <utility>

#include "dsl/pattern.h"
#include "engine/codes.h"
#include "engine/ip.h"
#include "engine/lowering.h"
#include "engine/match.h"

namespace weft::engine {
namespace {

// One entry of what is sent.
struct Sent {
  std::string key;
  std::optional<std::string> value;   // known before any request; else what `by` says
  std::optional<LimitKey> by;         // the value is taken from the request
  std::vector<Condition> conditions;  // under which the entry is sent
};
using Entries = std::vector<Sent>;

// The entries of one clause, and when they are what is sent.
struct SentDescriptor {
  std::vector<Condition> when;
  Entries entries;
};

// A descriptor that is reached, and when.
struct Reached {
  const dsl::DescriptorDecl* descriptor = nullptr;
  std::vector<Condition> when;
  std::vector<LimitKey> per;
};

std::vector<Condition> With(std::vector<Condition> conditions, std::vector<Condition> more) {
  conditions.insert(conditions.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  return conditions;
}

// ---- what is sent

// Envoy's pseudo-headers are parts of the request that have matchers of their own; a path is
// compared without its query. nullopt when there is no such matcher.
std::optional<Condition> OfPseudoHeader(const HeaderMatch& match, Span span) {
  const auto present = [](const Pattern& pattern) {
    return std::holds_alternative<Present>(pattern);
  };
  if (std::any_of(match.any_of.begin(), match.any_of.end(), present)) return Condition::True();
  if (match.name == ":path") return Condition::Of(PathMatch{match.any_of}, span);
  if (match.name == ":authority") return Condition::Of(HostMatch{match.any_of}, span);
  if (match.name != ":method") return std::nullopt;
  MethodMatch methods;
  for (const Pattern& pattern : match.any_of) {
    const auto* exact = std::get_if<Exact>(&pattern);
    if (exact == nullptr) return std::nullopt;
    methods.any_of.push_back(exact->value);
  }
  return Condition::Of(std::move(methods), span);
}

// The condition with its pseudo-headers replaced; false when one cannot be.
bool ReplacePseudoHeaders(Condition& condition) {
  if (condition.matcher) {
    const auto* header = std::get_if<HeaderMatch>(&*condition.matcher);
    if (header == nullptr || !header->name.starts_with(':')) return true;
    std::optional<Condition> replaced = OfPseudoHeader(*header, condition.span);
    if (!replaced) return false;
    condition = std::move(*replaced);
    return true;
  }
  return std::all_of(condition.children.begin(), condition.children.end(), ReplacePseudoHeaders);
}

class ClauseWriter {
 public:
  ClauseWriter(Lowering& l, WorkspaceId scope) : l_(l), scope_(scope) {}

  // What one clause sends: an entry that may be left out makes two of it.
  std::vector<SentDescriptor> Write(const dsl::SendClause& clause) {
    std::vector<SentDescriptor> all = {{}};
    for (const dsl::SendEntry& entry : clause.entries) {
      const std::optional<Sent> sent = Write(entry);
      if (!sent) return {};
      std::vector<SentDescriptor> next;
      for (SentDescriptor& before : all) {
        if (entry.optional && !sent->conditions.empty()) {
          next.push_back(before);
          next.back().when.push_back(Condition::Not(sent->conditions.front()));
        }
        before.entries.push_back(*sent);
        next.push_back(std::move(before));
      }
      all = std::move(next);
    }
    std::erase_if(all, [](const SentDescriptor& one) { return one.entries.empty(); });
    return all;
  }

 private:
  std::optional<Sent> Refuse(const std::string& what, Span span) {
    l_.model.unemitted.push_back({"`" + what + "` of a counter", span});
    return std::nullopt;
  }

  std::optional<Sent> Write(const dsl::SendEntry& entry) {
    using Kind = dsl::SendEntry::Kind;
    const auto key = [&](std::string_view own) {
      return entry.key ? entry.key->value : std::string(own);
    };
    switch (entry.kind) {
      case Kind::kConstant:
        return Sent{key("generic_key"), entry.value.value, {}, {}};
      case Kind::kRemoteAddress:
        return Sent{key("remote_address"), {}, LimitKey{LimitKey::Kind::kRemoteIp, "", {}}, {}};
      case Kind::kHeader:
        return Header(entry);
      case Kind::kMatch: {
        Sent sent{key("header_match"), entry.value.value, {}, {}};
        if (entry.when) {
          Condition when = LowerCondition(l_, *entry.when, scope_);
          if (!ReplacePseudoHeaders(when)) return Refuse("match", entry.span);
          sent.conditions.push_back(entry.unless ? Condition::Not(std::move(when)) : when);
        }
        return sent;
      }
      case Kind::kSourceCluster:
        return Refuse("source cluster", entry.span);
      case Kind::kDestinationCluster:
        return Refuse("destination cluster", entry.span);
      case Kind::kMetadata:
        return Refuse("metadata", entry.span);
    }
    return std::nullopt;
  }

  std::optional<Sent> Header(const dsl::SendEntry& entry) {
    const std::string name = Fold(entry.value.value);
    const std::string key = entry.key ? entry.key->value : name;
    if (name == ":method") return Sent{key, {}, LimitKey{LimitKey::Kind::kMethod, "", {}}, {}};
    if (name.starts_with(':')) return Refuse("header \"" + name + "\"", entry.span);
    const LimitKey by{LimitKey::Kind::kHeader, name, {}};
    return Sent{key, {}, by, {Condition::Of(HeaderMatch{name, {Present{}}}, entry.span)}};
  }

  Lowering& l_;
  WorkspaceId scope_;
};

// ---- what is counted

// The condition under which what is sent has the value; nullopt when it never has.
std::optional<std::vector<Condition>> Equals(const Sent& sent, const std::string& value,
                                             Span span) {
  if (!sent.by) {
    if (sent.value != value) return std::nullopt;
    return std::vector<Condition>{};
  }
  switch (sent.by->kind) {
    case LimitKey::Kind::kMethod:
      return std::vector{Condition::Of(MethodMatch{{value}}, span)};
    case LimitKey::Kind::kHeader:
      return std::vector{Condition::Of(HeaderMatch{sent.by->name, {Exact{value}}}, span)};
    case LimitKey::Kind::kRemoteIp: {
      const std::optional<Cidr> address = Cidr::Parse(value);
      if (!address) return std::nullopt;
      return std::vector{Condition::Of(RemoteIpMatch{{*address}}, span)};
    }
    case LimitKey::Kind::kSourceIdentity:
    case LimitKey::Kind::kSourceIp:
    case LimitKey::Kind::kPath:
    case LimitKey::Kind::kClaim:
      return std::nullopt;  // never sent
  }
  return std::nullopt;
}

class TreeWalk {
 public:
  TreeWalk(const Entries& sent, std::vector<Reached>& found) : sent_(sent), found_(found) {}

  void Walk(const std::vector<dsl::DescriptorDecl>& level, std::size_t at, Reached path) {
    const Sent& sent = sent_[at];
    path.when = With(std::move(path.when), sent.conditions);
    Reached any = path;
    for (const dsl::DescriptorDecl& one : level) {
      if (one.set || one.entries.front().key.value != sent.key || !one.entries.front().value) {
        continue;
      }
      auto equal = Equals(sent, one.entries.front().value->value, one.span);
      if (!equal) continue;
      if (!sent.by) return Enter(one, at, std::move(path));
      any.when.push_back(Condition::Not(Condition::And(*equal)));
      Reached exact = path;
      exact.when = With(std::move(exact.when), std::move(*equal));
      Enter(one, at, std::move(exact));
    }
    for (const dsl::DescriptorDecl& one : level) {
      if (one.set || one.entries.front().key.value != sent.key || one.entries.front().value) {
        continue;
      }
      if (sent.by) any.per.push_back(*sent.by);
      return Enter(one, at, std::move(any));
    }
  }

 private:
  void Enter(const dsl::DescriptorDecl& one, std::size_t at, Reached path) {
    if (at + 1 < sent_.size()) return Walk(one.children, at + 1, std::move(path));
    if (!one.rate && !one.unlimited) return;
    path.descriptor = &one;
    found_.push_back(std::move(path));
  }

  const Entries& sent_;
  std::vector<Reached>& found_;
};

// The values a set asks for, of a clause that has all its keys; nullopt when it is never reached.
struct SetMatch {
  std::vector<Condition> values;
  std::vector<LimitKey> per;
};
std::optional<SetMatch> MatchSet(const dsl::DescriptorDecl& set, const Entries& sent) {
  SetMatch match;
  for (const dsl::DescriptorEntry& wanted : set.entries) {
    const auto at = std::find_if(sent.begin(), sent.end(),
                                 [&](const Sent& s) { return s.key == wanted.key.value; });
    if (at == sent.end()) return std::nullopt;
    if (!wanted.value) {
      if (at->by) match.per.push_back(*at->by);
      continue;
    }
    auto equal = Equals(*at, wanted.value->value, set.span);
    if (!equal) return std::nullopt;
    match.values = With(std::move(match.values), std::move(*equal));
  }
  return match;
}

// The first set that is contained in what is sent counts; one that says `always` does so besides.
void ReachSets(const dsl::LimitsDecl& tree, const SentDescriptor& sent,
               std::vector<Reached>& found) {
  std::vector<Condition> all_sent = sent.when;
  for (const Sent& entry : sent.entries) all_sent = With(std::move(all_sent), entry.conditions);
  std::vector<Condition> not_earlier;
  for (const dsl::DescriptorDecl& set : tree.descriptors) {
    std::optional<SetMatch> match = set.set ? MatchSet(set, sent.entries) : std::nullopt;
    if (!match) continue;
    std::vector<Condition> when = With(all_sent, match->values);
    if (!set.always) when = With(std::move(when), not_earlier);
    found.push_back({&set, std::move(when), std::move(match->per)});
    not_earlier.push_back(Condition::Not(Condition::And(std::move(match->values))));
  }
}

// Where a heavier descriptor is reached, a lighter one does not count unless it says `always`.
void ApplyWeights(std::vector<Reached>& found) {
  const auto weight = [](const Reached& one) {
    return one.descriptor->weight ? one.descriptor->weight->value : 0;
  };
  std::vector<Condition> own;
  for (const Reached& one : found) own.push_back(Condition::And(one.when));
  for (Reached& one : found) {
    if (one.descriptor->always) continue;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (weight(found[i]) > weight(one)) one.when.push_back(Condition::Not(own[i]));
    }
  }
}

// ---- names

template <typename Decl>
const Decl* Named(Lowering& l, const std::vector<Decl>& decls, const dsl::QName& name,
                  WorkspaceId scope, const std::string& kind) {
  const Decl* found = nullptr;
  for (const Decl& decl : decls) {
    if (decl.header.name.value != name.parts.back().value) continue;
    const WorkspaceId section = l.Section(decl.header);
    if (name.parts.size() > 1) {
      if (!section.IsNone() && l.NameOf(section) == name.parts.front().value) return &decl;
    } else if (section == scope) {
      return &decl;
    } else if (found == nullptr) {
      found = &decl;
    }
  }
  if (found == nullptr) {
    l.diagnostics.Error(codes::kUnknownProvider, name.span,
                        "there is no " + kind + " `" + name.parts.back().value + "`");
  }
  return found;
}

std::vector<Reached> ReachedBy(Lowering& l, const dsl::CountedLimitItem& item, WorkspaceId scope,
                               const dsl::LimitsDecl& tree) {
  std::vector<const dsl::SendClause*> clauses;
  for (const dsl::QName& name : item.counters) {
    const auto* counter = Named(l, l.program.counters, name, scope, "counter");
    if (counter == nullptr) continue;
    for (const dsl::SendClause& send : counter->sends) clauses.push_back(&send);
  }
  for (const dsl::SendClause& send : item.sends) clauses.push_back(&send);
  std::vector<Reached> found;
  for (const dsl::SendClause* clause : clauses) {
    const std::size_t before = found.size();
    const std::vector<SentDescriptor> sent = ClauseWriter(l, scope).Write(*clause);
    for (const SentDescriptor& one : sent) {
      if (clause->set) {
        ReachSets(tree, one, found);
      } else {
        TreeWalk(one.entries, found).Walk(tree.descriptors, 0, {.when = one.when});
      }
    }
    if (found.size() != before || sent.empty()) continue;
    Diagnostic& d = l.diagnostics.Warning(
        codes::kNothingSelected, clause->span,
        "nothing in limits `" + tree.header.name.value + "` counts what is sent here");
    d.related.push_back({tree.header.span, "the limits"});
  }
  ApplyWeights(found);
  return found;
}

LimiterId LimiterOf(Lowering& l, const dsl::CountedLimitItem& item, const dsl::LimitsDecl& tree,
                    WorkspaceId scope) {
  if (item.limiter) return l.Limiter(*item.limiter, scope);
  // The tree stands in a section of its own.
  if (!tree.limiters.empty()) return l.Limiter(tree.limiters.front(), l.Section(tree.header));
  return l.OnlyLimiter(scope);
}

std::vector<LimitId> AddReached(Lowering& l, const dsl::CountedLimitItem& item, Span span,
                                WorkspaceId scope) {
  const auto* tree = Named(l, l.program.limit_trees, item.limits, scope, "limits");
  if (tree == nullptr) return {};
  const LimiterId limiter = LimiterOf(l, item, *tree, scope);
  if (limiter.IsNone()) {
    l.diagnostics.Error(codes::kUnknownProvider, span,
                        "limits `" + tree->header.name.value + "` have no limiter that counts");
    return {};
  }
  std::vector<LimitId> limits;
  for (Reached& reached : ReachedBy(l, item, scope, *tree)) {
    const dsl::DescriptorDecl& descriptor = *reached.descriptor;
    if (!descriptor.rate || descriptor.unlimited || descriptor.shadow) continue;
    if (item.when) reached.when.push_back(LowerCondition(l, *item.when, scope));
    l.model.limits.push_back(Limit{
        .name = NameLimit(l, scope, tree->header.name.value),
        .requests = descriptor.rate->requests,
        .unit = descriptor.rate->unit,
        .per = std::move(reached.per),
        .burst = {},
        .allow_on_error = item.allow_on_error.value_or(l.model[limiter].allow_on_error),
        .before_authorization = item.phase && item.phase->phase == dsl::Phase::kBeforeAuthorization,
        .limiter = limiter,
        .when = Condition::And(std::move(reached.when)),
        .span = descriptor.span});
    limits.push_back({static_cast<std::uint32_t>(l.model.limits.size() - 1)});
  }
  return limits;
}

}  // namespace

std::vector<LimitId> AddCountedLimits(Lowering& l, const dsl::Item& item,
                                      const dsl::CountedLimitItem& limit, WorkspaceId scope) {
  const auto [at, inserted] = l.counted_limits.try_emplace(&item);
  if (inserted) at->second = AddReached(l, limit, item.span, scope);
  return at->second;
}

}  // namespace weft::engine
