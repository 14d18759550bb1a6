#include "verifier/formula.h"

#include <algorithm>
#include <utility>

namespace weft::verifier {

VarId Formulas::NewVar(std::uint32_t size) {
  sizes_.push_back(size);
  return {static_cast<std::uint32_t>(sizes_.size() - 1)};
}

FormulaId Formulas::Add(Node node) {
  nodes_.push_back(std::move(node));
  return {static_cast<std::uint32_t>(nodes_.size() - 1)};
}

FormulaId Formulas::Member(VarId var, std::vector<bool> members) {
  members.resize(sizes_[var.value], false);
  const auto count = std::count(members.begin(), members.end(), true);
  if (count == 0) return kFalse;
  if (count == static_cast<std::ptrdiff_t>(members.size())) return kTrue;
  return Add({Kind::kMember, var, std::move(members), {}});
}

FormulaId Formulas::Is(VarId var, std::uint32_t value) {
  std::vector<bool> members(sizes_[var.value], false);
  members[value] = true;
  return Member(var, std::move(members));
}

FormulaId Formulas::Combine(Kind kind, FormulaId neutral, FormulaId absorbing,
                            std::vector<FormulaId> children) {
  std::vector<FormulaId> kept;
  for (const FormulaId child : children) {
    if (child == absorbing) return absorbing;
    if (child != neutral) kept.push_back(child);
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  if (kept.empty()) return neutral;
  if (kept.size() == 1) return kept.front();
  return Add({kind, {}, {}, std::move(kept)});
}

FormulaId Formulas::And(std::vector<FormulaId> children) {
  return Combine(Kind::kAnd, kTrue, kFalse, std::move(children));
}

FormulaId Formulas::Or(std::vector<FormulaId> children) {
  return Combine(Kind::kOr, kFalse, kTrue, std::move(children));
}

FormulaId Formulas::Not(FormulaId child) {
  if (child == kFalse) return kTrue;
  if (child == kTrue) return kFalse;
  const Node& node = nodes_[child.value];
  if (node.kind == Kind::kNot) return node.children.front();
  if (node.kind == Kind::kMember) {
    std::vector<bool> members = node.members;
    members.flip();
    const VarId var = node.var;
    return Member(var, std::move(members));
  }
  return Add({Kind::kNot, {}, {}, {child}});
}

bool Formulas::Holds(FormulaId id, const Assignment& assignment) const {
  const Node& node = nodes_[id.value];
  const auto holds = [&](FormulaId child) { return Holds(child, assignment); };
  switch (node.kind) {
    case Kind::kConstFalse:
      return false;
    case Kind::kConstTrue:
      return true;
    case Kind::kMember:
      return node.members[assignment[node.var.value]];
    case Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), holds);
    case Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), holds);
    case Kind::kNot:
      return !holds(node.children.front());
  }
  return false;
}

}  // namespace weft::verifier
