// Where an agent learns what runs: a directory of manifests, or a cluster by its API server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dsl/result.h"
#include "relay/core/agent.h"

namespace weft::relay {

class Source {
 public:
  virtual ~Source() = default;
  // Tells what is there, and again whenever that may have changed, until Stop is called. Blocks.
  virtual void Run(const std::function<void(agent::Discovered)>& tell) = 0;
  virtual void Stop() = 0;  // thread-safe
};

[[nodiscard]] std::unique_ptr<Source> OpenDirectorySource(const std::string& directory);

// `kubeconfig` and `context` as in kube::FindAccess.
[[nodiscard]] Result<std::unique_ptr<Source>> OpenClusterSource(const std::string& kubeconfig,
                                                                const std::string& context);

}  // namespace weft::relay
