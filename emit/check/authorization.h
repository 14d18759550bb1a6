// What AuthorizationPolicies make of a call at the proxy they apply to. The whole of the resource:
// ALLOW, DENY, AUDIT and CUSTOM, dry runs, every attribute, HTTP and TCP filter chains.
//
// security.istio.io/v1 AuthorizationPolicy; what istiod makes of it is pilot/pkg/security/authz,
// and what the proxy does with that is Envoy's RBAC filter.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "emit/check/objects.h"
#include "engine/ids.h"

namespace weft::emit::check {

// A call as the filters of the called proxy see it.
struct Call {
  bool http = true;  // false: a TCP filter chain, which sees no field of HTTP and no token
  std::string peer;  // URI of the client's certificate, `spiffe://…`; "" = none was presented
  std::string source_ip, remote_ip, destination_ip;
  std::uint16_t port = 0;  // the one the proxy's workload listens on
  std::string sni;
  std::string host, method, path;                  // `path` may have a query
  std::map<std::string, std::string> headers;      // names in lower case
  std::vector<nlohmann::json> tokens;              // payloads of the valid tokens
  std::map<std::string, nlohmann::json> metadata;  // of other filters, by the filter's name
};

// An external authorizer that the mesh configuration defines.
struct Provider {
  bool usable = true;               // false: its definition is broken
  bool tcp = true;                  // false: it speaks HTTP and cannot be asked about TCP
  engine::AuthorizerId authorizer;  // which one of the world it is
  bool open = false;                // lets pass when it does not answer
};

struct AuthorizationContext {
  std::vector<std::string> trust_domains;     // the mesh's own first, then its aliases
  std::map<std::string, Provider> providers;  // by name, for CUSTOM
};

struct Verdict {
  enum class Kind { kAllowed, kDenied, kNotAllowed };
  Kind kind = Kind::kAllowed;
  bool audited = false;
  std::set<std::string> asked;  // providers that are asked; they may still refuse
  bool dry_denied = false;      // a dry run of DENY would refuse
  bool dry_allowed = false;     // a dry run of ALLOW would let in
  bool operator==(const Verdict&) const = default;
};

// `policies` are those that apply to the workload, in any order. Fields and values that istiod
// cannot use on the chain are treated as it treats them: an ALLOW rule is dropped whole, any other
// rule goes on without them.
[[nodiscard]] Verdict Authorize(const std::vector<const IstioObject*>& policies, const Call& call,
                                const AuthorizationContext& context);

}  // namespace weft::emit::check
