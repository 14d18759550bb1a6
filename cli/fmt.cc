// `weft fmt`: rewrites `.weft` files in the canonical format.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "dsl/codes.h"

namespace weft::cli {
namespace {

struct FmtOptions {
  InputOptions inputs;
  bool check = false;
};

// Replaces the text of a file, behind links if it is one, and keeps its permissions.
Status Rewrite(const std::string& path, const std::string& text) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(path, error);
  if (error) return Error{"`" + path + "`: " + error.message()};
  const std::filesystem::perms permissions = std::filesystem::status(target, error).permissions();
  Status written = WriteFile(target.string(), text);
  if (written.ok()) std::filesystem::permissions(target, permissions, error);
  return written;
}

// Formats every file that parses; those that do not are reported and left alone.
int Fmt(const FmtOptions& options) {
  Inputs inputs;
  Diagnostics reading;
  ReadInputs(options.inputs, inputs, reading);
  Diagnostics diagnostics;
  // An inventory that was read along has no say here.
  if (inputs.unreadable) diagnostics.Append(reading);
  bool cannot = inputs.unreadable;
  bool unformatted = false;
  for (std::size_t i = 0; i < inputs.policy.size(); ++i) {
    const Source& source = *inputs.policy[i];
    const std::string& path = inputs.policy_paths[i];
    const std::optional<std::string> text = dsl::Format(source, diagnostics);
    if (!text || *text == source.text) continue;
    if (options.check) {
      unformatted = true;
    } else if (const Status status = Rewrite(path, *text); !status.ok()) {
      diagnostics.Error(dsl::codes::kUnreadable, {}, status.error());
      cannot = true;
      continue;
    }
    std::printf("%s\n", path.c_str());
  }
  PrintDiagnostics(diagnostics, inputs.sources, Format::kHuman);
  if (cannot) return kExitCannot;
  return unformatted || diagnostics.HasErrors() ? kExitFindings : kExitClean;
}

}  // namespace

void AddFmt(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<FmtOptions>();
  CLI::App* command = app.add_subcommand("fmt", "canonical format of `.weft` files");
  command->footer("Example:\n  weft fmt --check policies/");
  command->add_option("inputs", options->inputs.paths, ".weft files and directories")->required();
  command->add_flag("--check", options->check, "write nothing; exit 1 if a file would change");
  command->callback([options, &exit_code] { exit_code = Fmt(*options); });
}

}  // namespace weft::cli
