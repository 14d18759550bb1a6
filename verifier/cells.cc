#include "verifier/cells.h"

#include <utility>

namespace weft::verifier {
namespace {

enum class Truth { kNo, kYes, kOpen };

using Box = std::vector<std::vector<bool>>;  // of each variable the values that are left

class Divider {
 public:
  Divider(const Formulas& formulas, const std::vector<FormulaId>& all, std::size_t limit)
      : formulas_(formulas), all_(all), limit_(limit) {}

  std::optional<std::vector<Cell>> Run() {
    Box everything;
    for (const std::uint32_t size : formulas_.sizes()) everything.emplace_back(size, true);
    std::vector<std::pair<std::uint32_t, Box>> open;  // node and what is in it
    cells_.emplace_back();
    open.emplace_back(0, std::move(everything));
    while (!open.empty()) {
      auto [at, box] = std::move(open.back());
      open.pop_back();
      std::optional<FormulaId> literal;
      if (Settled(box, cells_[at], literal)) continue;
      if (!literal || cells_.size() + 2 > limit_) return std::nullopt;
      auto [yes, no] = Split(at, *literal, box);
      open.emplace_back(cells_[at].no, std::move(no));
      open.emplace_back(cells_[at].yes, std::move(yes));
    }
    return std::move(cells_);
  }

 private:
  // Whether one formula holds nowhere in the box; else, what to divide it by.
  bool Settled(const Box& box, Cell& cell, std::optional<FormulaId>& literal) const {
    for (std::uint32_t i = 0; i < all_.size(); ++i) {
      const Truth truth = TruthOf(all_[i], box);
      if (truth == Truth::kNo) {
        cell.by = i;
        return true;
      }
      if (truth == Truth::kOpen && !literal) literal = OpenLiteral(all_[i], box);
    }
    return false;
  }

  std::pair<Box, Box> Split(std::uint32_t at, FormulaId literal, const Box& box) {
    const Formulas::Node& node = formulas_[literal];
    std::pair<Box, Box> parts{box, box};
    for (std::size_t i = 0; i < node.members.size(); ++i) {
      parts.first[node.var.value][i] = box[node.var.value][i] && node.members[i];
      parts.second[node.var.value][i] = box[node.var.value][i] && !node.members[i];
    }
    const auto next = static_cast<std::uint32_t>(cells_.size());
    cells_.resize(cells_.size() + 2);
    Cell& cell = cells_[at];
    cell.divided = true;
    cell.var = node.var;
    cell.members = parts.first[node.var.value];
    cell.yes = next;
    cell.no = next + 1;
    return parts;
  }

  [[nodiscard]] Truth TruthOf(FormulaId id, const Box& box) const {
    const Formulas::Node& node = formulas_[id];
    switch (node.kind) {
      case Formulas::Kind::kConstFalse:
        return Truth::kNo;
      case Formulas::Kind::kConstTrue:
        return Truth::kYes;
      case Formulas::Kind::kMember:
        return Inside(node, box[node.var.value]);
      case Formulas::Kind::kAnd:
        return Combined(node, box, Truth::kNo, Truth::kYes);
      case Formulas::Kind::kOr:
        return Combined(node, box, Truth::kYes, Truth::kNo);
      case Formulas::Kind::kNot: {
        const Truth child = TruthOf(node.children.front(), box);
        return child == Truth::kOpen ? child : child == Truth::kNo ? Truth::kYes : Truth::kNo;
      }
    }
    return Truth::kOpen;
  }

  static Truth Inside(const Formulas::Node& node, const std::vector<bool>& left) {
    bool some = false;
    bool others = false;
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (!left[i]) continue;
      (node.members[i] ? some : others) = true;
    }
    return some && others ? Truth::kOpen : some ? Truth::kYes : Truth::kNo;
  }

  [[nodiscard]] Truth Combined(const Formulas::Node& node, const Box& box, Truth settles,
                               Truth otherwise) const {
    Truth truth = otherwise;
    for (const FormulaId child : node.children) {
      const Truth one = TruthOf(child, box);
      if (one == settles) return settles;
      if (one == Truth::kOpen) truth = Truth::kOpen;
    }
    return truth;
  }

  [[nodiscard]] std::optional<FormulaId> OpenLiteral(FormulaId id, const Box& box) const {
    const Formulas::Node& node = formulas_[id];
    if (node.kind == Formulas::Kind::kMember) return id;
    for (const FormulaId child : node.children) {
      if (TruthOf(child, box) == Truth::kOpen) return OpenLiteral(child, box);
    }
    return std::nullopt;
  }

  const Formulas& formulas_;
  const std::vector<FormulaId>& all_;
  std::size_t limit_;
  std::vector<Cell> cells_;
};

}  // namespace

std::optional<std::vector<Cell>> Divide(const Formulas& formulas, const std::vector<FormulaId>& all,
                                        std::size_t limit) {
  return Divider(formulas, all, limit).Run();
}

}  // namespace weft::verifier
