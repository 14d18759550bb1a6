#include "verifier/solver.h"

#include <z3++.h>

#include <bit>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace weft::verifier {
namespace {

void CollectVars(const Formulas& formulas, FormulaId id, std::set<VarId>& vars) {
  const Formulas::Node& node = formulas[id];
  if (node.kind == Formulas::Kind::kMember) vars.insert(node.var);
  for (const FormulaId child : node.children) CollectVars(formulas, child, vars);
}

// Looks for a satisfying assignment by mending one unmet part after another. What it finds is
// checked by evaluation, so that it needs no solver; that it finds nothing means nothing.
class Guess {
 public:
  Guess(const Formulas& formulas, FormulaId formula) : formulas_(formulas), formula_(formula) {}

  std::optional<Assignment> Find() {
    assignment_.assign(formulas_.sizes().size(), 0);
    for (step_ = 0; step_ < kMaxSteps; ++step_) {
      if (formulas_.Holds(formula_, assignment_)) return assignment_;
      Mend(formula_, true);
    }
    return std::nullopt;
  }

 private:
  static constexpr unsigned kMaxSteps = 48;

  // Changes one variable so that the formula comes nearer to `wanted`.
  void Mend(FormulaId id, bool wanted) {
    const Formulas::Node& node = formulas_[id];
    switch (node.kind) {
      case Formulas::Kind::kConstFalse:
      case Formulas::Kind::kConstTrue:
        return;
      case Formulas::Kind::kNot:
        return Mend(node.children.front(), !wanted);
      case Formulas::Kind::kMember: {
        // A different value each time, so that the search does not run in a circle.
        const std::size_t size = node.members.size();
        for (std::size_t i = 0; i < size; ++i) {
          const std::size_t value = (i + step_ / 2) % size;
          if (node.members[value] != wanted) continue;
          assignment_[node.var.value] = static_cast<std::uint32_t>(value);
          return;
        }
        return;
      }
      case Formulas::Kind::kAnd:
      case Formulas::Kind::kOr:
        break;
    }
    const bool all = (node.kind == Formulas::Kind::kAnd) == wanted;
    if (all) {
      for (const FormulaId child : node.children) {
        if (formulas_.Holds(child, assignment_) != wanted) return Mend(child, wanted);
      }
      return;
    }
    Mend(node.children[step_ % node.children.size()], wanted);
  }

  const Formulas& formulas_;
  FormulaId formula_;
  Assignment assignment_;
  unsigned step_ = 0;
};

// Lowers every variable as far as the formula lets it, in order, twice: counterexamples become
// simple, since values are ordered by simplicity, and stay the same from run to run.
void Minimise(const Formulas& formulas, FormulaId formula, const std::set<VarId>& vars,
              Assignment& assignment) {
  for (int round = 0; round < 2; ++round) {
    for (const VarId var : vars) {
      const std::uint32_t found = assignment[var.value];
      for (std::uint32_t value = 0; value < found; ++value) {
        assignment[var.value] = value;
        if (formulas.Holds(formula, assignment)) break;
        assignment[var.value] = found;
      }
    }
  }
}

}  // namespace

class Solver::Impl {
 public:
  explicit Impl(unsigned resource_limit) : solver_(context_, "QF_BV") {
    z3::params params(context_);
    params.set("rlimit", resource_limit);
    solver_.set(params);
  }

  Answer Solve(const Formulas& formulas, FormulaId formula) {
    ++questions_;
    std::set<VarId> vars;
    CollectVars(formulas, formula, vars);
    std::map<VarId, z3::expr> exprs;
    Answer answer;
    solver_.push();
    for (const VarId var : vars) {
      const std::uint32_t size = formulas.sizes()[var.value];
      const unsigned bits = std::max(1, static_cast<int>(std::bit_width(size - 1)));
      const std::string name = "v" + std::to_string(var.value) + "_" + std::to_string(bits);
      const z3::expr expr = context_.bv_const(name.c_str(), bits);
      exprs.emplace(var, expr);
      if ((std::uint64_t{1} << bits) != size) {
        solver_.add(z3::ule(expr, context_.bv_val(size - 1, bits)));
      }
    }
    solver_.add(Translate(formulas, formula, exprs));
    const z3::check_result result = solver_.check();
    if (result == z3::sat) {
      answer.verdict = Verdict::kSat;
      answer.assignment.assign(formulas.sizes().size(), 0);
      const z3::model model = solver_.get_model();
      for (const auto& [var, expr] : exprs) {
        answer.assignment[var.value] =
            static_cast<std::uint32_t>(model.eval(expr, true).get_numeral_uint64());
      }
      Minimise(formulas, formula, vars, answer.assignment);
    } else {
      answer.verdict = result == z3::unsat ? Verdict::kUnsat : Verdict::kUnknown;
    }
    solver_.pop();
    return answer;
  }

