#include "relay/compile/inputs.h"

#include <unistd.h>

#include <algorithm>
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

bool IsYaml(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

class Reader {
 public:
  Reader(const Tree& tree, Inputs& inputs, Diagnostics& diagnostics)
      : tree_(tree), inputs_(inputs), diagnostics_(diagnostics) {}

  void ReadPolicy(const std::string& path, bool with_inventory) {
    switch (tree_.KindOf(path)) {
      case Tree::Kind::kNothing:
        Fail(path, "does not exist");
        return;
      case Tree::Kind::kDirectory: {
        if (!directories_.insert(tree_.Identity(path)).second) return;
        const std::size_t before = inputs_.policy.size() + inputs_.yaml.size();
        inputs_.roots.push_back(path);
        WalkPolicy(Directory(path), Directory(path), with_inventory, 0);
        if (inputs_.policy.size() + inputs_.yaml.size() == before && !inputs_.unreadable) {
          Fail(path, "holds no policy: no `.weft` file in it");
        }
        return;
      }
      case Tree::Kind::kFile:
      case Tree::Kind::kOther: {
        const std::string parent = fs::path(path).parent_path().string();
        inputs_.roots.push_back(parent.empty() ? "." : parent);
        AddPolicy(path, path);
        return;
      }
    }
  }

  void ReadInventory(const std::string& argument) {
    const std::size_t equals = argument.find('=');
    const std::string name = equals == std::string::npos ? "" : argument.substr(0, equals);
    const std::string path = equals == std::string::npos ? argument : argument.substr(equals + 1);
    const Tree::Kind kind = tree_.KindOf(path);
    if (kind == Tree::Kind::kNothing) {
      Fail(path, "does not exist");
    } else if (kind == Tree::Kind::kDirectory) {
      const std::size_t before = inputs_.sources.size();
      WalkInventory(Directory(path), Directory(path), name, 0);
      if (inputs_.sources.size() == before && !inputs_.unreadable) {
        Fail(path, "holds no inventory: no `.yaml`, `.yml` or `.json` file in it");
      }
    } else {
      AddInventory(path, path, name.empty() ? fs::path(path).stem().string() : name);
    }
  }

  void WalkInventory(const fs::path& root, const fs::path& directory, const std::string& cluster,
                     int depth) {
    for (const fs::path& entry : Entries(directory)) {
      if (tree_.KindOf(entry.string()) == Tree::Kind::kDirectory) {
        if (depth >= kMaxDepth) continue;
        WalkInventory(root, entry, cluster.empty() ? entry.filename().string() : cluster,
                      depth + 1);
      } else if ((IsYaml(entry) || entry.extension() == ".json") && IsFile(entry)) {
        AddInventory(entry.string(), (root.filename() / entry.lexically_relative(root)).string(),
                     cluster.empty() ? entry.stem().string() : cluster);
      }
    }
  }

 private:
  static constexpr int kMaxDepth = 32;

  void Fail(const std::string& path, const std::string& why) {
    inputs_.unreadable = true;
    diagnostics_.Error(dsl::codes::kUnreadable, {}, "`" + path + "` " + why);
  }

  // Without a slash at its end.
  static fs::path Directory(const std::string& path) {
    fs::path directory(path);
    if (!directory.has_filename() && directory.has_relative_path()) {
      directory = directory.parent_path();
    }
    return directory;
  }

  std::vector<fs::path> Entries(const fs::path& directory) {
    std::vector<fs::path> entries;
    const Result<std::vector<std::string>> names = tree_.Entries(directory.string());
    if (!names.ok()) {
      Fail(directory.string(), names.error());
      return entries;
    }
    for (const std::string& name : names.value()) entries.push_back(directory / name);
    return entries;
  }

  // What a directory holds is read only when it is a file: a pipe or a device may never end. One
  // that is named on the command line is read.
  bool IsFile(const fs::path& path) {
    const Tree::Kind kind = tree_.KindOf(path.string());
    if (kind == Tree::Kind::kFile) return true;
    Fail(path.string(), kind == Tree::Kind::kNothing ? "leads nowhere" : "is not a regular file");
    return false;
  }

  std::optional<std::string> Load(const std::string& path) {
    if (tree_.SizeOf(path).value_or(0) > kMaxSourceBytes) {
      inputs_.unreadable = true;
      diagnostics_.Error(dsl::codes::kTooLarge, {}, "`" + path + "` is larger than 64 MiB").help =
          "split it into several files; their order never matters";
      return std::nullopt;
    }
    Result<std::string> text = tree_.Read(path);
    if (text.ok()) return std::move(text).value();
    Fail(path, text.error());
    return std::nullopt;
  }

  void WalkPolicy(const fs::path& root, const fs::path& directory, bool with_inventory, int depth) {
    for (const fs::path& entry : Entries(directory)) {
      if (tree_.KindOf(entry.string()) == Tree::Kind::kDirectory) {
        if (depth == 0 && entry.filename() == "inventory") {
          if (with_inventory) WalkInventory(entry, entry, "", 0);
        } else if (depth < kMaxDepth) {
          WalkPolicy(root, entry, with_inventory, depth + 1);
        }
      } else if ((entry.extension() == ".weft" || IsYaml(entry)) && IsFile(entry)) {
        AddPolicy(entry.string(), entry.lexically_relative(root).string());
      }
    }
  }

  void AddPolicy(const std::string& path, const std::string& name) {
    if (!seen_.insert(tree_.Identity(path)).second) return;
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

  const Tree& tree_;
  Inputs& inputs_;
  Diagnostics& diagnostics_;
  std::set<std::string> seen_;
  std::set<std::string> directories_;  // given as inputs
  std::set<std::string> names_;
};

}  // namespace

void ReadInputs(const InputOptions& options, Inputs& inputs, Diagnostics& diagnostics) {
  Reader reader(*inputs.tree, inputs, diagnostics);
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
      if (inputs.tree->KindOf(path) != Tree::Kind::kFile) continue;
      Result<std::string> text = inputs.tree->Read(path);
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
  if (inputs.yaml.empty()) {
    dsl::RequireMesh(program, diagnostics);
  } else {
    dsl::Append(program, gloo::Read(inputs.yaml, Discover(inputs.inventory), diagnostics));
  }
  return program;
}

Result<std::string> ReadFile(const std::string& path) { return Disk().Read(path); }

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
