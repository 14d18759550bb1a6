#include "engine/compiled/rule_list.h"

#include <map>
#include <tuple>
#include <utility>

namespace weft::engine::compiled {
namespace {

// Below this many, trying all is as fast as an index and takes less memory.
constexpr std::size_t kFewRules = 6;

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

RuleList::RuleList(const std::vector<Rule>& rules, Traffic traffic, Conditions& conditions) {
  std::vector<Rule> kept;  // without those that never hold
  for (const Rule& rule : rules) {
    const Conditions::Entry entry = conditions.Compile(rule.callers, rule.condition, traffic);
    if (entry == Conditions::kFails) continue;
    rules_.push_back({entry, rule.id});
    kept.push_back(rule);
    if (entry == Conditions::kHolds) break;  // what follows is never reached
  }
  if (rules_.size() > kFewRules) BuildIndex(kept, traffic, conditions);
}

void RuleList::BuildIndex(const std::vector<Rule>& rules, Traffic traffic, Conditions& conditions) {
  KeyChooser chooser(conditions);
  for (const Rule& rule : rules) chooser.Count(rule.callers, rule.condition, traffic);
  auto index = std::make_unique<Index>();
  std::map<std::tuple<Field, std::string, JwtId>, PatternIndex> fields;
  for (std::uint32_t at = 0; at < rules.size(); ++at) {
    const Keys keys = chooser.Choose(rules[at].callers, rules[at].condition, traffic);
    if (!keys) {
      index->always.push_back(at);
      continue;
    }
    for (const Key& key : *keys) {
      if (key.field == Field::kIdentity) {
        index->identities.Add(key.identity, at);
      } else {
        fields[{key.field, key.name, key.provider}].Add(key.pattern, nullptr, at);
      }
    }
  }
  for (auto& [field, patterns] : fields) {
    patterns.Finish();
    const auto& [kind, name, provider] = field;
    index->fields.push_back({{kind, name, provider, Exact{}, {}}, std::move(patterns)});
  }
  index->identities.Finish();
  index_ = std::move(index);
}

void RuleList::Candidates::Add(std::span<const std::uint32_t> list) {
  if (count == kMost) {
    too_many = true;
    return;
  }
  lists[count++] = list;
}

RuleList::Candidates RuleList::Find(const View& view) const {
  Candidates found;
  const auto add = [&](std::span<const std::uint32_t> list) { found.Add(list); };
  if (!index_->always.empty()) add(index_->always);
  if (view.peer != nullptr) index_->identities.Find(*view.peer, add);
  for (const FieldIndex& field : index_->fields) {
    ForEachValue(field.field, view,
                 [&](std::string_view value) { field.patterns.Find(value, add); });
  }
  return found;
}

std::uint32_t RuleList::TryAll(const Conditions& conditions, const View& view) const {
  for (const Compiled& rule : rules_) {
    if (conditions.Holds(rule.entry, view)) return rule.id;
  }
  return kNone;
}

std::uint32_t RuleList::First(const Conditions& conditions, const View& view) const {
  if (index_ == nullptr) return TryAll(conditions, view);
  Candidates candidates = Find(view);
  if (candidates.too_many) return TryAll(conditions, view);
  while (true) {
    std::uint32_t next = kNone;
    for (std::size_t i = 0; i < candidates.count; ++i) {
      const auto& list = candidates.lists[i];
      if (!list.empty() && list.front() < next) next = list.front();
    }
    if (next == kNone) return kNone;
    if (conditions.Holds(rules_[next].entry, view)) return rules_[next].id;
    for (std::size_t i = 0; i < candidates.count; ++i) {
      auto& list = candidates.lists[i];
      if (!list.empty() && list.front() == next) list = list.subspan(1);
    }
  }
}

}  // namespace weft::engine::compiled
