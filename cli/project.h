// `weft.toml`: inputs and flags of a project, so that nobody has to repeat them.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace weft::cli {

// Gives the command in `arguments` (the program's own) the settings of the project file for what
// the command line does not say. The file is the `weft.toml` of the working directory or the
// nearest one above, or the one `--project FILE` names. Paths in it are relative to it. False when
// it is wrong, which is printed.
[[nodiscard]] bool UseProject(CLI::App& app, const std::vector<std::string>& arguments);

}  // namespace weft::cli
