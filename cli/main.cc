// The command line: subcommands and their flags. Each command stands in a file of its own.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/project.h"

namespace {

// Whether all of the result reached standard output; a full disk shows only when it is flushed.
bool PrintedAll() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  std::perror("weft: standard output");
  return false;
}

// A first word that is no command is said to be none, with the nearest that is.
bool NamesNoCommand(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return false;
  const std::string word = argv[1];
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (std::find(known.begin(), known.end(), word) != known.end()) return false;
  std::fprintf(stderr, "weft: there is no command `%s`%s\n", word.c_str(),
               weft::cli::DidYouMean(word, known, "; `weft --help` lists them").c_str());
  return true;
}

// The command that was asked for, or the part of one: `import gloo`.
const CLI::App& Innermost(const CLI::App& app) {
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  return parsed.empty() ? app : Innermost(*parsed.front());
}

// A flag that the command does not have is said to be none, with the nearest that it has.
bool NamesNoFlag(const CLI::App& app) {
  std::vector<std::string> known;
  for (const CLI::Option* option : Innermost(app).get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  for (const std::string& rest : app.remaining(true)) {
    if (!rest.starts_with("--") || rest.size() < 3) continue;
    const std::string flag = rest.substr(0, rest.find('='));
    std::fprintf(stderr, "weft: `%s` has no flag `%s`%s\n", Innermost(app).get_name().c_str(),
                 flag.c_str(), weft::cli::DidYouMean(flag, known, "; `--help` lists them").c_str());
    return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app{"weft: typed, proved policy for Istio meshes"};
    app.name("weft");
    app.require_subcommand(1);
    app.set_version_flag("--version", "weft " WEFT_VERSION);
    app.footer(
        "Examples:\n  weft init policies --example bookinfo\n  weft verify policies\n"
        "  weft emit policies -o istio\n  weft explain-code W4102");
    int exit_code = weft::cli::kExitClean;
    weft::cli::AddInit(app, exit_code);
    weft::cli::AddFmt(app, exit_code);
    weft::cli::AddCheck(app, exit_code);
    weft::cli::AddVerify(app, exit_code);
    weft::cli::AddCheckProof(app, exit_code);
    weft::cli::AddTest(app, exit_code);
    weft::cli::AddEmit(app, exit_code);
    weft::cli::AddPlan(app, exit_code);
    weft::cli::AddExplain(app, exit_code);
    weft::cli::AddWhoCan(app, exit_code);
    weft::cli::AddCanReach(app, exit_code);
    weft::cli::AddSimulate(app, exit_code);
    weft::cli::AddImport(app, exit_code);
    weft::cli::AddServe(app, exit_code);
    weft::cli::AddAgent(app, exit_code);
    weft::cli::AddEnroll(app, exit_code);
    weft::cli::AddStatus(app, exit_code);
    weft::cli::AddApprove(app, exit_code);
    weft::cli::AddRollback(app, exit_code);
    weft::cli::AddAudit(app, exit_code);
    weft::cli::AddBackup(app, exit_code);
    weft::cli::AddRestore(app, exit_code);
    weft::cli::AddExplainCode(app, exit_code);
    weft::cli::AddCompletion(app, exit_code);
    weft::cli::AddVersion(app, exit_code);
    if (NamesNoCommand(app, argc, argv)) return weft::cli::kExitCannot;
    if (!weft::cli::UseProject(app, {argv + 1, argv + argc})) return weft::cli::kExitCannot;
    try {
      app.parse(argc, argv);
    } catch (const CLI::ExtrasError& error) {
      if (!NamesNoFlag(app)) (void)app.exit(error);
      return weft::cli::kExitCannot;
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? weft::cli::kExitClean : weft::cli::kExitCannot;
    }
    return PrintedAll() ? exit_code : weft::cli::kExitCannot;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "weft: %s\n", error.what());
    return weft::cli::kExitCannot;
  }
}
