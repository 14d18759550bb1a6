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

// What holds for each atom, as a bit per language.
std::vector<std::vector<bool>> Signatures(const AtomSet& atoms) {
  std::vector<std::vector<bool>> signatures(atoms.size());
  for (std::size_t l = 0; l < atoms.accepted.size(); ++l) {
    const std::vector<bool> members = atoms.MembersOf(l);
    for (std::size_t i = 0; i < atoms.size(); ++i) signatures[i].push_back(members[i]);
  }
  return signatures;
}

std::vector<bool> SignatureOf(const std::vector<Pattern>& patterns, const std::string& value) {
  std::vector<bool> signature;
  for (const Pattern& pattern : patterns) signature.push_back(engine::Matches(pattern, value));
  return signature;
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
  const auto signatures = Signatures(*atoms);
  std::set<std::vector<bool>> seen;
  for (std::size_t i = 0; i < atoms->size(); ++i) {
    EXPECT_TRUE(seen.insert(signatures[i]).second) << atoms->witnesses[i];
    EXPECT_EQ(SignatureOf(patterns, atoms->witnesses[i]), signatures[i]) << atoms->witnesses[i];
  }
}

TEST(Atoms, EveryValueFallsIntoAnAtom) {
  const std::vector<Pattern> patterns = {Under{"/a"},      Prefix{"/a"},    Suffix{"a"},
                                         Template{"/*/a"}, Regex{"/[ab]+"}, Exact{"/b"}};
  const auto atoms = BuildAtoms(Plain(patterns), Domain::kPath);
  ASSERT_TRUE(atoms);
  const auto signatures = Signatures(*atoms);
  const std::set<std::vector<bool>> known(signatures.begin(), signatures.end());
  std::mt19937 random(7);  // NOLINT: a fixed seed keeps the test reproducible
  for (int i = 0; i < 20'000; ++i) {
    std::string value = "/";
    for (auto left = random() % 7; left > 0; --left) value += "ab/x"[random() % 4];
    ASSERT_TRUE(known.contains(SignatureOf(patterns, value))) << value;
  }
}

Pattern RandomPattern(std::mt19937& random) {
  std::string text = "/";
  for (auto left = random() % 5; left > 0; --left) text += "ab/c"[random() % 4];
  switch (random() % 7) {
    case 0:
      return Under{text == "/" || !text.ends_with('/') ? text : text.substr(0, text.size() - 1)};
    case 1:
      return Prefix{text};
    case 2:
      return Suffix{text.substr(1) + "b"};
    case 3:
      return Template{"/*" + text};
    case 4:
      return Regex{"/[ab]{" + std::to_string(1 + random() % 3) + "}" + text};
    default:
      return Exact{text};
  }
}

TEST(Atoms, MergedAtomsAreThoseOfTheChosenPatterns) {
  std::mt19937 random(13);  // NOLINT: a fixed seed keeps the test reproducible
  for (int round = 0; round < 200; ++round) {
    std::vector<Pattern> patterns;
    for (auto left = 2 + random() % 12; left > 0; --left) {
      patterns.push_back(RandomPattern(random));
    }
    const std::vector<Language> languages = Plain(patterns);
    const auto all = BuildAtoms(languages, Domain::kPath);
    ASSERT_TRUE(all);
    std::vector<Language> some;
    std::vector<std::uint32_t> chosen;
    for (std::uint32_t i = 0; i < languages.size(); ++i) {
      if (random() % 2 == 0) continue;
      chosen.push_back(i);
      some.push_back(languages[i]);
    }
    const auto own = BuildAtoms(some, Domain::kPath);
    ASSERT_TRUE(own);
    const AtomSet merged = Coarsen(*all, chosen);
    const auto classes = Signatures(merged);
    const auto expected = Signatures(*own);
    EXPECT_EQ(std::set<std::vector<bool>>(classes.begin(), classes.end()),
              std::set<std::vector<bool>>(expected.begin(), expected.end()))
        << "round " << round;
  }
}

TEST(Atoms, ARewrittenPathIsSeenAsTheServerSeesIt) {
  const Language mapped{Under{"/v2/x"}, PathMapping{"/api", "/v2", true}};
  const auto atoms = BuildAtoms({mapped, {Under{"/api"}, {}}}, Domain::kPath);
  ASSERT_TRUE(atoms);
  const std::vector<bool> under = atoms->MembersOf(1);
  EXPECT_FALSE(atoms->accepted[0].empty());
  for (const std::uint32_t atom : atoms->accepted[0]) {
    EXPECT_TRUE(under[atom]) << atoms->witnesses[atom];
    EXPECT_TRUE(engine::Matches(Under{"/api/x"}, atoms->witnesses[atom]));
  }
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
