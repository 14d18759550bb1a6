#include "tests/bench/rbac_loop.h"

#include <algorithm>

namespace weft::bench {

LinearRbac::LinearRbac(const engine::Model& model) : model_(model) {
  for (const engine::Guard& guard : model.guards) {
    const auto* service = std::get_if<engine::ServiceId>(&guard.target);
    if (service == nullptr || guard.cluster != engine::ClusterId{0}) continue;
    const std::string host = model[*service].name + "." + model[*service].ns;
    for (const engine::AccessRuleId id : guard.deny) deny_.push_back({host, &model[id]});
    for (const engine::AccessRuleId id : guard.allow) allow_.push_back({host, &model[id]});
  }
}

bool LinearRbac::AnyHolds(const std::vector<Policy>& policies,
                          const engine::Request& request) const {
  std::optional<engine::Identity> peer = request.identity;
  if (!peer && !request.plaintext && !request.source.IsNone()) {
    const engine::Workload& workload = model_[request.source];
    peer = engine::Identity{model_[workload.cluster].trust_domain, workload.ns, workload.account};
  }
  return std::any_of(policies.begin(), policies.end(), [&](const Policy& policy) {
    return request.host.starts_with(policy.host) &&
           (policy.rule->callers.empty() || engine::Admits(policy.rule->callers, peer)) &&
           engine::Holds(model_, policy.rule->when, request, peer);
  });
}

bool LinearRbac::Allows(const engine::Request& request) const {
  return !AnyHolds(deny_, request) && AnyHolds(allow_, request);
}

}  // namespace weft::bench
