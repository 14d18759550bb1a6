// The compiled evaluator against the reference evaluator: whole outcomes, field by field.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "dsl/parse.h"
#include "dsl/render.h"
#include "engine/compile.h"
#include "engine/lower.h"
#include "stdlib/embedded.h"
#include "tests/cross/compare.h"
#include "tests/cross/environment.h"
#include "tests/cross/long_policy.h"
#include "tests/generate/requests.h"

namespace weft::cross {
namespace {

struct Case {
  std::string text;
  SourceMap sources;
  Diagnostics diagnostics;
  engine::Model model;
};

std::unique_ptr<Case> LongCase(Random& random) {
  auto one = std::make_unique<Case>();
  const std::string first = RandomPolicy(random);
  const std::string second = LongPolicy(random);
  one->text = first + "\n" + second;
  const FileId a = one->sources.Add("random.weft", first, SourceKind::kWeft);
  const FileId b = one->sources.Add("long.weft", second, SourceKind::kWeft);
  const dsl::Program program = dsl::Load(
      {&one->sources.Get(a), &one->sources.Get(b)}, [](const std::string&) { return nullptr; },
      one->diagnostics);
  one->model = engine::Lower(program, {}, one->diagnostics);
  return one;
}

std::string Errors(const Case& one) {
  std::string text;
  for (const Diagnostic& d : one.diagnostics.Sorted()) {
    if (d.severity == Severity::kError) text += RenderHuman(d, one.sources, {});
  }
  return text;
}

TEST(Compiled, AgreesOnLongListsAndWildRequests) {
  const unsigned seed = FromEnvironment("WEFT_CROSS_SEED", 20'011) + 2;
  const unsigned wanted = FromEnvironment("WEFT_CROSS_PAIRS", 100'000);
  constexpr unsigned kPerPolicy = 500;
  Random random(seed);  // NOLINT: the seed is printed, so that a failure can be repeated
  unsigned policies = 0;
  unsigned allowed = 0;
  unsigned routed = 0;
  std::map<std::string, unsigned> stages;
  std::map<std::string, unsigned> left_out;
  for (unsigned pairs = 0; pairs < wanted;) {
    const std::unique_ptr<Case> one = LongCase(random);
    ++policies;
    // What cannot be lowered is left out of the model; the rest of it is as good as any other.
    ASSERT_FALSE(one->model.gateways.empty()) << Errors(*one);
    for (const Diagnostic& d : one->diagnostics.all()) {
      if (d.severity == Severity::kError) ++left_out[std::string(d.name)];
    }
    const engine::CompiledModel compiled = engine::Compile(one->model);
    for (unsigned i = 0; i < kPerPolicy; ++i, ++pairs) {
      const engine::Request request = WildRequest(one->model, random);
      const engine::Outcome outcome = engine::Evaluate(one->model, request);
      ASSERT_EQ(Difference(outcome, compiled.Evaluate(request)), "")
          << "seed " << seed << ", policy " << policies << "\n"
          << RequestText(one->model, request) << "\n"
          << one->text;
      ASSERT_EQ(compiled.Decide(request).AllowedSomewhere(), outcome.AllowedSomewhere());
      allowed += outcome.AllowedSomewhere() ? 1 : 0;
      routed += outcome.rule != nullptr ? 1 : 0;
      const engine::Block* block = outcome.FirstBlock();
      ++stages[block == nullptr ? "none" : std::string(engine::StageName(block->stage))];
    }
  }
  std::cout << "seed " << seed << ": " << wanted << " pairs over " << policies << " policies, "
            << allowed << " allowed, " << routed << " by a route\n";
  for (const auto& [stage, count] : stages) std::cout << "  " << count << " " << stage << "\n";
  for (const auto& [name, count] : left_out) std::cout << "  " << count << " " << name << "\n";
  EXPECT_GT(allowed, wanted / 10);
  EXPECT_GT(routed, wanted / 20);
  for (const char* stage : {"hidden", "no-route", "mtls", "authentication", "denied", "not-allowed",
                            "fault", "unavailable"}) {
    EXPECT_GT(stages[stage], 10U) << stage;
  }
}

// ---- the examples, with what is discovered for them -------------------------------------------

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::filesystem::path> FilesIn(const std::filesystem::path& folder,
                                           const std::string& extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::unique_ptr<Case> Example(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(WEFT_SOURCE_DIR) / "examples" / name;
  auto one = std::make_unique<Case>();
  one->text = name;
  std::vector<const Source*> policy;
  for (const auto& path : FilesIn(folder, ".weft")) {
    const FileId id = one->sources.Add(path.filename(), ReadText(path), SourceKind::kWeft);
    policy.push_back(&one->sources.Get(id));
  }
  engine::Inventory inventory;
  for (const auto& path : FilesIn(folder / "inventory", ".yaml")) {
    const FileId id = one->sources.Add(path.filename(), ReadText(path), SourceKind::kYaml);
    engine::ReadInventory(path.stem(), one->sources.Get(id), inventory, one->diagnostics);
  }
  engine::FinishInventory(inventory);
  const dsl::Program program = dsl::Load(
      policy,
      [&](const std::string& module) -> const Source* {
        const std::string text(stdlib::FindModule(module));
        if (text.empty()) return nullptr;
        return &one->sources.Get(one->sources.Add(module + ".weft", text, SourceKind::kWeft));
      },
      one->diagnostics);
  one->model = engine::Lower(program, inventory, one->diagnostics);
  return one;
}

class CompiledExample : public testing::TestWithParam<const char*> {};

TEST_P(CompiledExample, Agrees) {
  const std::unique_ptr<Case> one = Example(GetParam());
  ASSERT_FALSE(one->diagnostics.HasErrors()) << Errors(*one);
  const engine::CompiledModel compiled = engine::Compile(one->model);
  const unsigned seed = FromEnvironment("WEFT_CROSS_SEED", 20'011) + 3;
  generate::Requests requests(one->model, seed);
  unsigned allowed = 0;
  constexpr unsigned kRequests = 10'000;
  for (unsigned i = 0; i < kRequests; ++i) {
    const engine::Request request = requests.Next();
    const engine::Outcome outcome = engine::Evaluate(one->model, request);
    ASSERT_EQ(Difference(outcome, compiled.Evaluate(request)), "")
        << "seed " << seed << "\n"
        << RequestText(one->model, request);
    allowed += outcome.AllowedSomewhere() ? 1 : 0;
  }
  std::cout << "seed " << seed << ": " << kRequests << " requests, " << allowed << " allowed\n";
  EXPECT_GT(allowed, kRequests / 20);
  EXPECT_LT(allowed, kRequests - kRequests / 20);
}

INSTANTIATE_TEST_SUITE_P(Examples, CompiledExample,
                         testing::Values("hello", "bookinfo", "boutique"));

}  // namespace
}  // namespace weft::cross
