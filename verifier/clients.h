// The discovered workloads as callers, by who they are. Internal to verifier/.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "engine/model.h"
#include "engine/request.h"

namespace weft::verifier {

// Not thread-safe: keeps what it found out.
class Clients {
 public:
  explicit Clients(const engine::Model& model);

  // Every workload, but one for each place, namespace and name.
  [[nodiscard]] const std::vector<engine::WorkloadId>& all() const { return all_; }

  // Those of them that something may let in to the target by the sidecars' routes: everyone but
  // those whom no rule of a closed server admits, whatever else they send. In the order of all().
  // `identified`: they say who they are where they have a sidecar.
  [[nodiscard]] std::vector<engine::WorkloadId> MayReach(const engine::TargetRef& target,
                                                         const std::string& host,
                                                         bool identified) const;

  // Who the workload is to servers under mTLS; nullopt without a sidecar.
  [[nodiscard]] std::optional<engine::Identity> IdentityOf(engine::WorkloadId id) const;

 private:
  const engine::Model& model_;
  std::vector<engine::WorkloadId> all_;
  std::map<std::optional<engine::Identity>, std::vector<engine::WorkloadId>> by_identity_;
};

}  // namespace weft::verifier
