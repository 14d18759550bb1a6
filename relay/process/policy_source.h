// Where the server reads its policy: a directory, or a ref of a git repository.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dsl/result.h"

namespace weft::relay {

struct PolicyRevision {
  std::string directory;  // its files; stays until the second Read after this one
  std::string digest;     // of what they say
  std::string revision;   // the commit; "" for a directory
};

// One thread reads and waits; only Interrupt may come from another.
class PolicySource {
 public:
  virtual ~PolicySource() = default;
  // The newest policy. An error means that the source is broken, not that the policy is empty.
  [[nodiscard]] virtual Result<PolicyRevision> Read() = 0;
  // Until something may have changed, for a few seconds at most.
  virtual void Wait() = 0;
  virtual void Interrupt() = 0;
};

// `policy` is DIR or REPO@REF; a directory of that very name is a directory. What a ref leads to is
// kept below `scratch`, which is made. Errors: neither of them.
[[nodiscard]] Result<std::unique_ptr<PolicySource>> OpenPolicy(const std::string& policy,
                                                               const std::string& scratch);

}  // namespace weft::relay
