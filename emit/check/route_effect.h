// What an HTTP route of a VirtualService does with the requests it takes.
#pragma once

#include "emit/check/route_decisions.h"

namespace weft::emit::check {

// A duration, "1.500s" or "2m", as "1500ms"; anything else as it is.
[[nodiscard]] std::string Milliseconds(const std::string& duration);

// `match` is the entry that fits; nullptr: the route has none.
[[nodiscard]] RouteEffect EffectOf(const yaml::Node& route, const yaml::Node* match,
                                   const Registry& registry, const Client& client,
                                   std::uint16_t port);
// The same of a TLS or TCP route.
[[nodiscard]] RouteEffect RawEffectOf(const yaml::Node& route, const Registry& registry,
                                      const Client& client, std::uint16_t port);

}  // namespace weft::emit::check
