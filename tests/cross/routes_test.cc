// The two ways the proofs have of asking about the rules of one place, all in one question or each
// in its own, against each other and against the evaluator.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "dsl/parse.h"
#include "dsl/render.h"
#include "engine/lower.h"
#include "tests/cross/environment.h"
#include "tests/cross/random_policy.h"
#include "verifier/verify.h"

namespace weft::cross {
namespace {

using verifier::PropertyVerdict;

std::string Pick(const std::vector<std::string>& of, Random& random) {
  return of[Below(random, static_cast<unsigned>(of.size()))];
}

std::string Match(Random& random) {
  const std::string at = Pick({"/", "/a", "/a/b", "/a/b/c", "/ab", "/b"}, random);
  std::string match =
      "path " + Pick({"= \"" + at + "\"", "under \"" + at + "\"", "starts \"" + at + "\"",
                      "ends \"" + at + "\"", "like \"/a/*\"", "like \"/*/b\"", "like \"/a/**\"",
                      "matches \"/a/?b*.*\"", "matches \"/a{2}|/b.*\"", "matches \"(/a)?/b\"",
                      "matches \"/ab?/c+\""},
                     random);
  if (Below(random, 3) == 0)
    match = "(" + match + " or method = " + Pick({"GET", "PUT"}, random) + ")";
  if (Below(random, 3) == 0)
    match += " and " + Pick({"method = GET", "header \"x\" = \"1\""}, random);
  if (Below(random, 6) == 0) match = "not (" + match + ")";
  return match;
}

// One host with two tables of many rules, so that rules are hidden and tables differ.
std::string Tables(Random& random) {
  std::string text =
      "mesh m\ncluster c { region \"r\" }\nworkspace w { namespaces [\"n\"] }\n"
      "workspace v { namespaces [\"k\"] }\nworkspace w\n"
      "gateway g in \"n\" {\n  select { istio = \"g\" }\n  listen 80 http { hosts [\"*.x\"] }\n"
      "  accept routes from all\n}\n";
  for (const char* table : {"one", "two"}) {
    if (*table == 't' && Below(random, 2) == 0) break;
    text += std::string("route ") + table + " on gateway g for \"h.x\" {\n";
    for (unsigned i = 0; i < 2 + Below(random, 6); ++i) {
      text += "  when " + Match(random) + " -> respond " + Pick({"200", "404"}, random) + "\n";
    }
    if (Below(random, 2) == 0) text += "  otherwise -> respond 503\n";
    text += "}\n";
  }
  return text;
}

struct Proved {
  std::set<std::tuple<std::uint32_t, std::uint32_t>> places;  // code and place of each finding
  std::size_t undecided = 0;
  bool replayed = true;
};

Proved Prove(const engine::Model& model, std::size_t together) {
  const verifier::Report report =
      verifier::Verify(model, {.only = "routes", .rules_together = together});
  Proved proved;
  for (const verifier::Finding& finding : report.findings) {
    proved.places.insert({finding.diagnostic.number, finding.diagnostic.span.begin});
    proved.replayed = proved.replayed && (!finding.witness || finding.replayed);
  }
  proved.undecided = report.Count(PropertyVerdict::kUndecided);
  return proved;
}

TEST(Routes, OneByOneProvesWhatOneQuestionProves) {
  const unsigned seed = FromEnvironment("WEFT_CROSS_SEED", 20'011) + 2;
  const unsigned wanted = FromEnvironment("WEFT_CROSS_TABLES", 400);
  Random random(seed);  // NOLINT: the seed is printed, so that a failure can be repeated
  std::size_t findings = 0;
  for (unsigned i = 0; i < wanted; ++i) {
    const std::string text = Tables(random);
    SourceMap sources;
    Diagnostics diagnostics;
    const FileId id = sources.Add("random.weft", text, SourceKind::kWeft);
    const dsl::Program program = dsl::Load(
        {&sources.Get(id)}, [](const std::string&) { return nullptr; }, diagnostics);
    const engine::Model model = engine::Lower(program, {}, diagnostics);
    for (const Diagnostic& d : diagnostics.all()) {
      ASSERT_NE(d.severity, Severity::kError) << RenderHuman(d, sources, {}) << text;
    }
    const Proved together = Prove(model, 1000);
    const Proved one_by_one = Prove(model, 0);
    findings += together.places.size();
    EXPECT_EQ(together.undecided, 0U) << "seed " << seed << "\n" << text;
    EXPECT_EQ(one_by_one.undecided, 0U) << "seed " << seed << "\n" << text;
    EXPECT_EQ(together.places, one_by_one.places) << "seed " << seed << "\n" << text;
    EXPECT_TRUE(together.replayed && one_by_one.replayed) << "seed " << seed << "\n" << text;
  }
  std::cout << "seed " << seed << ": " << wanted << " tables, " << findings << " findings\n";
  EXPECT_GT(findings, wanted / 4);
}

}  // namespace
}  // namespace weft::cross
