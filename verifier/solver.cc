#include "verifier/solver.h"

#include <z3++.h>

#include <deque>
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

// A variable is a ladder of Booleans: step i says that its value is at most i. Every value is one
// place on the ladder, a run of values lies between two steps, and Z3 has no arithmetic to undo.
class Solver::Impl {
 public:
  explicit Impl(unsigned resource_limit) : solver_(context_, z3::solver::simple()) {
    z3::params params(context_);
    params.set("rlimit", resource_limit);
    params.set("auto_config", false);
    params.set("relevancy", 0u);
    solver_.set(params);
  }

  // Most questions that have no answer have none for what their top level says alone: who calls,
  // from where. So Z3 is first asked with every other variable left open, which only adds answers.
  Answer Solve(const Formulas& formulas, FormulaId formula) {
    ++questions_;
    std::set<VarId> vars;
    CollectVars(formulas, formula, vars);
    const std::set<VarId> top = TopVars(formulas, formula);
    if (!top.empty() && top.size() < vars.size() &&
        Check(formulas, formula, top).verdict == Verdict::kUnsat) {
      return {Verdict::kUnsat, {}};
    }
    Answer answer = Check(formulas, formula, vars);
    if (answer.verdict == Verdict::kSat) Minimise(formulas, formula, vars, answer.assignment);
    return answer;
  }

  [[nodiscard]] std::uint64_t questions() const { return questions_; }

 private:
  using Ladder = std::vector<z3::expr>;

  // What is asked, with the ladders of the variables it keeps; the others are left open.
  struct Question {
    const Formulas& formulas;
    std::map<VarId, const Ladder*> ladders;
  };

  // Variables the formula restricts outright.
  static std::set<VarId> TopVars(const Formulas& formulas, FormulaId formula) {
    std::set<VarId> vars;
    if (formulas[formula].kind != Formulas::Kind::kAnd) return vars;
    for (const FormulaId child : formulas[formula].children) {
      if (formulas[child].kind == Formulas::Kind::kMember) vars.insert(formulas[child].var);
    }
    return vars;
  }

  Answer Check(const Formulas& formulas, FormulaId formula, const std::set<VarId>& vars) {
    Question question{formulas, {}};
    std::map<std::uint32_t, std::uint32_t> used;  // ladders of each height
    for (const VarId var : vars) {
      const std::uint32_t size = formulas.sizes()[var.value];
      question.ladders[var] = &LadderOf(size, used[size]++);
    }
    solver_.push();
    for (const auto& [var, ladder] : question.ladders) {
      for (std::size_t i = 0; i + 1 < ladder->size(); ++i) {
        solver_.add(z3::implies((*ladder)[i], (*ladder)[i + 1]));
      }
    }
    solver_.add(Translate(question, formula, true));
    Answer answer;
    const z3::check_result result = solver_.check();
    if (result == z3::sat) {
      answer.verdict = Verdict::kSat;
      answer.assignment = ReadModel(question);
    } else {
      answer.verdict = result == z3::unsat ? Verdict::kUnsat : Verdict::kUnknown;
    }
    solver_.pop();
    return answer;
  }

  Assignment ReadModel(const Question& question) {
    Assignment assignment(question.formulas.sizes().size(), 0);
    const z3::model model = solver_.get_model();
    for (const auto& [var, ladder] : question.ladders) {
      std::uint32_t value = 0;
      while (value < ladder->size() && !model.eval((*ladder)[value], true).is_true()) ++value;
      assignment[var.value] = value;
    }
    return assignment;
  }

  // The ladder for a variable of `size` values; those of one question differ in `number`.
  const Ladder& LadderOf(std::uint32_t size, std::uint32_t number) {
    std::deque<Ladder>& same = ladders_[size];
    while (same.size() <= number) {
      Ladder ladder;
      const std::string name = std::to_string(size) + "." + std::to_string(same.size()) + ".";
      for (std::uint32_t i = 0; i + 1 < size; ++i) {
        ladder.push_back(context_.bool_const((name + std::to_string(i)).c_str()));
      }
      same.push_back(std::move(ladder));
    }
    return same[number];
  }

  // The value lies in one of the runs of members.
  z3::expr Member(const Formulas::Node& node, const Ladder& ladder) {
    z3::expr_vector runs(context_);
    const std::size_t size = node.members.size();
    for (std::size_t low = 0; low < size; ++low) {
      if (!node.members[low]) continue;
      std::size_t high = low;
      while (high + 1 < size && node.members[high + 1]) ++high;
      if (low == 0) {
        runs.push_back(ladder[high]);
      } else if (high + 1 == size) {
        runs.push_back(!ladder[low - 1]);
      } else {
        runs.push_back(ladder[high] && !ladder[low - 1]);
      }
      low = high;
    }
    return z3::mk_or(runs);
  }

  // `wanted`: whether the formula stands where it helps to be true. A variable that is left open is
  // taken to be whatever helps.
  z3::expr Translate(const Question& question, FormulaId id, bool wanted) {
    const Formulas::Node& node = question.formulas[id];
    if (node.kind == Formulas::Kind::kNot) {
      return !Translate(question, node.children.front(), !wanted);
    }
    z3::expr_vector children(context_);
    for (const FormulaId child : node.children) {
      children.push_back(Translate(question, child, wanted));
    }
    switch (node.kind) {
      case Formulas::Kind::kConstFalse:
        return context_.bool_val(false);
      case Formulas::Kind::kConstTrue:
        return context_.bool_val(true);
      case Formulas::Kind::kMember: {
        const auto ladder = question.ladders.find(node.var);
        if (ladder == question.ladders.end()) return context_.bool_val(wanted);
        return Member(node, *ladder->second);
      }
      case Formulas::Kind::kAnd:
        return z3::mk_and(children);
      case Formulas::Kind::kOr:
      case Formulas::Kind::kNot:
        return z3::mk_or(children);
    }
    return context_.bool_val(false);
  }

  z3::context context_;
  z3::solver solver_;
  std::map<std::uint32_t, std::deque<Ladder>> ladders_;  // by number of values
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
