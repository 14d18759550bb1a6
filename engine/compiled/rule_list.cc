#include "engine/compiled/rule_list.h"

#include <map>
#include <tuple>
#include <utility>

namespace weft::engine::compiled {
namespace {

// Up to this many, trying all is as fast as an index and touches less memory.
constexpr std::size_t kFewRules = 16;

// Calls visit(value) for every value the field has in the request.
template <typename Visit>
void ForEachValue(const Key& field, const View& view, Visit&& visit) {
  switch (field.field) {
    case Field::kPath:
      return visit(view.path);
    case Field::kHost:
      return visit(view.host);
    case Field::kSni:
      return visit(std::string_view(view.request.sni));
    case Field::kMethod:
      return visit(std::string_view(view.request.method));
    case Field::kUri:
      if (view.peer != nullptr) visit(std::string_view(view.peer->uri));
      return;
    case Field::kHeader: {
      std::string scratch;
      if (const auto value = view.Header(field.name, scratch)) visit(*value);
      return;
    }
    case Field::kQuery: {
      const auto value = view.request.query.find(field.name);
      if (value != view.request.query.end()) visit(std::string_view(value->second));
      return;
    }
    case Field::kClaim: {
      const Token* token = view.ValidToken(field.provider);
      if (token == nullptr) return;
      const auto values = token->claims.find(field.name);
      if (values == token->claims.end()) return;
      for (const std::string& value : values->second) visit(std::string_view(value));
      return;
    }
    case Field::kIdentity:
      return;
  }
}

}  // namespace

RuleList RuleBook::Add(const std::vector<Rule>& rules, Traffic traffic, Conditions& conditions) {
  RuleList list{.first = static_cast<std::uint32_t>(rules_.size())};
  std::vector<Rule> kept;  // without those that never hold
  for (const Rule& rule : rules) {
    const Conditions::Entry entry = conditions.Compile(rule.callers, rule.condition, traffic);
    if (entry == Conditions::kFails) continue;
    rules_.push_back({BitsOf(rule.callers, conditions.names()), entry, rule.id});
    kept.push_back(rule);
    if (entry == Conditions::kHolds) break;  // what follows is never reached
  }
  if (kept.size() <= kFewRules) {
    list.few = kept.size() & 0xffU;
  } else {
    indices_.push_back(MakeIndex(kept, traffic, conditions));
    list.index = indices_.size() & 0xffffffU;
  }
  return list;
}

RuleBook::Index RuleBook::MakeIndex(const std::vector<Rule>& rules, Traffic traffic,
                                    Conditions& conditions) {
  KeyChooser chooser(conditions);
  for (const Rule& rule : rules) chooser.Count(rule.callers, rule.condition, traffic);
  Index index{.size = rules.size()};
  std::map<std::tuple<Field, std::string, JwtId>, PatternIndex> fields;
  for (std::uint32_t at = 0; at < rules.size(); ++at) {
    const Keys keys = chooser.Choose(rules[at].callers, rules[at].condition, traffic);
    if (!keys) {
      index.always.push_back(at);
      continue;
    }
    for (const Key& key : *keys) {
      if (key.field == Field::kIdentity) {
        index.identities.Add(key.identity, at);
      } else {
        fields[{key.field, key.name, key.provider}].Add(key.pattern, nullptr, at);
      }
    }
  }
  for (auto& [field, patterns] : fields) {
    patterns.Finish();
    const auto& [kind, name, provider] = field;
    index.fields.push_back({{kind, name, provider, Exact{}, {}}, std::move(patterns)});
  }
  index.identities.Finish();
  return index;
}

void RuleBook::Candidates::Add(std::span<const std::uint32_t> list) {
  if (count == kMost) {
    too_many = true;
    return;
  }
  lists[count++] = list;
}

RuleBook::Candidates RuleBook::Find(const Index& index, const View& view) {
  Candidates found;
  const auto add = [&](std::span<const std::uint32_t> list) { found.Add(list); };
  if (!index.always.empty()) add(index.always);
  if (view.peer != nullptr) index.identities.Find(*view.peer, add);
  for (const FieldIndex& field : index.fields) {
    ForEachValue(field.field, view,
                 [&](std::string_view value) { field.patterns.Find(value, add); });
  }
  return found;
}

std::uint32_t RuleBook::TryAll(std::span<const Compiled> rules, const Conditions& conditions,
                               const View& view) {
  const CallerBits bits = BitsOf(view.peer);
  for (const Compiled& rule : rules) {
    if ((rule.callers & bits) != 0 && conditions.Holds(rule.entry, view)) return rule.id;
  }
  return kNone;
}

std::uint32_t RuleBook::First(const RuleList& list, const Conditions& conditions,
                              const View& view) const {
  if (list.index != 0) return FirstOf(indices_[list.index - 1], list.first, conditions, view);
  if (list.few == 0) return kNone;
  return TryAll({&rules_[list.first], list.few}, conditions, view);
}

std::uint32_t RuleBook::FirstOf(const Index& index, std::uint32_t first,
                                const Conditions& conditions, const View& view) const {
  const std::span<const Compiled> rules(&rules_[first], index.size);
  Candidates candidates = Find(index, view);
  if (candidates.too_many) return TryAll(rules, conditions, view);
  while (true) {
    std::uint32_t next = kNone;
    for (std::size_t i = 0; i < candidates.count; ++i) {
      const auto& list = candidates.lists[i];
      if (!list.empty() && list.front() < next) next = list.front();
    }
    if (next == kNone) return kNone;
    if (conditions.Holds(rules[next].entry, view)) return rules[next].id;
    for (std::size_t i = 0; i < candidates.count; ++i) {
      auto& list = candidates.lists[i];
      if (!list.empty() && list.front() == next) list = list.subspan(1);
    }
  }
}

}  // namespace weft::engine::compiled
