// The comparison of two versions against the evaluators: whatever random request two versions treat
// differently, the comparison has found, and whatever it found two evaluators show.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <sstream>

#include "dsl/edited_lines.h"
#include "dsl/parse.h"
#include "engine/lower.h"
#include "tests/cross/compare.h"
#include "tests/cross/environment.h"
#include "tests/cross/random_policy.h"
#include "tests/cross/random_request.h"
#include "verifier/change.h"

namespace weft::cross {
namespace {

using verifier::ChangeKind;

struct Version {
  SourceMap sources;
  Diagnostics diagnostics;
  engine::Model model;
};

std::unique_ptr<Version> Load(const std::string& text) {
  auto version = std::make_unique<Version>();
  const FileId id = version->sources.Add("random.weft", text, SourceKind::kWeft);
  const dsl::Program program = dsl::Load(
      {&version->sources.Get(id)}, [](const std::string&) { return nullptr; },
      version->diagnostics);
  version->model = engine::Lower(program, {}, version->diagnostics);
  return version;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool IsRule(const std::string& line) {
  for (const char* start : {"  when ", "  allow", "  deny", "  otherwise"}) {
    if (line.starts_with(start)) return true;
  }
  return false;
}

// One rule is left out, changes places with another, or becomes one of another policy.
std::string Edit(const std::string& text, Random& random) {
  std::vector<std::string> lines = LinesOf(text);
  std::vector<std::size_t> rules;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (IsRule(lines[i])) rules.push_back(i);
  }
  if (rules.empty()) return text;
  const auto any = [&] { return rules[Below(random, static_cast<unsigned>(rules.size()))]; };
  const std::size_t at = any();
  switch (Below(random, 3)) {
    case 0:
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 1:
      std::swap(lines[at], lines[any()]);
      break;
    default: {
      const std::string word = lines[at].substr(0, 6);
      for (const std::string& line : LinesOf(RandomPolicy(random))) {
        if (IsRule(line) && line.starts_with(word)) lines[at] = line;
      }
    }
  }
  std::string edited;
  for (const std::string& line : lines) edited += line + "\n";
  return edited;
}

// The same things have the same ids, so that one request is meant alike by both.
bool Alike(const engine::Model& a, const engine::Model& b) {
  return a.services.size() == b.services.size() && a.workloads.size() == b.workloads.size() &&
         a.gateways.size() == b.gateways.size() && a.jwts.size() == b.jwts.size() &&
         a.authorizers.size() == b.authorizers.size();
}

verifier::ChangeReport CompareVersions(const Version& before, const Version& after) {
  EditedLines lines(before.sources, after.sources);
  return verifier::Compare(
      before.model, after.model,
      {.edited = [&](bool is_after, Span span) { return lines.Within(is_after, span); },
       .opposite = [&](bool is_after, Span line) { return lines.Opposite(is_after, line); },
       .all = [&](bool is_after) { return lines.All(is_after); }});
}

bool Has(const verifier::ChangeReport& report, std::initializer_list<ChangeKind> kinds) {
  return std::any_of(report.changes.begin(), report.changes.end(), [&](const auto& change) {
    return std::find(kinds.begin(), kinds.end(), change.kind) != kinds.end();
  });
}

// What a served request gets that a change of routes may change.
bool SameService(const engine::Outcome& a, const engine::Outcome& b) {
  if (a.timeout != b.timeout || a.path != b.path || a.host != b.host || a.headers != b.headers ||
      a.answered.has_value() != b.answered.has_value() || a.branches.size() != b.branches.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.branches.size(); ++i) {
    if (a.branches[i].weight != b.branches[i].weight ||
        a.branches[i].target != b.branches[i].target ||
        a.branches[i].subset != b.branches[i].subset) {
      return false;
    }
  }
  return true;
}

// What is compared does not include: what is lost, how long bodies are, which limits are exhausted.
engine::Request Plain(engine::Request request) {
  request.lost_clusters.clear();
  request.exhausted.clear();
  request.silent.clear();
  request.body_bytes = 0;
  return request;
}

TEST(Change, WhatRandomRequestsShowIsFound) {
  const unsigned seed = FromEnvironment("WEFT_CROSS_SEED", 4'711);
  const unsigned wanted = FromEnvironment("WEFT_CHANGE_PAIRS", 200);
  constexpr unsigned kRequests = 200;
  Random random(seed);  // NOLINT: the seed is printed, so that a failure can be repeated
  unsigned pairs = 0;
  unsigned differing = 0;
  unsigned undecided = 0;
  unsigned found = 0;
  for (unsigned tries = 0; pairs < wanted && tries < 40 * wanted; ++tries) {
    const std::string text = RandomPolicy(random);
    const std::string edited = Edit(text, random);
    const std::unique_ptr<Version> before = Load(text);
    const std::unique_ptr<Version> after = Load(edited);
    if (before->diagnostics.HasErrors() || after->diagnostics.HasErrors() ||
        !Alike(before->model, after->model)) {
      continue;
    }
    ++pairs;
    const verifier::ChangeReport report = CompareVersions(*before, *after);
    found += report.changes.empty() ? 0 : 1;
    const std::string texts =
        "seed " + std::to_string(seed) + "\n" + UnifiedDiff(text, edited) + "\n" + text;
    ASSERT_EQ(report.unconfirmed, 0U) << texts;
    if (!report.undecided.empty()) {
      ++undecided;
      continue;
    }
    for (unsigned i = 0; i < kRequests; ++i) {
      const engine::Request request = Plain(RandomRequest(before->model, random));
      const engine::Outcome was = engine::Evaluate(before->model, request);
      const engine::Outcome now = engine::Evaluate(after->model, request);
      const bool allowed = was.AllowedSomewhere();
      if (allowed != now.AllowedSomewhere()) {
        ++differing;
        ASSERT_TRUE(Has(report, {allowed ? ChangeKind::kNewlyBlocked : ChangeKind::kNewlyAllowed}))
            << RequestText(before->model, request) << "\n"
            << texts;
      } else if (allowed && !SameService(was, now)) {
        ++differing;
        ASSERT_FALSE(report.changes.empty()) << RequestText(before->model, request) << "\n"
                                             << texts;
      }
    }
  }
  std::cout << "seed " << seed << ": " << pairs << " pairs of versions, " << found
            << " with a difference, " << undecided << " undecided; " << differing
            << " random requests treated differently\n";
  EXPECT_EQ(pairs, wanted);
  EXPECT_GT(differing, pairs);
  EXPECT_LT(undecided, pairs / 4);
}

}  // namespace
}  // namespace weft::cross
