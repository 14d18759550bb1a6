// What both readers of repositories need of libgit2; internal to relay/files/.
#pragma once

#include <git2.h>

#include <memory>

namespace weft::relay {

struct FreeGit {
  void operator()(git_repository* p) const { git_repository_free(p); }
  void operator()(git_object* p) const { git_object_free(p); }
  void operator()(git_tree* p) const { git_tree_free(p); }
  void operator()(git_tree_entry* p) const { git_tree_entry_free(p); }
  void operator()(git_blob* p) const { git_blob_free(p); }
};
template <typename T>
using GitOwned = std::unique_ptr<T, FreeGit>;

// Lives while the library is used; the library counts its users.
class GitLibrary {
 public:
  GitLibrary() { git_libgit2_init(); }
  ~GitLibrary() { git_libgit2_shutdown(); }
  GitLibrary(const GitLibrary&) = delete;
  GitLibrary& operator=(const GitLibrary&) = delete;
};

}  // namespace weft::relay
