// From paths to sources and inventory in memory: what the commands and the server read policy with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/declarations.h"
#include "dsl/diagnostic.h"
#include "dsl/parse.h"
#include "dsl/result.h"
#include "dsl/source.h"
#include "engine/inventory.h"
#include "relay/compile/tree.h"

namespace weft::relay {

struct InputOptions {
  std::vector<std::string> paths;      // policy files and directories
  std::vector<std::string> inventory;  // PATH or NAME=PATH; replaces `inventory/` folders of inputs
  bool inventory_folders = true;       // false: `inventory/` folders of inputs are left out
};

// Everything read for one run. Pointers into `sources` stay valid while this lives.
struct Inputs {
  const Tree* tree = &Disk();  // where files are read from; outlives this
  SourceMap sources;
  std::vector<const Source*> policy;      // .weft files, in path order
  std::vector<std::string> policy_paths;  // where each of them is on disk
  std::vector<const Source*> yaml;        // YAML given as policy
  std::vector<std::string> roots;         // directories modules are looked up in
  engine::Inventory inventory;
  bool unreadable = false;  // something could not be read: exit code 2
};

// Reads everything. A directory is walked in name order (hidden entries and its `inventory/` folder
// aside); names of sources are relative to the input directory they were found in. What cannot be
// read is reported with codes 1001-1003 and sets `unreadable`.
void ReadInputs(const InputOptions& options, Inputs& inputs, Diagnostics& diagnostics);

// Finds modules: `std/...` in the embedded library, others as `<root>/<module>.weft`.
[[nodiscard]] dsl::SourceLoader ModuleLoader(Inputs& inputs);

// The declarations of everything that was read as policy, modules included.
[[nodiscard]] dsl::Program LoadProgram(Inputs& inputs, Diagnostics& diagnostics);

// Whole file, or the reason why not (missing, directory, too large, unreadable).
[[nodiscard]] Result<std::string> ReadFile(const std::string& path);

// Writes by temporary name and rename, creating directories. A file that has this text already is
// left alone, with its times. The error names the path.
[[nodiscard]] Status WriteFile(const std::string& path, const std::string& text);

}  // namespace weft::relay
