// Rules of an AuthorizationPolicy, for the other emitters that need them.
#pragma once

#include <vector>

#include "emit/istio/emitter.h"

namespace weft::emit::istio {

// The rules that say what an access rule does on the HTTP ports of the server; an unconditional one
// at a server with HTTP ports only is `{}`. Reports what Istio cannot say.
[[nodiscard]] std::vector<Value> WriteHttpRule(Emitter& e, const engine::AccessRule& rule,
                                               const Attachment& attachment);

}  // namespace weft::emit::istio
