// `weft check`: parse, types, references; no solver.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/policy.h"

namespace weft::cli {
namespace {

int Check(const PolicyOptions& options) {
  const std::unique_ptr<Policy> policy = LoadPolicy(options);
  (void)engine::LowerTests(policy->program, policy->model, policy->diagnostics);
  PrintDiagnostics(policy->diagnostics, policy->inputs.sources, options.format);
  const int code = policy->ExitCode();
  if (code == kExitClean && options.format != Format::kJson) {
    PrintText(
        fmt::format("{}, {}, {}, {}: no errors",
                    CountText(policy->inputs.policy.size() + policy->inputs.yaml.size(), "file"),
                    CountText(policy->model.clusters.size(), "cluster"),
                    CountText(policy->model.services.size(), "service"),
                    CountText(policy->model.rules, "rule")));
  }
  return code;
}

}  // namespace

void AddCheck(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<PolicyOptions>();
  CLI::App* command = app.add_subcommand("check", "parse and type-check policy; no solver");
  command->footer("Example:\n  weft check policies/ --inventory east=dump-east.yaml");
  AddPolicyOptions(*command, *options);
  command->callback([options, &exit_code] { exit_code = Check(*options); });
}

}  // namespace weft::cli
