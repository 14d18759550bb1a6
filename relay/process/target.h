// Where an agent puts what is released: a directory, a cluster by its API server, or the istiods
// that ask for it.
#pragma once

#include <memory>
#include <string>

#include "dsl/result.h"
#include "relay/core/agent.h"

namespace weft::relay {

// For one thread; every call may block.
class Target {
 public:
  virtual ~Target() = default;
  // What is there when the agent starts; `wanted` is last known good, null when there is none.
  [[nodiscard]] virtual agent::TargetRead Read(const SnapshotPtr& wanted,
                                               const std::set<ObjectKey>& leaving) = 0;
  [[nodiscard]] virtual agent::TargetWritten Write(const agent::WriteTarget& action) = 0;
  [[nodiscard]] virtual agent::Tried Try(const agent::TryTarget& action) = 0;
  // Whether it is written object by object or kind by kind: then the order of the steps matters,
  // and each object can be refused.
  [[nodiscard]] virtual bool IsPiecemeal() const = 0;
};

// Serves istiods over MCP at `address`, host:port on loopback. Read waits up to 3 s for them.
[[nodiscard]] Result<std::unique_ptr<Target>> OpenMcpTarget(const std::string& address);

// Keeps one file, `directory`/weft.yaml, replaced at once. The directory is made.
[[nodiscard]] Result<std::unique_ptr<Target>> OpenDirectoryTarget(const std::string& directory);

// `kubeconfig` and `context` as in kube::FindAccess.
[[nodiscard]] Result<std::unique_ptr<Target>> OpenClusterTarget(const std::string& kubeconfig,
                                                                const std::string& context);

}  // namespace weft::relay
