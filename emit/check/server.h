// The server's side: PeerAuthentication, RequestAuthentication, AuthorizationPolicy, EnvoyFilter.
#pragma once

#include <optional>
#include <string>

#include "emit/check/interpret.h"

namespace weft::emit::check {

struct Refusal {
  std::string stage;
  int status = 0;
};

struct Proxy {  // whose policies apply
  engine::ClusterId cluster;
  std::string ns;
  engine::Labels labels;
  bool gateway = false;
  std::string route;  // name of the route a gateway has chosen; "" = none or unnamed
};

// Whether the workload's proxy lets the request in on `port`, a port of the workload. `peer` is the
// identity of the client's certificate.
[[nodiscard]] std::optional<Refusal> AskProxy(const Mesh& mesh, const Proxy& proxy,
                                              const engine::Request& request,
                                              std::optional<engine::Identity> peer,
                                              std::uint16_t port);

// Objects of one kind in a cluster.
[[nodiscard]] std::vector<const IstioObject*> OfKind(const Mesh& mesh, engine::ClusterId cluster,
                                                     std::string_view kind);

// `matchLabels` of a selector are all among the labels; true when there is no selector.
[[nodiscard]] bool SelectorFits(const IstioObject& object, const engine::Labels& labels);

}  // namespace weft::emit::check
