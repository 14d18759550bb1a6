// The attributes of AuthorizationPolicies and how a value of each is compared with a call.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emit/check/authorization.h"

namespace weft::emit::check {

enum class Attribute {
  kHost,
  kMethod,
  kPath,
  kPort,
  kDestinationIp,
  kSni,
  kFilterMetadata,
  kSourceIp,
  kRemoteIp,
  kNamespace,
  kTrustDomain,
  kServiceAccount,
  kPrincipal,
  kRequestPrincipal,
  kAudience,
  kPresenter,
  kHeader,
  kClaim
};

// A demand of a rule: one of `values` (when there are any) and none of `not_values`.
struct Demand {
  Attribute attribute;
  std::string name;                // kHeader: the header; kFilterMetadata: the filter
  std::vector<std::string> steps;  // kClaim, kFilterMetadata: where the value is
  std::vector<std::string> values, not_values;
  bool malformed = false;  // its key cannot be read
};

// The demand of a `when` key, without values; nullopt for a key that does not exist.
[[nodiscard]] std::optional<Demand> DemandOf(const std::string& key);

// Whether istiod can make anything of the value on such a chain.
[[nodiscard]] bool Usable(const Demand& demand, const std::string& value, bool http);

// Whether the call's attribute is `value`. `ns` is the policy's namespace.
[[nodiscard]] bool Holds(const Demand& demand, const std::string& value, const Call& call,
                         const std::string& ns);

// Principals of a policy as the mesh's trust domains make them: one that names a trust domain of
// the mesh, or `cluster.local`, stands for each of them.
[[nodiscard]] std::vector<std::string> PrincipalsInMesh(
    const std::vector<std::string>& principals, const std::vector<std::string>& trust_domains);

// Trust domains of a policy: one of the mesh stands for all of the mesh.
[[nodiscard]] std::vector<std::string> TrustDomainsInMesh(
    const std::vector<std::string>& values, const std::vector<std::string>& trust_domains);

}  // namespace weft::emit::check
