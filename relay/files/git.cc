#include "relay/files/git.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>

#include "relay/files/libgit.h"

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxFiles = 20'000;
constexpr std::uint64_t kMaxBytes = std::uint64_t{64} << 20;

Error GitFailure(const std::string& what) {
  const git_error* error = git_error_last();
  return Error{what + (error == nullptr ? "" : ": " + std::string(error->message))};
}

std::string HexOf(const git_oid* id) {
  char text[GIT_OID_HEXSZ + 1];
  return git_oid_tostr(text, sizeof text, id);
}

Result<GitOwned<git_repository>> OpenRepository(const std::string& path) {
  git_repository* repository = nullptr;
  // No search upwards: a mistyped path is not answered by a repository around it.
  if (git_repository_open_ext(&repository, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr) !=
      0) {
    return GitFailure("`" + path + "` is no git repository");
  }
  return GitOwned<git_repository>(repository);
}

bool IsPolicyFile(const std::string& name) {
  return name.ends_with(".weft") || name.ends_with(".yaml") || name.ends_with(".yml");
}

class Exporter {
 public:
  explicit Exporter(git_repository* repository) : repository_(repository) {}

  Status Write(const git_tree* tree, const fs::path& directory, const std::string& shown,
               int depth) {
    if (depth > kMaxDepth) return Error{"`" + shown + "` is nested too deep"};
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) return Error{"`" + directory.string() + "`: " + error.message()};
    for (std::size_t i = 0; i < git_tree_entrycount(tree); ++i) {
      const Status written = WriteEntry(git_tree_entry_byindex(tree, i), directory, shown, depth);
      if (!written.ok()) return written;
    }
    return Unit{};
  }

 private:
  Status WriteEntry(const git_tree_entry* entry, const fs::path& directory,
                    const std::string& shown, int depth) {
    const std::string name = git_tree_entry_name(entry);
    // Hidden names hold no policy; `..` and paths cannot be in a sound tree, but nothing is written
    // by the word of one that is not.
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) return Unit{};
    const git_filemode_t mode = git_tree_entry_filemode(entry);
    if (mode == GIT_FILEMODE_TREE) {
      git_tree* tree = nullptr;
      if (git_tree_lookup(&tree, repository_, git_tree_entry_id(entry)) != 0) {
        return GitFailure("`" + shown + name + "`");
      }
      return Write(GitOwned<git_tree>(tree).get(), directory / name, shown + name + "/", depth + 1);
    }
    if (!IsPolicyFile(name)) return Unit{};
    if (mode == GIT_FILEMODE_LINK) {
      return Error{"`" + shown + name + "` is a symbolic link: policy is read from files"};
    }
    if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE) return Unit{};
    return WriteBlob(git_tree_entry_id(entry), directory / name, shown + name);
  }

  Status WriteBlob(const git_oid* id, const fs::path& path, const std::string& shown) {
    git_blob* found = nullptr;
    if (git_blob_lookup(&found, repository_, id) != 0) return GitFailure("`" + shown + "`");
    const GitOwned<git_blob> blob(found);
    bytes_ += static_cast<std::uint64_t>(git_blob_rawsize(blob.get()));
    if (++files_ > kMaxFiles || bytes_ > kMaxBytes) {
      return Error{"it holds more than 20,000 policy files, or more than 64 MiB of them"};
    }
    std::ofstream file(path, std::ios::binary);
    file.write(static_cast<const char*>(git_blob_rawcontent(blob.get())),
               static_cast<std::streamsize>(git_blob_rawsize(blob.get())));
    if (!file.flush()) return Error{"`" + path.string() + "` cannot be written"};
    return Unit{};
  }

  git_repository* repository_;
  std::size_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

// By a temporary name, so that a directory of that name is always whole.
Status ExportTo(git_repository* repository, const git_tree* tree, const fs::path& target) {
  const fs::path temporary = target.parent_path() / ("." + target.filename().string());
  std::error_code error;
  fs::remove_all(temporary, error);
  const Status written = Exporter(repository).Write(tree, temporary, "", 0);
  if (written.ok()) fs::rename(temporary, target, error);
  if (written.ok() && !error) return Unit{};
  const Error why = written.ok() ? Error{"`" + target.string() + "`: " + error.message()}
                                 : Error{written.error()};
  fs::remove_all(temporary, error);
  return why;
}

}  // namespace

Result<GitRef> ParseGitRef(const std::string& text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    return Error{"`" + text + "` is not REPO@REF"};
  }
  GitRef ref{text.substr(0, at), text.substr(at + 1)};
  if (text.find("://") != std::string::npos) {
    return Error{
        "`" + text +
        "` is on the network: keep a clone (`git clone --mirror`, `git fetch`) and name it"};
  }
  return ref;
}

Result<GitTree> ExportTree(const GitRef& ref, const std::string& scratch) {
  const GitLibrary library;
  const Result<GitOwned<git_repository>> repository = OpenRepository(ref.repository);
  if (!repository.ok()) return Error{repository.error()};
  git_repository* repo = repository.value().get();
  git_object* found = nullptr;
  if (git_revparse_single(&found, repo, ref.ref.c_str()) != 0) {
    return GitFailure("`" + ref.repository + "` has no `" + ref.ref + "`");
  }
  GitOwned<git_object> object(found);
  git_object* peeled = nullptr;  // an annotated tag stands for its commit
  if (git_object_peel(&peeled, object.get(), GIT_OBJECT_COMMIT) == 0) object.reset(peeled);
  git_object* top = nullptr;
  if (git_object_peel(&top, object.get(), GIT_OBJECT_TREE) != 0) {
    return Error{"`" + ref.ref + "` of `" + ref.repository +
                 "` is neither a commit nor a directory"};
  }
  const GitOwned<git_object> tree(top);
  GitTree result{HexOf(git_object_id(object.get())),
                 scratch + "/" + HexOf(git_object_id(tree.get()))};
  std::error_code error;
  if (fs::is_directory(result.directory, error)) return result;
  const Status exported =
      ExportTo(repo, reinterpret_cast<const git_tree*>(tree.get()), result.directory);
  if (!exported.ok()) return Error{exported.error()};
  return result;
}

std::string RefsDirectory(const GitRef& ref) {
  const GitLibrary library;
  const Result<GitOwned<git_repository>> repository = OpenRepository(ref.repository);
  return repository.ok() ? std::string(git_repository_commondir(repository.value().get())) + "refs"
                         : "";
}

}  // namespace weft::relay
