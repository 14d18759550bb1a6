// Atoms against the reference semantics of patterns, and Z3 against enumeration.
#include "verifier/atoms.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "engine/match.h"
#include "verifier/solver.h"

namespace weft::verifier {
namespace {

std::vector<Language> Plain(const std::vector<Pattern>& patterns) {
  std::vector<Language> languages;
  for (const Pattern& pattern : patterns) languages.push_back({pattern, {}});
  return languages;
}

TEST(Atoms, EveryWitnessIsWhatItStandsFor) {
  const std::vector<Pattern> patterns = {Exact{"/a"},        Exact{"/a/b"},     Under{"/a"},
                                         Under{"/"},         Prefix{"/ab"},     Suffix{".js"},
                                         Template{"/*/b"},   Template{"/a/**"}, Regex{"/v[0-9]+/x"},
                                         Regex{"/(a|b)*"},   Regex{"/a{2,3}"},  Regex{"^/q\\.z$"},
                                         Regex{"(?i)/UPPER"}};
  const auto atoms = BuildAtoms(Plain(patterns), Domain::kPath);
  ASSERT_TRUE(atoms);
  EXPECT_GT(atoms->size(), 10U);
  std::set<Signature> seen;
  for (const Atom& atom : *atoms) {
    EXPECT_TRUE(seen.insert(atom.accepted_by).second) << atom.witness;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      EXPECT_EQ(engine::Matches(patterns[i], atom.witness), atom.accepted_by[i])
          << engine::Describe(patterns[i]) << " on " << atom.witness;
    }
  }
}

TEST(Atoms, EveryValueFallsIntoAnAtom) {
  const std::vector<Pattern> patterns = {Under{"/a"},      Prefix{"/a"},    Suffix{"a"},
                                         Template{"/*/a"}, Regex{"/[ab]+"}, Exact{"/b"}};
  const auto atoms = BuildAtoms(Plain(patterns), Domain::kPath);
  ASSERT_TRUE(atoms);
  std::set<Signature> known;
  for (const Atom& atom : *atoms) known.insert(atom.accepted_by);
  std::mt19937 random(7);  // NOLINT: a fixed seed keeps the test reproducible
  for (int i = 0; i < 20'000; ++i) {
    std::string value = "/";
    for (auto left = random() % 7; left > 0; --left) value += "ab/x"[random() % 4];
    Signature signature;
    for (const Pattern& pattern : patterns) signature.push_back(engine::Matches(pattern, value));
    ASSERT_TRUE(known.contains(signature)) << value;
  }
}

TEST(Atoms, ARewrittenPathIsSeenAsTheServerSeesIt) {
  const Language mapped{Under{"/v2/x"}, PathMapping{"/api", "/v2", true}};
  const auto atoms = BuildAtoms({mapped, {Under{"/api"}, {}}}, Domain::kPath);
  ASSERT_TRUE(atoms);
  bool found = false;
  for (const Atom& atom : *atoms) {
    if (!atom.accepted_by[0]) continue;
    found = true;
    EXPECT_TRUE(atom.accepted_by[1]) << atom.witness;
    EXPECT_TRUE(engine::Matches(Under{"/api/x"}, atom.witness)) << atom.witness;
  }
  EXPECT_TRUE(found);
}

TEST(Atoms, RefuseWhatIsNotRegular) {
  EXPECT_FALSE(BuildAtoms(Plain({Regex{"/a\\b"}}), Domain::kPath));
  EXPECT_FALSE(BuildAtoms(Plain({Regex{"/\\pL"}}), Domain::kPath));
}

FormulaId RandomFormula(Formulas& formulas, const std::vector<VarId>& vars, std::mt19937& random,
                        int depth) {
  if (depth == 0 || random() % 4 == 0) {
    const VarId var = vars[random() % vars.size()];
    std::vector<bool> members;
    for (std::uint32_t i = 0; i < formulas.sizes()[var.value]; ++i) members.push_back(random() % 2);
    return formulas.Member(var, members);
  }
  std::vector<FormulaId> children;
  for (auto i = 1 + random() % 3; i > 0; --i) {
    children.push_back(RandomFormula(formulas, vars, random, depth - 1));
  }
  switch (random() % 3) {
    case 0:
      return formulas.And(children);
    case 1:
      return formulas.Or(children);
    default:
      return formulas.Not(children.front());
  }
}

TEST(Solver, AgreesWithTryingEverything) {
  std::mt19937 random(11);  // NOLINT: a fixed seed keeps the test reproducible
  Solver solver;
  int satisfiable = 0;
  for (int round = 0; round < 500; ++round) {
    Formulas formulas;
    std::vector<VarId> vars;
    for (int i = 0; i < 4; ++i) {
      vars.push_back(formulas.NewVar(1 + static_cast<std::uint32_t>(random() % 5)));
    }
    FormulaId formula = kTrue;
    for (int i = 0; i < 4; ++i) {
      formula = formulas.And({formula, RandomFormula(formulas, vars, random, 3)});
    }
    const Answer answer = solver.Solve(formulas, formula);
    const std::optional<bool> expected = SolveByEnumeration(formulas, formula);
    ASSERT_TRUE(expected);
    ASSERT_EQ(answer.verdict, *expected ? Verdict::kSat : Verdict::kUnsat) << "round " << round;
    if (*expected) {
      ++satisfiable;
      EXPECT_TRUE(formulas.Holds(formula, answer.assignment));
    }
  }
  EXPECT_GT(satisfiable, 50);
  EXPECT_LT(satisfiable, 450);
}

}  // namespace
}  // namespace weft::verifier
