// `weft check`: parse, types, references; no solver.
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
    std::printf("%zu files, %zu clusters, %zu services, %zu rules: no errors\n",
                policy->inputs.policy.size() + policy->inputs.yaml.size(),
                policy->model.clusters.size(), policy->model.services.size(), policy->model.rules);
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
