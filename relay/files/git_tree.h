// Files as a git revision has them, read from the repository without a checkout.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/result.h"
#include "relay/compile/tree.h"

namespace weft::relay {

struct RevisionPaths {
  std::vector<std::string> paths;   // files and directories that are read at the revision
  std::vector<std::string> shared;  // read at the revision if it has them, else from the disk
};

// `revision` is anything git takes for a commit. Of the paths, which are seen from the working
// directory, the policy and inventory files of the revision are read (.weft, .yaml, .yml, .json);
// links are left out. What lies outside of the repository is read from the disk. Errors: no
// repository with a working tree, no such revision, content that is missing.
[[nodiscard]] Result<std::unique_ptr<const Tree>> ReadRevision(const std::string& revision,
                                                               const RevisionPaths& paths);

}  // namespace weft::relay
