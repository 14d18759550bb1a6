#include "relay/compile/inputs.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "dsl/codes.h"
#include "dsl/gloo/read.h"
#include "emit/check/objects.h"
#include "relay/compile/discover.h"
#include "stdlib/embedded.h"

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

bool IsHidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool IsYaml(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

// Entries of a directory in name order; empty with `error` set when it cannot be read.
std::vector<fs::path> Entries(const fs::path& directory, std::error_code& error) {
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (!IsHidden(it->path())) entries.push_back(it->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

class Reader {
 public:
  Reader(Inputs& inputs, Diagnostics& diagnostics) : inputs_(inputs), diagnostics_(diagnostics) {}

  void ReadPolicy(const std::string& path, bool with_inventory) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
      Fail(path, "does not exist");
    } else if (fs::is_directory(status)) {
      const fs::path canonical = fs::weakly_canonical(path, error);
      if (!directories_.insert(error ? fs::path(path) : canonical).second) return;
      const std::size_t before = inputs_.policy.size() + inputs_.yaml.size();
      inputs_.roots.push_back(path);
      WalkPolicy(path, path, with_inventory, 0);
      if (inputs_.policy.size() + inputs_.yaml.size() == before && !inputs_.unreadable) {
        Fail(path, "holds no policy: no `.weft` file in it");
      }
    } else {
      const std::string parent = fs::path(path).parent_path().string();
      inputs_.roots.push_back(parent.empty() ? "." : parent);
      AddPolicy(path, path);
    }
  }

  void ReadInventory(const std::string& argument) {
    const std::size_t equals = argument.find('=');
    const std::string name = equals == std::string::npos ? "" : argument.substr(0, equals);
    const std::string path = equals == std::string::npos ? argument : argument.substr(equals + 1);
    std::error_code error;
    if (!fs::exists(path, error)) {
      Fail(path, "does not exist");
    } else if (fs::is_directory(path, error)) {
      const std::size_t before = inputs_.sources.size();
      WalkInventory(path, path, name, 0);
      if (inputs_.sources.size() == before && !inputs_.unreadable) {
        Fail(path, "holds no inventory: no `.yaml`, `.yml` or `.json` file in it");
      }
    } else {
      AddInventory(path, path, name.empty() ? fs::path(path).stem().string() : name);
    }
  }

  void WalkInventory(const fs::path& root, const fs::path& directory, const std::string& cluster,
                     int depth) {
    std::error_code error;
    for (const fs::path& entry : Entries(directory, error)) {
      if (fs::is_directory(entry, error)) {
        if (depth >= kMaxDepth) continue;
        WalkInventory(root, entry, cluster.empty() ? entry.filename().string() : cluster,
                      depth + 1);
      } else if ((IsYaml(entry) || entry.extension() == ".json") && IsFile(entry)) {
        AddInventory(entry.string(), (root.filename() / fs::relative(entry, root)).string(),
                     cluster.empty() ? entry.stem().string() : cluster);
      }
    }
    if (error) Fail(directory.string(), error.message());
  }

 private:
  static constexpr int kMaxDepth = 32;

  void Fail(const std::string& path, const std::string& why) {
    inputs_.unreadable = true;
    diagnostics_.Error(dsl::codes::kUnreadable, {}, "`" + path + "` " + why);
  }

  // What a directory holds is read only when it is a file: a pipe or a device may never end. One
  // that is named on the command line is read.
  bool IsFile(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_regular_file(status)) return true;
    Fail(path.string(), fs::exists(status) ? "is not a regular file" : "leads nowhere");
    return false;
  }

  std::optional<std::string> Load(const std::string& path) {
    std::error_code error;
    if (fs::is_regular_file(path, error) && fs::file_size(path, error) > kMaxSourceBytes &&
        !error) {
      inputs_.unreadable = true;
      diagnostics_.Error(dsl::codes::kTooLarge, {}, "`" + path + "` is larger than 64 MiB").help =
          "split it into several files; their order never matters";
      return std::nullopt;
    }
    Result<std::string> text = ReadFile(path);
    if (text.ok()) return std::move(text).value();
    Fail(path, text.error());
    return std::nullopt;
  }

  void WalkPolicy(const fs::path& root, const fs::path& directory, bool with_inventory, int depth) {
    std::error_code error;
    for (const fs::path& entry : Entries(directory, error)) {
      if (fs::is_directory(entry, error)) {
        if (depth == 0 && entry.filename() == "inventory") {
          if (with_inventory) WalkInventory(entry, entry, "", 0);
        } else if (depth < kMaxDepth) {
          WalkPolicy(root, entry, with_inventory, depth + 1);
        }
      } else if ((entry.extension() == ".weft" || IsYaml(entry)) && IsFile(entry)) {
        AddPolicy(entry.string(), fs::relative(entry, root).string());
      }
    }
    if (error) Fail(directory.string(), error.message());
  }

  void AddPolicy(const std::string& path, const std::string& name) {
    std::error_code error;
    const fs::path canonical = fs::weakly_canonical(path, error);
    if (!seen_.insert(error ? fs::path(path) : canonical).second) return;
    std::optional<std::string> text = Load(path);
    if (!text) return;
    const bool yaml = IsYaml(path);
    const FileId id = inputs_.sources.Add(UniqueName(name, path), std::move(*text),
                                          yaml ? SourceKind::kYaml : SourceKind::kWeft, path);
    if (yaml) {
      inputs_.yaml.push_back(&inputs_.sources.Get(id));
    } else {
      inputs_.policy.push_back(&inputs_.sources.Get(id));
      inputs_.policy_paths.push_back(path);
    }
  }

  void AddInventory(const std::string& path, const std::string& name, const std::string& cluster) {
    std::optional<std::string> text = Load(path);
    if (!text) return;
    const FileId id =
        inputs_.sources.Add(UniqueName(name, path), std::move(*text), SourceKind::kYaml, path);
    engine::ReadInventory(cluster, inputs_.sources.Get(id), inputs_.inventory, diagnostics_);
    emit::check::CheckForeign(inputs_.sources.Get(id), diagnostics_);
  }

  // Two input directories may hold files of one relative name; the second is shown by its full
  // path.
  std::string UniqueName(const std::string& name, const std::string& path) {
    return names_.insert(name).second ? name : path;
  }

  Inputs& inputs_;
  Diagnostics& diagnostics_;
  std::set<fs::path> seen_;
  std::set<fs::path> directories_;  // given as inputs
  std::set<std::string> names_;
};

}  // namespace

