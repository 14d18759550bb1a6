#include "prove/canonical.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace weft::prove {
namespace {

using verifier::FormulaId;
using verifier::Formulas;
using FormulaKind = Formulas::Kind;

// A conjunction or disjunction: what it says of each variable, and parts of the other kind.
struct Parts {
  std::map<std::uint32_t, std::vector<bool>> members;
  std::vector<Parts> inner;
  bool decided = false;  // a part makes the whole false (conjunction) or true (disjunction)
};

class Builder {
 public:
  explicit Builder(const Formulas& formulas) : formulas_(formulas) {}

  Parts Build(FormulaId id, bool negated, bool conjunction) {
    Parts parts;
    Add(id, negated, conjunction, parts);
    Merge(conjunction, parts);
    Simplify(conjunction, parts);
    return parts;
  }

  static std::string Text(const Parts& parts, bool conjunction) {
    if (parts.decided) return conjunction ? "0" : "1";
    std::set<std::string> texts;
    for (const auto& [var, members] : parts.members) {
      std::string text = std::to_string(var) + ":";
      for (const bool member : members) text += member ? '1' : '0';
      texts.insert(std::move(text));
    }
    for (const Parts& inner : parts.inner) texts.insert(Text(inner, !conjunction));
    // A whole of one part is that part.
    if (texts.size() == 1) return *texts.begin();
    std::string text = conjunction ? "(&" : "(|";
    for (const std::string& one : texts) text += " " + one;
    return text + ")";
  }

 private:
  void Add(FormulaId id, bool negated, bool conjunction, Parts& parts) {
    const Formulas::Node& node = formulas_[id];
    switch (node.kind) {
      case FormulaKind::kConstFalse:
      case FormulaKind::kConstTrue:
        if (((node.kind == FormulaKind::kConstTrue) != negated) != conjunction)
          parts.decided = true;
        return;
      case FormulaKind::kNot:
        return Add(node.children.front(), !negated, conjunction, parts);
      case FormulaKind::kMember: {
        std::vector<bool> members = node.members;
        if (negated) members.flip();
        return Join(node.var.value, members, conjunction, parts);
      }
      case FormulaKind::kAnd:
      case FormulaKind::kOr:
        break;
    }
    if (((node.kind == FormulaKind::kAnd) != negated) == conjunction) {
      for (const FormulaId child : node.children) Add(child, negated, conjunction, parts);
    } else {
      AddInner(Build(id, negated, !conjunction), conjunction, parts);
    }
  }

  // `inner` is of the other kind than the whole.
  static void AddInner(Parts inner, bool conjunction, Parts& parts) {
    if (inner.decided) return;
    if (inner.members.empty() && inner.inner.empty()) {
      parts.decided = true;
    } else if (inner.members.size() == 1 && inner.inner.empty()) {
      Join(inner.members.begin()->first, inner.members.begin()->second, conjunction, parts);
    } else if (inner.members.empty() && inner.inner.size() == 1) {
      Parts same = std::move(inner.inner.front());
      for (const auto& [var, members] : same.members) Join(var, members, conjunction, parts);
      for (Parts& one : same.inner) parts.inner.push_back(std::move(one));
    } else {
      parts.inner.push_back(std::move(inner));
    }
  }

  static void Join(std::uint32_t var, const std::vector<bool>& members, bool conjunction,
                   Parts& parts) {
    const auto [at, fresh] = parts.members.try_emplace(var, members);
    if (fresh) return;
    std::vector<bool>& known = at->second;
    for (std::size_t i = 0; i < known.size(); ++i) {
      known[i] = conjunction ? known[i] && members[i] : known[i] || members[i];
    }
  }

  // Inner parts that differ in one variable alone become one: alternatives of a list.
  static void Merge(bool conjunction, Parts& parts) {
    std::set<std::uint32_t> vars;
    for (const Parts& inner : parts.inner) {
      for (const auto& [var, unused] : inner.members) vars.insert(var);
    }
    for (std::size_t before = parts.inner.size() + 1; before > parts.inner.size();) {
      before = parts.inner.size();
      for (const std::uint32_t var : vars) MergeBy(var, conjunction, parts);
    }
  }

  static void MergeBy(std::uint32_t var, bool conjunction, Parts& parts) {
    std::map<std::string, std::size_t> known;
    std::vector<Parts> kept;
    std::vector<Parts> merged;
    for (Parts& inner : parts.inner) {
      const auto own = inner.members.find(var);
      if (own == inner.members.end()) {
        kept.push_back(std::move(inner));
        continue;
      }
      const std::vector<bool> members = std::move(own->second);
      inner.members.erase(own);
      const auto [at, fresh] = known.emplace(Text(inner, !conjunction), merged.size());
      if (fresh) merged.push_back(std::move(inner));
      Join(var, members, conjunction, merged[at->second]);
    }
    parts.inner = std::move(kept);
    for (Parts& one : merged) {
      Simplify(!conjunction, one);
      AddInner(std::move(one), conjunction, parts);
    }
  }

  // Drops what says nothing; a variable with no value, or any, decides the whole.
  static void Simplify(bool conjunction, Parts& parts) {
    for (auto at = parts.members.begin(); at != parts.members.end();) {
      const std::vector<bool>& values = at->second;
      const bool all = std::find(values.begin(), values.end(), false) == values.end();
      const bool none = std::find(values.begin(), values.end(), true) == values.end();
      if (conjunction ? none : all) parts.decided = true;
      at = (conjunction ? all : none) ? parts.members.erase(at) : std::next(at);
    }
  }

  const Formulas& formulas_;
};

}  // namespace

std::string CanonicalText(const Formulas& formulas, FormulaId id) {
  const Parts parts = Builder(formulas).Build(id, false, true);
  if (!parts.decided && parts.members.empty() && parts.inner.empty()) return "1";
  // A conjunction of nothing but one disjunction is written as that.
  return Builder::Text(parts, true);
}

}  // namespace weft::prove
