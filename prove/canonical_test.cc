#include "prove/canonical.h"

#include <gtest/gtest.h>

#include <random>

#include "verifier/solver.h"

namespace weft::prove {
namespace {

using verifier::FormulaId;
using verifier::Formulas;
using verifier::VarId;

FormulaId Draw(Formulas& formulas, const std::vector<VarId>& vars, std::mt19937& random,
               unsigned depth) {
  const unsigned kind = depth == 0 ? 0 : random() % 4;
  if (kind == 0) {
    const VarId var = vars[random() % vars.size()];
    std::vector<bool> members(3);
    for (std::size_t i = 0; i < members.size(); ++i) members[i] = random() % 2 == 0;
    return formulas.Member(var, std::move(members));
  }
  const FormulaId one = Draw(formulas, vars, random, depth - 1);
  if (kind == 1) return formulas.Not(one);
  const FormulaId other = Draw(formulas, vars, random, depth - 1);
  return kind == 2 ? formulas.And({one, other}) : formulas.Or({one, other});
}

TEST(Canonical, SaysWhatBelongsTogetherTogether) {
  Formulas f;
  const VarId path = f.NewVar(3), method = f.NewVar(2);
  const auto is = [&](VarId var, std::uint32_t value) { return f.Is(var, value); };
  const auto text = [&](FormulaId id) { return CanonicalText(f, id); };
  EXPECT_EQ(text(f.Or({is(path, 0), is(path, 1)})), text(f.Not(is(path, 2))));
  EXPECT_EQ(text(f.And({is(method, 0), f.Or({is(path, 0), is(path, 1)})})),
            text(f.And({f.Not(is(path, 2)), f.Not(is(method, 1))})));
  EXPECT_EQ(text(f.Or({f.And({is(path, 0), is(method, 0)}), f.And({is(method, 0), is(path, 0)})})),
            text(f.And({is(path, 0), is(method, 0)})));
  EXPECT_EQ(text(f.And({is(path, 0), is(path, 1)})), text(verifier::kFalse));
  EXPECT_NE(text(is(path, 0)), text(is(path, 1)));
  EXPECT_NE(text(f.And({is(path, 0), is(method, 0)})), text(f.Or({is(path, 0), is(method, 0)})));
}

TEST(Canonical, EqualTextsAreEqualFormulas) {
  std::mt19937 random(7);  // NOLINT: a fixed seed keeps the test reproducible
  unsigned equal = 0;
  for (int round = 0; round < 60'000; ++round) {
    Formulas formulas;
    const std::vector<VarId> vars{formulas.NewVar(3), formulas.NewVar(3), formulas.NewVar(3)};
    const FormulaId a = Draw(formulas, vars, random, 3);
    const FormulaId b = Draw(formulas, vars, random, 3);
    if (CanonicalText(formulas, a) != CanonicalText(formulas, b)) continue;
    ++equal;
    const FormulaId differs =
        formulas.Or({formulas.And({a, formulas.Not(b)}), formulas.And({b, formulas.Not(a)})});
    EXPECT_EQ(verifier::SolveByEnumeration(formulas, differs), false);
  }
  EXPECT_GT(equal, 100U);
}

}  // namespace
}  // namespace weft::prove