void ReadInputs(const InputOptions& options, Inputs& inputs, Diagnostics& diagnostics) {
  Reader reader(inputs, diagnostics);
  for (const std::string& path : options.paths) {
    reader.ReadPolicy(path, options.inventory_folders && options.inventory.empty());
  }
  for (const std::string& argument : options.inventory) reader.ReadInventory(argument);
  engine::FinishInventory(inputs.inventory);
}

dsl::SourceLoader ModuleLoader(Inputs& inputs) {
  return [&inputs, loaded = std::map<std::string, const Source*>()](
             const std::string& module) mutable -> const Source* {
    const auto known = loaded.find(module);
    if (known != loaded.end()) return known->second;
    const Source*& source = loaded[module];
    const std::string_view embedded = stdlib::FindModule(module);
    if (!embedded.empty()) {
      const FileId id =
          inputs.sources.Add(module + ".weft", std::string(embedded), SourceKind::kWeft);
      return source = &inputs.sources.Get(id);
    }
    for (const std::string& root : inputs.roots) {
      const std::string path = root + "/" + module + ".weft";
      std::error_code error;
      if (!fs::is_regular_file(path, error)) continue;
      Result<std::string> text = ReadFile(path);
      if (!text.ok()) continue;
      const FileId id = inputs.sources.Add(module + ".weft", std::move(text).value(),
                                           SourceKind::kWeft, root + "/" + module + ".weft");
      return source = &inputs.sources.Get(id);
    }
    return source;
  };
}

dsl::Program LoadProgram(Inputs& inputs, Diagnostics& diagnostics) {
  dsl::Program program = dsl::Load(inputs.policy, ModuleLoader(inputs), diagnostics);
  if (!inputs.yaml.empty()) {
    dsl::Append(program, gloo::Read(inputs.yaml, Discover(inputs.inventory), diagnostics));
  }
  return program;
}

Result<std::string> ReadFile(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return Error{"does not exist"};
  if (!fs::is_regular_file(path, error) && !fs::is_fifo(path, error) &&
      !fs::is_character_file(path, error)) {
    return Error{"is not a regular file"};
  }
  if (fs::is_regular_file(path, error) && fs::file_size(path, error) > kMaxSourceBytes) {
    return Error{"is larger than 64 MiB"};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{std::string("cannot be read: ") + std::strerror(errno)};
  std::string text;
  std::vector<char> block(std::size_t{1} << 16);
  while (file) {  // a device may go on for ever
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    text.append(block.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxSourceBytes) return Error{"is larger than 64 MiB"};
  }
  if (file.bad()) return Error{"cannot be read to its end"};
  return text;
}

Status WriteFile(const std::string& path, const std::string& text) {
  const fs::path target(path);
  std::error_code error;
  if (fs::is_regular_file(target, error) && fs::file_size(target, error) == text.size()) {
    const Result<std::string> before = ReadFile(path);
    if (before.ok() && before.value() == text) return Unit{};
  }
  error.clear();
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), error);
  if (error) return Error{"`" + target.parent_path().string() + "`: " + error.message()};
  const std::string temporary = path + ".weft-" + std::to_string(::getpid()) + ".tmp";
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file << text;
    file.flush();
    if (!file) {
      fs::remove(temporary, error);
      return Error{"`" + path + "` cannot be written"};
    }
  }
  fs::rename(temporary, target, error);
  if (error) {
    const std::string why = error.message();
    fs::remove(temporary, error);
    return Error{"`" + path + "`: " + why};
  }
  return Unit{};
}

}  // namespace weft::relay
