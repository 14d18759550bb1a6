#include "cli/policy.h"

#include <CLI/CLI.hpp>
#include <map>

#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/memory_limit.h"
#include "dsl/codes.h"
#include "dsl/parse.h"

namespace weft::cli {

void AddInputOptions(CLI::App& command, PolicyOptions& options) {
  command.add_option("inputs", options.inputs.paths, ".weft files and directories")->required();
  command.add_option("--inventory", options.inputs.inventory,
                     "discovered objects: PATH or CLUSTER=PATH, repeatable");
  command
      .add_option_function<std::string>(
          "--memory-limit",
          [](const std::string& text) {
            const std::optional<std::uint64_t> bytes = ParseSize(text);
            if (!bytes) {
              throw CLI::ValidationError("--memory-limit",
                                         "`" + text + "` is no size; write one as 512MiB or 2GiB");
            }
            if (!LimitMemory(*bytes)) {
              throw CLI::ValidationError("--memory-limit", "the system refuses the limit");
            }
          },
          "end with exit code 2 rather than use more memory")
      ->type_name("SIZE");
}

void AddPolicyOptions(CLI::App& command, PolicyOptions& options) {
  AddInputOptions(command, options);
  static const std::vector<std::pair<std::string, Format>> formats = {
      {"human", Format::kHuman}, {"plain", Format::kPlain}, {"json", Format::kJson}};
  command.add_option("-o,--output", options.format, "human, plain or json")
      ->transform(Choice(formats))
      ->type_name("FORMAT");
}

namespace {

// Inputs that say nothing would pass every proof.
void RefuseNothing(Policy& policy) {
  if (policy.inputs.unreadable || policy.diagnostics.HasErrors() || !dsl::IsEmpty(policy.program)) {
    return;
  }
  policy.inputs.unreadable = true;
  const auto& yaml = policy.inputs.yaml;
  const auto& texts = policy.inputs.policy;
  const Source* first = !yaml.empty() ? yaml.front() : texts.empty() ? nullptr : texts.front();
  const Span span = first == nullptr ? Span{} : Span{first->id, 0, 0};
  if (yaml.empty()) {
    policy.diagnostics
        .Error(dsl::codes::kUnreadable, span, "nothing is declared: this is no policy")
        .help = "a policy begins with `mesh NAME`; `weft init DIR` writes one to start from";
    return;
  }
  policy.diagnostics
      .Error(dsl::codes::kUnreadable, span,
             "no policy is here: neither weft text nor an object of Gloo Mesh")
      .help =
      "what runs in a cluster is given by `--inventory PATH`; objects of Istio become "
      "policy by `weft import istio`";
}

}  // namespace

int Policy::ExitCode() const {
  if (inputs.unreadable) return kExitCannot;
  return diagnostics.HasErrors() ? kExitFindings : kExitClean;
}

std::unique_ptr<Policy> LoadPolicy(const PolicyOptions& options) {
  return LoadPolicyFrom(relay::Disk(), options);
}

std::unique_ptr<Policy> LoadPolicyFrom(const relay::Tree& tree, const PolicyOptions& options) {
  auto policy = std::make_unique<Policy>();
  policy->inputs.tree = &tree;
  ReadInputs(options.inputs, policy->inputs, policy->diagnostics);
  policy->program = LoadProgram(policy->inputs, policy->diagnostics);
  RefuseNothing(*policy);
  policy->model = engine::Lower(policy->program, policy->inputs.inventory, policy->diagnostics);
  return policy;
}

}  // namespace weft::cli
