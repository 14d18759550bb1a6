// Rules of an AuthorizationPolicy: istio/api security/v1beta1/authorization_policy.proto, Rule.
#pragma once

#include <vector>

#include "emit/istio/emitter.h"

namespace weft::emit::istio {

// The rules that say what an access rule does; none when it can never apply at the server. Reports
// what Istio cannot say.
[[nodiscard]] std::vector<Value> WriteRule(Emitter& e, const engine::AccessRule& rule,
                                           const Attachment& attachment);
// The same on the HTTP ports of the server; an unconditional one
// at a server with HTTP ports only is `{}`.
[[nodiscard]] std::vector<Value> WriteHttpRule(Emitter& e, const engine::AccessRule& rule,
                                               const Attachment& attachment);

}  // namespace weft::emit::istio