  [[nodiscard]] std::uint64_t questions() const { return questions_; }

 private:
  // The value lies in one of the runs of members.
  z3::expr Member(const Formulas::Node& node, const z3::expr& var) {
    const unsigned bits = var.get_sort().bv_size();
    z3::expr_vector runs(context_);
    const std::size_t size = node.members.size();
    for (std::size_t low = 0; low < size; ++low) {
      if (!node.members[low]) continue;
      std::size_t high = low;
      while (high + 1 < size && node.members[high + 1]) ++high;
      const z3::expr first = context_.bv_val(static_cast<unsigned>(low), bits);
      const z3::expr last = context_.bv_val(static_cast<unsigned>(high), bits);
      if (low == high) {
        runs.push_back(var == first);
      } else if (low == 0) {
        runs.push_back(z3::ule(var, last));
      } else {
        runs.push_back(z3::uge(var, first) && z3::ule(var, last));
      }
      low = high;
    }
    return z3::mk_or(runs);
  }

  z3::expr Translate(const Formulas& formulas, FormulaId id,
                     const std::map<VarId, z3::expr>& vars) {
    const Formulas::Node& node = formulas[id];
    z3::expr_vector children(context_);
    for (const FormulaId child : node.children) {
      children.push_back(Translate(formulas, child, vars));
    }
    switch (node.kind) {
      case Formulas::Kind::kConstFalse:
        return context_.bool_val(false);
      case Formulas::Kind::kConstTrue:
        return context_.bool_val(true);
      case Formulas::Kind::kMember:
        return Member(node, vars.at(node.var));
      case Formulas::Kind::kAnd:
        return z3::mk_and(children);
      case Formulas::Kind::kOr:
        return z3::mk_or(children);
      case Formulas::Kind::kNot:
        return !children[0];
    }
    return context_.bool_val(false);
  }

  z3::context context_;
  z3::solver solver_;
  std::uint64_t questions_ = 0;
};

Solver::Solver(unsigned resource_limit) : impl_(std::make_unique<Impl>(resource_limit)) {}
Solver::~Solver() = default;

Answer Solver::Solve(const Formulas& formulas, FormulaId formula) {
  if (formula == kFalse) return {Verdict::kUnsat, {}};
  if (formula == kTrue) return {Verdict::kSat, Assignment(formulas.sizes().size(), 0)};
  if (std::optional<Assignment> found = Guess(formulas, formula).Find()) {
    std::set<VarId> vars;
    CollectVars(formulas, formula, vars);
    Minimise(formulas, formula, vars, *found);
    return {Verdict::kSat, std::move(*found)};
  }
  try {
    return impl_->Solve(formulas, formula);
  } catch (const z3::exception&) {
    // Z3 gave up in the middle (memory, internal limit): a new context, and no verdict.
    impl_ = std::make_unique<Impl>(20'000'000);
    return {};
  }
}

std::uint64_t Solver::questions() const { return impl_->questions(); }

std::optional<bool> SolveByEnumeration(const Formulas& formulas, FormulaId formula,
                                       std::uint64_t limit) {
  std::set<VarId> used;
  CollectVars(formulas, formula, used);
  const std::vector<VarId> vars(used.begin(), used.end());
  std::uint64_t count = 1;
  for (const VarId var : vars) {
    count *= formulas.sizes()[var.value];
    if (count > limit) return std::nullopt;
  }
  Assignment assignment(formulas.sizes().size(), 0);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (formulas.Holds(formula, assignment)) return true;
    for (const VarId var : vars) {
      if (++assignment[var.value] < formulas.sizes()[var.value]) break;
      assignment[var.value] = 0;
    }
  }
  return false;
}

}  // namespace weft::verifier
