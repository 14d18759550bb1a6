// What every command that reads policy does first: inputs to Model, and its common flags.
#pragma once

#include <memory>
#include <vector>

#include "cli/inputs.h"
#include "cli/output.h"
#include "dsl/declarations.h"
#include "engine/lower.h"

namespace CLI {
class App;
}

namespace weft::cli {

struct PolicyOptions {
  InputOptions inputs;
  Format format = Format::kHuman;
};

// Declares INPUTS and --inventory on the command; AddPolicyOptions also -o/--output.
void AddInputOptions(CLI::App& command, PolicyOptions& options);
void AddPolicyOptions(CLI::App& command, PolicyOptions& options);

struct Policy {
  Inputs inputs;
  Diagnostics diagnostics;
  dsl::Program program;
  engine::Model model;

  // Exit code of the diagnostics so far: 2 for unreadable inputs, 1 for errors, else 0.
  [[nodiscard]] int ExitCode() const;
};

// Reads, parses, types and lowers. Nothing is printed. The result stays valid while it lives (spans
// and programs point into its inputs).
[[nodiscard]] std::unique_ptr<Policy> LoadPolicy(const PolicyOptions& options);
// The same from `tree` instead of the disk, which must outlive the result.
[[nodiscard]] std::unique_ptr<Policy> LoadPolicyFrom(const relay::Tree& tree,
                                                     const PolicyOptions& options);

}  // namespace weft::cli
