#include "relay/files/git_tree.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "dsl/source.h"
#include "relay/files/libgit.h"

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

bool IsBelow(const fs::path& path, const fs::path& top) {
  const fs::path below = path.lexically_relative(top);
  return !below.empty() && *below.begin() != "..";
}

// Files by absolute path; directories are what lies between.
class RevisionTree : public Tree {
 public:
  explicit RevisionTree(fs::path top) : top_(std::move(top)) {}

  // What the path names is read from the disk.
  void ReadFromDisk(const std::string& path) { on_disk_.emplace_back(Identity(path)); }

  void Add(const fs::path& path, std::string text) {
    for (fs::path at = path; at.has_relative_path(); at = at.parent_path()) {
      entries_[at.parent_path().string()].insert(at.filename().string());
    }
    files_[path.string()] = std::move(text);
  }

  [[nodiscard]] Kind KindOf(const std::string& path) const override {
    const std::string at = Identity(path);
    if (IsOnDisk(at)) return Disk().KindOf(path);
    if (files_.contains(at)) return Kind::kFile;
    return entries_.contains(at) ? Kind::kDirectory : Kind::kNothing;
  }

  [[nodiscard]] Result<std::vector<std::string>> Entries(const std::string& path) const override {
    if (IsOnDisk(Identity(path))) return Disk().Entries(path);
    std::vector<std::string> names;
    const auto at = entries_.find(Identity(path));
    if (at == entries_.end()) return names;
    for (const std::string& name : at->second) {
      if (!name.starts_with('.')) names.push_back(name);
    }
    return names;
  }

  [[nodiscard]] std::optional<std::uintmax_t> SizeOf(const std::string& path) const override {
    if (IsOnDisk(Identity(path))) return Disk().SizeOf(path);
    const auto at = files_.find(Identity(path));
    return at == files_.end() ? std::nullopt : std::optional<std::uintmax_t>(at->second.size());
  }

  [[nodiscard]] Result<std::string> Read(const std::string& path) const override {
    if (IsOnDisk(Identity(path))) return Disk().Read(path);
    const auto at = files_.find(Identity(path));
    if (at == files_.end()) return Error{"does not exist in that revision"};
    if (at->second.size() > kMaxSourceBytes) return Error{"is larger than 64 MiB"};
    return at->second;
  }

  [[nodiscard]] std::string Identity(const std::string& path) const override {
    std::error_code error;
    fs::path canonical = fs::weakly_canonical(path, error);
    if (error) return path;
    if (!canonical.has_filename()) canonical = canonical.parent_path();
    return canonical.string();
  }

 private:
  [[nodiscard]] bool IsOnDisk(const fs::path& path) const {
    return !IsBelow(path, top_) ||
           std::any_of(on_disk_.begin(), on_disk_.end(),
                       [&](const fs::path& top) { return IsBelow(path, top); });
  }

  fs::path top_;
  std::vector<fs::path> on_disk_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::set<std::string>> entries_;
};

// The directory that is there today and lies above the path.
std::string Above(const std::string& path) {
  std::error_code error;
  fs::path at = fs::weakly_canonical(path, error);
  while (!fs::is_directory(at, error) && at.has_relative_path()) at = at.parent_path();
  return at.string();
}

bool IsWanted(std::string_view name) {
  return name.ends_with(".weft") || name.ends_with(".yaml") || name.ends_with(".yml") ||
         name.ends_with(".json");
}

// Copies files of one tree of the repository.
class Copier {
 public:
  Copier(git_repository* repository, fs::path top, RevisionTree& to)
      : repository_(repository), top_(std::move(top)), to_(to) {}

