// Filters of route items, as settings of a route and as the filters they need in the proxy.
#pragma once

#include <map>
#include <string>

#include "emit/istio/emitter.h"

namespace weft::emit::istio {

// Adds what `csrf`, `body at most` and `lua` of a rule say to typed_per_filter_config.
void AddContentFilters(Emitter& e, const engine::RouteRule& rule, Value& per_filter);

// The HTTP filters, without effect of their own, that routes with such settings need, by name.
[[nodiscard]] std::map<std::string, Value> BaseFilters(const Value& per_filter);

// `lua` of servers and gateways, settings of listeners, access logs, adaptive concurrency and
// health checks.
void EmitFilters(Emitter& e);

}  // namespace weft::emit::istio
