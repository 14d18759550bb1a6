// Evaluator of Envoy's authorization filters as istiod writes them: RBAC (HTTP and network) and
// ext_authz, in the JSON form of their messages.
//
// envoy/config/rbac/v3/rbac.proto, envoy/type/matcher/v3, envoy/config/route/v3 HeaderMatcher.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "dsl/yaml.h"
#include "emit/check/authorization.h"

namespace weft::conformance {

// A field or matcher the evaluator does not know: nothing can be said about the call.
class Unknown : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What the filters, in the order of their chain, make of the call. Every filter is asked, also
// those behind a refusal. Throws Unknown.
[[nodiscard]] emit::check::Verdict Evaluate(const std::vector<yaml::Node>& filters,
                                            const emit::check::Call& call);

}  // namespace weft::conformance
