// Shared state of a translation; internal to cli/import_istio. Each `Say…` takes one object and
// either says all of it in the draft or gives the reason why it cannot.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/import_istio/translate.h"
#include "dsl/yaml.h"

namespace weft::cli::istio {

// "" when the object is said.
using Reason = std::string;

// (namespace, name).
using Key = std::pair<std::string, std::string>;

struct Draft {
  const World& world;
  std::map<Key, dsl::ServiceDecl> services{};              // those something is said of
  std::map<Key, dsl::AccessDecl> accesses{};               // by the service or gateway they are for
  std::map<Key, std::size_t> gateways{};                   // in program.gateways
  std::map<std::string, std::size_t> externals{};          // by host, in program.externals
  std::map<std::string, dsl::WorkspaceDecl> workspaces{};  // by namespace
  std::map<std::string, std::pair<std::string, Key>> issuers{};  // jwt and object by issuer
  std::set<std::pair<std::string, std::string>> routed{};        // (host, place) that have a table
  std::set<Key> ruled{};                                         // services with a DestinationRule
  dsl::MeshDecl mesh{};
  dsl::Program program{};

  [[nodiscard]] const engine::KubeService* FindService(const Key& key) const;
  // The service whose pods exactly these labels select.
  [[nodiscard]] const engine::KubeService* ServiceOf(const std::string& ns,
                                                     const yaml::Node* labels) const;
  [[nodiscard]] std::optional<Key> GatewayOf(const std::string& ns, const yaml::Node* labels) const;
  dsl::ServiceDecl& Declare(const Key& key);
  dsl::WorkspaceDecl& WorkspaceOf(const std::string& ns);
  // The service that a host means for an object of the namespace; the full name, or a short one.
  [[nodiscard]] std::optional<Key> HostAsService(const std::string& host,
                                                 const std::string& ns) const;
};

// A name of Kubernetes as one of weft.
[[nodiscard]] std::string WordOf(const std::string& name);
[[nodiscard]] dsl::Header HeaderFor(const std::string& name, const std::string& ns);
[[nodiscard]] dsl::QName Qualified(const Key& service);  // `"reviews.web"`
[[nodiscard]] dsl::Str Text(std::string value);
// The first field of the mapping that is not among `known`; "" when there is none.
[[nodiscard]] std::string Beyond(const yaml::Node* node, const std::vector<std::string>& known);
[[nodiscard]] std::optional<dsl::Duration> DurationAt(const yaml::Node& node,
                                                      std::string_view field);
[[nodiscard]] dsl::Condition Holds(dsl::Matcher matcher);
// One of them alone, else all (any) of them.
[[nodiscard]] dsl::Condition AllOf(std::vector<dsl::Condition> parts);
[[nodiscard]] dsl::Condition AnyOf(std::vector<dsl::Condition> parts);
[[nodiscard]] dsl::Condition NotThat(dsl::Condition part);

Reason SayPeerAuthentication(Draft& draft, const Object& object);
Reason SayRequestAuthentication(Draft& draft, const Object& object);
Reason SayAuthorizationPolicy(Draft& draft, const Object& object);
Reason SayGateway(Draft& draft, const Object& object);
Reason SayServiceEntry(Draft& draft, const Object& object);
Reason SayDestinationRule(Draft& draft, const Object& object);
Reason SayVirtualService(Draft& draft, const Object& object);

}  // namespace weft::cli::istio
