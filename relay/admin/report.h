// The server's status as JSON and as metrics.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "relay/core/server.h"

namespace weft::relay {

struct Surroundings {
  std::string policy_source;
  std::string policy_revision;  // commit of the newest; "" = not out of git
  std::map<std::string, std::int64_t> certificate_expires;  // by cluster, seconds since 1970
};

// `weft status -o json`; formatVersion 1.
[[nodiscard]] std::string StatusJson(const server::Status& status, const Surroundings& around);
// One part of it: "findings", "holds" of all clusters with their cluster, "rings", "clusters", or
// "clusters/NAME"; nothing for anything else.
[[nodiscard]] std::optional<std::string> StatusPart(const server::Status& status,
                                                    const Surroundings& around,
                                                    const std::string& part);
// Prometheus text format 0.0.4.
[[nodiscard]] std::string Metrics(const server::Status& status, const Surroundings& around);

}  // namespace weft::relay
