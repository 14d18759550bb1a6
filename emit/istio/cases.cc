#include "emit/istio/cases.h"

namespace weft::emit::istio {
namespace {

using engine::Condition;
using Cases = std::optional<std::vector<Conjunction>>;

Cases Expand(const Condition& condition, bool negated, std::size_t limit);

Cases AnyOf(const Condition& condition, bool negated, std::size_t limit) {
  std::vector<Conjunction> all;
  for (const Condition& child : condition.children) {
    Cases cases = Expand(child, negated, limit);
    if (!cases || all.size() + cases->size() > limit) return std::nullopt;
    for (Conjunction& one : *cases) all.push_back(std::move(one));
  }
  return all;
}

Cases AllOf(const Condition& condition, bool negated, std::size_t limit) {
  std::vector<Conjunction> all{{}};
  for (const Condition& child : condition.children) {
    const Cases cases = Expand(child, negated, limit);
    if (!cases || all.size() * cases->size() > limit) return std::nullopt;
    std::vector<Conjunction> product;
    for (const Conjunction& left : all) {
      for (const Conjunction& right : *cases) {
        Conjunction both = left;
        both.insert(both.end(), right.begin(), right.end());
        product.push_back(std::move(both));
      }
    }
    all = std::move(product);
  }
  return all;
}

Cases Expand(const Condition& condition, bool negated, std::size_t limit) {
  switch (condition.kind) {
    case Condition::Kind::kTrue:
    case Condition::Kind::kFalse: {
      const bool always = (condition.kind == Condition::Kind::kTrue) != negated;
      return always ? std::vector<Conjunction>{{}} : std::vector<Conjunction>{};
    }
    case Condition::Kind::kAnd:
      return negated ? AnyOf(condition, true, limit) : AllOf(condition, false, limit);
    case Condition::Kind::kOr:
      return negated ? AllOf(condition, true, limit) : AnyOf(condition, false, limit);
    case Condition::Kind::kNot:
      return Expand(condition.children.front(), !negated, limit);
    case Condition::Kind::kMatcher:
      return std::vector<Conjunction>{{{&*condition.matcher, negated, condition.span}}};
  }
  return std::nullopt;
}

}  // namespace

Cases CasesOf(const Condition& condition, std::size_t limit) {
  return Expand(condition, false, limit);
}

}  // namespace weft::emit::istio
