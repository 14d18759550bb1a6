// `weft init`: the beginning of a policy repository.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "cli/starter.h"
#include "dsl/diagnostic.h"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string directory = ".";
  std::string example = "hello";
};

int Init(const Options& options) {
  const std::vector<StarterFile> files = StarterFiles(options.example);
  if (files.empty()) {
    const std::vector<std::string> known = StarterNames();
    const std::string near = NearestName(options.example, known);
    std::string list;
    for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
    std::fprintf(
        stderr, "weft: there is no example `%s`; %s\n", options.example.c_str(),
        near.empty() ? ("examples are " + list).c_str() : ("did you mean `" + near + "`?").c_str());
    return kExitCannot;
  }
  for (const StarterFile& file : files) {
    std::error_code error;
    const fs::path path = fs::path(options.directory) / file.path;
    if (!fs::exists(path, error)) continue;
    std::fprintf(stderr, "weft: `%s` exists; nothing was written\n", path.string().c_str());
    return kExitCannot;
  }
  for (const StarterFile& file : files) {
    const std::string path = (fs::path(options.directory) / file.path).string();
    const Status written = WriteFile(path, std::string(file.text));
    if (!written.ok()) {
      std::fprintf(stderr, "weft: %s\n", written.error().c_str());
      return kExitCannot;
    }
    PrintText(path);
  }
  PrintText("next: weft verify " + options.directory);
  return kExitClean;
}

}  // namespace

void AddInit(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("init", "start a policy repository");
  command->footer("Example:\n  weft init policies --example bookinfo");
  command->add_option("directory", options->directory, "where to; default: here");
  command->add_option("--example", options->example, "hello, bookinfo or boutique");
  command->callback([options, &exit_code] { exit_code = Init(*options); });
}

}  // namespace weft::cli
