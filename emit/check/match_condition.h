// Matches of VirtualServices as conditions over requests, for proofs.
#pragma once

#include <optional>
#include <string>

#include "dsl/yaml.h"
#include "emit/check/client.h"
#include "engine/condition.h"

namespace weft::emit::check {

// Predicates that are decided when the route is built for a proxy: gateway, port, namespace and
// labels of the client.
[[nodiscard]] bool FitsPlace(const yaml::Node& match, const Client& client, std::uint16_t port);

// Requests an entry of `http[].match` fits at a place that it fits; nullopt: conditions have no
// words for a part of it, which `unsaid` names.
[[nodiscard]] std::optional<engine::Condition> HttpCondition(const yaml::Node& match,
                                                             std::string& unsaid);

// The same of `tls[].match` and `tcp[].match`.
[[nodiscard]] std::optional<engine::Condition> RawCondition(const yaml::Node& match,
                                                            std::string& unsaid);

// The pattern of a host of a Gateway or VirtualService: "*", "*.b" or a name.
[[nodiscard]] Pattern HostPattern(const std::string& host);

// istio/api networking/v1 StringMatch; nullopt when it says nothing.
[[nodiscard]] std::optional<Pattern> StringPattern(const yaml::Node& match);

}  // namespace weft::emit::check
