// Random AuthorizationPolicies, for asking istiod what it makes of them.
#pragma once

#include <random>
#include <string>

namespace weft::conformance {

// A case in the format of cases/istio-authz/README.md, without its filters: settings and one to
// four policies. Values are those an admission webhook would take and some that it would not.
[[nodiscard]] std::string RandomCase(std::mt19937_64& random);

}  // namespace weft::conformance
