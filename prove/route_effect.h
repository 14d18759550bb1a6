// What a rule of the policy does, in the words in which the objects' side says it.
#pragma once

#include <vector>

#include "emit/check/route_decisions.h"
#include "engine/delivery.h"
#include "engine/model.h"
#include "engine/request.h"

namespace weft::prove {

// The rule as choices in the order they are tried: where it rewrites the path, one for each part
// that may be replaced. `base` is what the place's requests have in common.
[[nodiscard]] std::vector<emit::check::RouteChoice> ChoicesOf(const engine::Model& model,
                                                              engine::ClusterId cluster,
                                                              const engine::Request& base,
                                                              const engine::RouteRule& rule);

// "cart.web.svc.cluster.local", the host by which proxies know the target.
[[nodiscard]] std::string HostOf(const engine::Model& model, engine::ClusterId cluster,
                                 const engine::TargetRef& target);

}  // namespace weft::prove
