// The pipeline, as the server runs it: policy files and what the clusters reported in, a candidate
// for release out.
#pragma once

#include <map>
#include <string>

#include "dsl/result.h"
#include "relay/core/server.h"

namespace weft::relay {

// Digest of the policy files below `directory`. Errors: it cannot be read, or holds no policy; both
// mean that the source is broken, not that the policy is empty.
[[nodiscard]] Result<std::string> PolicyDigest(const std::string& directory);

// Reads, types, lowers, proves and emits. While a declared cluster has not reported, the verdict is
// undecided and a finding (W6001) names the cluster.
[[nodiscard]] server::Candidate MakeCandidate(const std::string& directory,
                                              const server::Compile& compile);

}  // namespace weft::relay
