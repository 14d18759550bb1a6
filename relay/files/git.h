// Policy in a git repository: what a ref leads to, without a checkout of the user's own.
#pragma once

#include <string>

#include "dsl/result.h"

namespace weft::relay {

struct GitRef {
  std::string repository;  // a working copy, its .git, or a bare repository
  std::string ref;         // as git reads it: a branch, a tag, a commit, `main:policies`
};

// "REPO@REF", cut at the last `@`. Errors: a part is missing, or REPO is an address on the network.
[[nodiscard]] Result<GitRef> ParseGitRef(const std::string& text);

struct GitTree {
  std::string revision;   // of the commit, or of the tree when the ref names one; hexadecimal
  std::string directory;  // holds its policy files
};

// Writes the policy files (`.weft`, `.yaml`, `.yml`) that `ref` leads to below `scratch`, in a
// directory named after the tree, unless it is there already. Errors: no repository or no such ref,
// a symbolic link in the place of a policy file, more than 20,000 files, 64 MiB or 32 levels.
[[nodiscard]] Result<GitTree> ExportTree(const GitRef& ref, const std::string& scratch);

// Where the repository keeps its refs, so that a change of one can be waited for; "" when there is
// no repository.
[[nodiscard]] std::string RefsDirectory(const GitRef& ref);

}  // namespace weft::relay
