// Lines of an access log as Istio has Envoy write them: the default text format, or its JSON
// encoding (istio.io, "Envoy Access Logs", meshConfig.accessLogFormat and accessLogEncoding).
#pragma once

#include <cstdint>
#include <string>

#include "dsl/result.h"

namespace weft::cli {

struct LogEntry {
  std::string method, path;  // "" for connections that are not HTTP
  std::string authority;     // as sent, perhaps with a port
  std::int64_t status = 0;   // 0: no answer
  std::string flags;         // response flags, "" for none
  std::string details;       // why Envoy answered: "via_upstream", "rbac_access_denied_..."
  std::string user_agent;
  std::string caller_address;  // of the connection, without port
  std::string upstream;        // Envoy cluster: "outbound|9080|v1|reviews.web.svc.cluster.local"
  std::string server_name;     // SNI: "outbound_.9080_._.reviews.web.svc.cluster.local"
};

// The error says what was expected.
[[nodiscard]] Result<LogEntry> ParseLogLine(const std::string& line);

// Whether a proxy refused the request, rather than the service behind it.
[[nodiscard]] bool RefusedByProxy(const LogEntry& entry);

// The AuthorizationPolicy that Envoy names as having matched, as in
// "rbac_access_denied_matched_policy[ns[web]-policy[cart-deny]-rule[0]]".
struct MatchedPolicy {
  std::string ns, name;  // "" when none is named
};
[[nodiscard]] MatchedPolicy PolicyOf(const LogEntry& entry);

// Host and port the request was for: from the SNI, the Envoy cluster, or the authority. "" when the
// line does not say.
[[nodiscard]] std::string TargetOf(const LogEntry& entry);

}  // namespace weft::cli
