// `weft completion`: shell completion, made from the commands themselves.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace weft::cli {
namespace {

std::string Commands(const CLI::App& app) {
  std::string words;
  for (const CLI::App* command : app.get_subcommands({})) {
    words += (words.empty() ? "" : " ") + command->get_name();
  }
  return words;
}

std::string Flags(const CLI::App& command) {
  std::string words;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      words += (words.empty() ? "--" : " --") + name;
    }
  }
  return words;
}

std::string Bash(const CLI::App& app) {
  std::string text =
      "_weft() {\n  local word=\"${COMP_WORDS[COMP_CWORD]}\"\n  case \"${COMP_WORDS[1]}\" in\n";
  for (const CLI::App* command : app.get_subcommands({})) {
    text += "    " + command->get_name() + ") flags=\"" + Flags(*command) + "\" ;;\n";
  }
  text += "    *) flags=\"" + Commands(app) + "\" ;;\n  esac\n";
  text += "  if [ \"$COMP_CWORD\" -eq 1 ]; then flags=\"" + Commands(app) + "\"; fi\n";
  text += "  COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n";
  text += "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n}\n";
  return text + "complete -F _weft weft";
}

std::string Zsh(const CLI::App& app) {
  return "autoload -U +X bashcompinit && bashcompinit\n" + Bash(app);
}

std::string Fish(const CLI::App& app) {
  std::string text = "complete -c weft -n __fish_use_subcommand -f\n";
  for (const CLI::App* command : app.get_subcommands({})) {
    text += "complete -c weft -n __fish_use_subcommand -f -a " + command->get_name() + " -d '" +
            command->get_description() + "'\n";
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        text += "complete -c weft -n '__fish_seen_subcommand_from " + command->get_name() +
                "' -l " + name + "\n";
      }
    }
  }
  text.pop_back();
  return text;
}

}  // namespace

void AddCompletion(CLI::App& app, int& exit_code) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "shell completion: bash, zsh or fish");
  command->footer("Example:\n  source <(weft completion bash)");
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(Choice(std::vector<std::string>{"bash", "zsh", "fish"}));
  command->callback([shell, &app, &exit_code] {
    PrintText(*shell == "bash" ? Bash(app) : *shell == "zsh" ? Zsh(app) : Fish(app));
    exit_code = kExitClean;
  });
}

}  // namespace weft::cli
