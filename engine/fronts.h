// Services that stand in front of a gateway: whoever calls one is at the gateway.
#pragma once

#include "engine/model.h"

namespace weft::engine {

// The gateway whose pods all of the service's are in its cluster; none when there is no such one.
// What such a service lets in is what the gateway does: its guard is a copy of the gateway's.
[[nodiscard]] GatewayId GatewayBehind(const Model& model, const ServiceInstance& instance);

// The guard is such a copy: what is to be said of it is said of the gateway's.
[[nodiscard]] bool StandsBeforeGateway(const Model& model, const Guard& guard);

// The service takes what external services are sent through the gateway behind it.
[[nodiscard]] bool IsWayOut(const Model& model, const External& external, const Service& service);

}  // namespace weft::engine
