// Boolean formulas over variables with small finite domains: the only thing the solver sees.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weft::verifier {

struct VarId {
  std::uint32_t value = 0;
  auto operator<=>(const VarId&) const = default;
};
struct FormulaId {
  std::uint32_t value = 0;
  auto operator<=>(const FormulaId&) const = default;
};
inline constexpr FormulaId kFalse{0};
inline constexpr FormulaId kTrue{1};

// Value of every variable, by VarId.
using Assignment = std::vector<std::uint32_t>;

// A store of variables and formulas. Constructors fold constants.
class Formulas {
 public:
  enum class Kind { kConstFalse, kConstTrue, kMember, kAnd, kOr, kNot };
  struct Node {
    Kind kind = Kind::kConstFalse;
    VarId var;                        // kMember
    std::vector<bool> members;        // kMember: values that make it true
    std::vector<FormulaId> children;  // kAnd, kOr, kNot
  };

  Formulas() : nodes_(2) { nodes_[1].kind = Kind::kConstTrue; }

  // A variable with values 0 .. size-1; size >= 1.
  VarId NewVar(std::uint32_t size);
  // The variable's value is one of `members` (one entry per value).
  FormulaId Member(VarId var, std::vector<bool> members);
  FormulaId Is(VarId var, std::uint32_t value);
  FormulaId And(std::vector<FormulaId> children);
  FormulaId Or(std::vector<FormulaId> children);
  FormulaId Not(FormulaId child);

  [[nodiscard]] const Node& operator[](FormulaId id) const { return nodes_[id.value]; }
  [[nodiscard]] const std::vector<std::uint32_t>& sizes() const { return sizes_; }
  [[nodiscard]] bool Holds(FormulaId id, const Assignment& assignment) const;

 private:
  FormulaId Add(Node node);
  FormulaId Combine(Kind kind, FormulaId neutral, FormulaId absorbing,
                    std::vector<FormulaId> children);
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> sizes_;
};

}  // namespace weft::verifier
