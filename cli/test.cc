// `weft test`: runs the `test` blocks on the reference evaluator and tells which rules no test
// reached.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/request_json.h"
#include "engine/codes.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Coverage {
  std::set<Span> rules;    // of routes and access blocks
  std::set<Span> reached;  // by a test
};

Coverage Cover(const engine::Model& model, const std::vector<engine::TestResult>& results) {
  Coverage coverage;
  for (const engine::Table& table : model.tables) {
    for (const engine::RouteRule& rule : table.rules) coverage.rules.insert(rule.span);
  }
  for (const engine::AccessRule& rule : model.access_rules) coverage.rules.insert(rule.span);
  for (const engine::TestResult& result : results) {
    for (const Span& span : result.outcome.rules) {
      if (coverage.rules.contains(span)) coverage.reached.insert(span);
    }
  }
  return coverage;
}

void ReportFailure(Policy& policy, const engine::TestCase& test, const engine::TestResult& result) {
  Diagnostic& d = policy.diagnostics.Error(engine::codes::kTestFailed, result.span,
                                           "test \"" + test.title + "\": " + result.message);
  for (const Span& span : result.outcome.rules) {
    if (span.IsKnown()) d.related.push_back({span, "decided here"});
  }
}

// The expectations as they are written.
Json ExpectJson(const engine::TestCase& test, const SourceMap& sources) {
  Json texts = Json::array();
  for (const engine::TestCase::Expect& expect : test.expects) {
    if (!expect.span.IsKnown()) continue;
    const std::string& text = sources.Get(expect.span.file).text;
    texts.push_back(text.substr(expect.span.begin, expect.span.end - expect.span.begin));
  }
  return texts;
}

void PrintJson(const Policy& policy, const std::vector<engine::TestCase>& tests,
               const std::vector<engine::TestResult>& results, const Coverage& coverage) {
  Json json;
  json["formatVersion"] = "1";
  std::size_t passed = 0;
  json["tests"] = Json::array();
  for (std::size_t i = 0; i < tests.size(); ++i) {
    passed += results[i].passed ? 1 : 0;
    Json test = PlaceJson(tests[i].span, policy.inputs.sources);
    test["title"] = tests[i].title;
    test["passed"] = results[i].passed;
    test["outcome"] = engine::OutcomeText(policy.model, results[i].outcome);
    if (!results[i].passed) test["message"] = results[i].message;
    test["expect"] = ExpectJson(tests[i], policy.inputs.sources);
    test["request"] = RequestJson(policy.model, tests[i].request);
    test["result"] = ResultJson(policy.model, tests[i].request, results[i].outcome);
    json["tests"].push_back(std::move(test));
  }
  json["summary"] = {{"passed", passed},
                     {"failed", tests.size() - passed},
                     {"rules", coverage.rules.size()},
                     {"covered", coverage.reached.size()}};
  json["clusters"] = ClustersJson(policy.model);
  json["findings"] = FindingsJson(policy.diagnostics, policy.inputs.sources);
  PrintText(json.dump(2, ' ', false, Json::error_handler_t::replace));
}

int Test(const PolicyOptions& options, bool list_uncovered) {
  const std::unique_ptr<Policy> policy = LoadPolicy(options);
  const std::vector<engine::TestCase> tests =
      engine::LowerTests(policy->program, policy->model, policy->diagnostics);
  // What a policy with errors would do says nothing.
  if (policy->ExitCode() != kExitClean) {
    if (options.format == Format::kJson) {
      PrintJson(*policy, {}, {}, {});
    } else {
      PrintDiagnostics(policy->diagnostics, policy->inputs.sources, options.format);
      std::printf("no test was run\n");
    }
    return policy->ExitCode();
  }
  std::vector<engine::TestResult> results;
  for (const engine::TestCase& test : tests) {
    results.push_back(engine::RunTest(policy->model, test));
    if (!results.back().passed) ReportFailure(*policy, test, results.back());
  }
  const Coverage coverage = Cover(policy->model, results);
  if (options.format == Format::kJson) {
    PrintJson(*policy, tests, results, coverage);
    return policy->ExitCode();
  }
  PrintDiagnostics(policy->diagnostics, policy->inputs.sources, options.format);
  std::size_t passed = 0;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    passed += results[i].passed ? 1 : 0;
    std::printf("%s  %s\n", results[i].passed ? "ok  " : "FAIL", tests[i].title.c_str());
  }
  std::printf("%zu of %zu tests passed; %zu of %zu rules reached\n", passed, tests.size(),
              coverage.reached.size(), coverage.rules.size());
  if (list_uncovered) {
    for (const Span& span : coverage.rules) {
      if (coverage.reached.contains(span)) continue;
      std::printf("not reached  %s\n", policy->inputs.sources.FileLine(span).c_str());
    }
  }
  return policy->ExitCode();
}

}  // namespace

void AddTest(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<PolicyOptions>();
  auto uncovered = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("test", "run the `test` blocks of a policy");
  command->footer("Example:\n  weft test examples/bookinfo --uncovered");
  AddPolicyOptions(*command, *options);
  command->add_flag("--uncovered", *uncovered, "list the rules no test reached");
  command->callback([=, &exit_code] { exit_code = Test(*options, *uncovered); });
}

}  // namespace weft::cli
