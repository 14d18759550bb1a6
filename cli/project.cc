#include "cli/project.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "cli/codes.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "cli/toml_file.h"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "weft.toml";
const std::set<std::string>& SharedKeys() {
  static const std::set<std::string> keys = {"inputs", "inventory"};
  return keys;
}
// Values that are paths; `output` of `emit` alone, where it is no format.
bool IsPath(const std::string& command, const std::string& key) {
  return key == "inputs" || key == "inventory" || key == "baseline" || key == "log" ||
         (key == "output" && command == "emit");
}

// Hands the library settings that were read already.
class Settings : public CLI::Config {
 public:
  explicit Settings(std::vector<CLI::ConfigItem> settings) { items = std::move(settings); }
  [[nodiscard]] std::string to_config(const CLI::App* /*app*/, bool /*defaults*/,
                                      bool /*descriptions*/,
                                      std::string /*prefix*/) const override {
    return "";
  }
  [[nodiscard]] std::vector<CLI::ConfigItem> from_config(std::istream& /*input*/) const override {
    return items;
  }
};

// The file `--project` names, else the nearest; "" when there is none.
std::string FindFile(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string flag = "--project";
    if (arguments[i] == flag && i + 1 < arguments.size()) return arguments[i + 1];
    if (arguments[i].starts_with(flag + "=")) return arguments[i].substr(flag.size() + 1);
  }
  std::error_code error;
  const fs::path start = fs::current_path(error);
  for (fs::path at = start; !error && !at.empty(); at = at.parent_path()) {
    const fs::path file = at / kFile;
    if (fs::is_regular_file(file, error)) return file.lexically_proximate(start).string();
    error.clear();
    if (at == at.root_path()) break;
  }
  return "";
}

CLI::App* CommandOf(CLI::App& app, const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    for (CLI::App* command : app.get_subcommands({})) {
      if (command->get_name() == argument) return command;
    }
  }
  return nullptr;
}

std::vector<std::string> FlagsOf(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (name != "help") names.push_back(name);
    }
  }
  return names;
}

class Reader {
 public:
  Reader(const CLI::App& app, const CLI::App& command, const fs::path& directory,
         Diagnostics& diagnostics)
      : app_(app), command_(command), directory_(directory), diagnostics_(diagnostics) {}

  std::vector<CLI::ConfigItem> Read(const TomlValue& top) {
    for (const TomlEntry& entry : top.entries) {
      if (SharedKeys().contains(entry.key)) {
        Take(command_.get_name(), entry);
      } else if (entry.value.kind == TomlValue::Kind::kTable) {
        ReadCommand(entry);
      } else {
        Unknown(entry, {"inputs", "inventory"});
      }
    }
    return std::move(items_);
  }

 private:
  void ReadCommand(const TomlEntry& table) {
    std::vector<std::string> known;
    for (const CLI::App* command : app_.get_subcommands({})) known.push_back(command->get_name());
    if (std::find(known.begin(), known.end(), table.key) == known.end()) {
      return Unknown(table, known);
    }
    const std::vector<std::string> flags = FlagsOf(*app_.get_subcommand(table.key));
    for (const TomlEntry& entry : table.value.entries) {
      if (std::find(flags.begin(), flags.end(), entry.key) == flags.end()) {
        Unknown(entry, flags);
      } else {
        Take(table.key, entry);
      }
    }
  }

  void Unknown(const TomlEntry& entry, const std::vector<std::string>& known) {
    Diagnostic& d = diagnostics_.Error(codes::kUnknownSetting, entry.span,
                                       "there is no setting `" + entry.key + "`");
    const std::string near = NearestName(entry.key, known);
    if (!near.empty()) d.help = "did you mean `" + near + "`?";
  }

  // Keeps the value for the command that runs.
  void Take(const std::string& command, const TomlEntry& entry) {
    std::vector<std::string> values;
    const auto add = [&](const TomlValue& value) {
      if (value.kind == TomlValue::Kind::kTable || value.kind == TomlValue::Kind::kList) {
        diagnostics_.Error(codes::kUnreadableToml, value.span,
                           "`" + entry.key + "` is a text, a number, a truth or a list of texts");
        return;
      }
      values.push_back(IsPath(command, entry.key) ? Beside(value.text) : value.text);
    };
    if (entry.value.kind == TomlValue::Kind::kList) {
      for (const TomlValue& item : entry.value.items) add(item);
    } else {
      add(entry.value);
    }
    if (command != command_.get_name()) return;
    const std::string name = (entry.key == "inputs" ? "" : "--") + entry.key;
    if (command_.get_option_no_throw(name) == nullptr || values.empty()) return;
    CLI::ConfigItem item;
    item.parents = {command};
    item.name = entry.key;
    item.inputs = std::move(values);
    items_.push_back(std::move(item));
  }

  // The path, or the one behind `NAME=`, as seen from the working directory.
  [[nodiscard]] std::string Beside(const std::string& value) const {
    const std::size_t equals = value.find('=');
    const std::size_t start = equals == std::string::npos ? 0 : equals + 1;
    const fs::path path = (directory_ / value.substr(start)).lexically_normal();
    return value.substr(0, start) + (path.empty() ? "." : path.string());
  }

  const CLI::App& app_;
  const CLI::App& command_;
  fs::path directory_;
  Diagnostics& diagnostics_;
  std::vector<CLI::ConfigItem> items_;
};

}  // namespace

bool UseProject(CLI::App& app, const std::vector<std::string>& arguments) {
  CLI::App* command = CommandOf(app, arguments);
  app.set_config("--project", "", "project file; otherwise the nearest weft.toml upward from here");
  if (command == nullptr || command->get_option_no_throw("inputs") == nullptr) return true;
  const std::string file = FindFile(arguments);
  if (file.empty()) return true;
  SourceMap sources;
  Diagnostics diagnostics;
  Result<std::string> text = ReadFile(file);
  if (!text.ok()) {
    std::fprintf(stderr, "weft: `%s` %s\n", file.c_str(), text.error().c_str());
    return false;
  }
  const FileId id = sources.Add(file, std::move(text).value(), SourceKind::kYaml, file);
  const std::optional<TomlValue> top = ReadToml(sources.Get(id), diagnostics);
  std::vector<CLI::ConfigItem> items;
  if (top) {
    items = Reader(app, *command, fs::path(file).parent_path(), diagnostics).Read(*top);
  }
  if (diagnostics.HasErrors()) {
    PrintHuman(diagnostics.Sorted(), sources, false);
    return false;
  }
  app.set_config("--project", file,
                 "project file; otherwise the nearest weft.toml upward from here");
  app.config_formatter(std::make_shared<Settings>(std::move(items)));
  return true;
}

}  // namespace weft::cli