  // `path` is that of the entry below the top of the repository.
  Status Copy(const git_tree_entry* entry, const fs::path& path, int depth) {
    const git_filemode_t mode = git_tree_entry_filemode(entry);
    const bool file = mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE;
    if (mode != GIT_FILEMODE_TREE && (!file || !IsWanted(path.string()))) return Unit{};
    git_object* found = nullptr;
    if (git_tree_entry_to_object(&found, repository_, entry) != 0) {
      return Error{"the repository lacks the content of `" + path.string() + "`"};
    }
    const GitOwned<git_object> object(found);
    if (mode == GIT_FILEMODE_TREE) {
      return CopyTree(reinterpret_cast<const git_tree*>(object.get()), path, depth);
    }
    const auto* blob = reinterpret_cast<const git_blob*>(object.get());
    to_.Add(top_ / path, std::string(static_cast<const char*>(git_blob_rawcontent(blob)),
                                     static_cast<std::size_t>(git_blob_rawsize(blob))));
    return Unit{};
  }

  Status CopyTree(const git_tree* tree, const fs::path& path, int depth) {
    if (depth > kMaxDepth) return Error{"`" + path.string() + "` is nested too deep"};
    for (std::size_t i = 0; i < git_tree_entrycount(tree); ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(tree, i);
      Status copied = Copy(entry, path / git_tree_entry_name(entry), depth + 1);
      if (!copied.ok()) return copied;
    }
    return Unit{};
  }

 private:
  static constexpr int kMaxDepth = 64;

  git_repository* repository_;
  fs::path top_;
  RevisionTree& to_;
};

// Those of `paths` that the tree has.
Status CopyPaths(git_repository* repository, const git_tree* root, const fs::path& top,
                 const std::vector<std::string>& paths, RevisionTree& tree) {
  Copier copier(repository, top, tree);
  for (const std::string& path : paths) {
    const fs::path identity = tree.Identity(path);
    if (!IsBelow(identity, top)) continue;
    const fs::path below = identity.lexically_relative(top);
    if (below == ".") {
      Status copied = copier.CopyTree(root, "", 0);
      if (!copied.ok()) return copied;
      continue;
    }
    git_tree_entry* found = nullptr;
    if (git_tree_entry_bypath(&found, root, below.generic_string().c_str()) != 0) continue;
    const GitOwned<git_tree_entry> entry(found);
    Status copied = copier.Copy(entry.get(), below, 0);
    if (!copied.ok()) return copied;
  }
  return Unit{};
}

}  // namespace

Result<std::unique_ptr<const Tree>> ReadRevision(const std::string& revision,
                                                 const RevisionPaths& paths) {
  const GitLibrary library;
  const std::string start = paths.paths.empty() ? "." : Above(paths.paths.front());
  git_repository* opened = nullptr;
  if (git_repository_open_ext(&opened, start.c_str(), 0, nullptr) != 0) {
    return Error{"`" + start + "` is in no git repository"};
  }
  const GitOwned<git_repository> repository(opened);
  const char* workdir = git_repository_workdir(repository.get());
  if (workdir == nullptr) return Error{"`" + start + "` is in a repository without working tree"};
  git_object* found = nullptr;
  const std::string wanted = revision + "^{tree}";
  if (git_revparse_single(&found, repository.get(), wanted.c_str()) != 0) {
    return Error{"there is no revision `" + revision + "`"};
  }
  const GitOwned<git_object> root(found);
  auto tree = std::make_unique<RevisionTree>(fs::path(workdir).parent_path());
  std::vector<std::string> within = paths.paths;
  within.insert(within.end(), paths.shared.begin(), paths.shared.end());
  const Status copied = CopyPaths(repository.get(), reinterpret_cast<const git_tree*>(root.get()),
                                  fs::path(workdir).parent_path(), within, *tree);
  if (!copied.ok()) return Error{copied.error()};
  for (const std::string& path : paths.shared) {
    if (tree->KindOf(path) == Tree::Kind::kNothing) tree->ReadFromDisk(path);
  }
  return std::unique_ptr<const Tree>(std::move(tree));
}

}  // namespace weft::relay
