// `weft check`: parse, types, names.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "dsl/codes.h"

namespace weft::cli {
namespace {

struct Options {
  InputOptions inputs;
  Format format = Format::kHuman;
};

int Check(const Options& options) {
  Inputs inputs;
  Diagnostics diagnostics;
  ReadInputs(options.inputs, inputs, diagnostics);
  for (const Source* yaml : inputs.yaml) {
    diagnostics.Error(dsl::codes::kUnreadable, {yaml->id, 0, 0},
                      "`" + yaml->name + "` is YAML; policy is read from `.weft` files");
    inputs.unreadable = true;
  }
  const dsl::Program program = dsl::Load(inputs.policy, ModuleLoader(inputs), diagnostics);
  PrintDiagnostics(diagnostics, inputs.sources, options.format);
  if (inputs.unreadable) return kExitCannot;
  if (diagnostics.HasErrors()) return kExitFindings;
  if (options.format != Format::kJson) {
    std::printf("%zu files, %zu services, %zu routes, %zu access blocks: no errors\n",
                inputs.policy.size(), program.services.size(), program.routes.size(),
                program.accesses.size());
  }
  return kExitClean;
}

}  // namespace

void AddCheck(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("check", "parse and type-check policy; no solver");
  command->footer("Example:\n  weft check policies/ --inventory east=dump-east.yaml");
  command->add_option("inputs", options->inputs.paths, ".weft files and directories")->required();
  command->add_option("--inventory", options->inputs.inventory, "PATH or CLUSTER=PATH, repeatable");
  static const std::map<std::string, Format> formats = {
      {"human", Format::kHuman}, {"plain", Format::kPlain}, {"json", Format::kJson}};
  command->add_option("-o,--output", options->format, "human, plain or json")
      ->transform(CLI::CheckedTransformer(formats));
  command->callback([options, &exit_code] { exit_code = Check(*options); });
}

}  // namespace weft::cli
