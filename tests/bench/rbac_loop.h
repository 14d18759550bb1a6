// A linear scan with the meaning of Envoy's RBAC filter, re-implemented here as a yardstick.
#pragma once

#include <string>
#include <vector>

#include "engine/request.h"

namespace weft::bench {

// All access rules of a mesh in one list, each with the host it is for, tried in order: denials,
// then allowances, as envoy.extensions.filters.http.rbac.v3 does with its policies. Tokens, routes
// and mTLS modes are left out.
class LinearRbac {
 public:
  explicit LinearRbac(const engine::Model& model);  // which must outlive it
  [[nodiscard]] bool Allows(const engine::Request& request) const;

 private:
  struct Policy {
    std::string host;  // name.namespace
    const engine::AccessRule* rule;
  };
  [[nodiscard]] bool AnyHolds(const std::vector<Policy>& policies,
                              const engine::Request& request) const;

  const engine::Model& model_;
  std::vector<Policy> deny_;
  std::vector<Policy> allow_;
};

}  // namespace weft::bench
