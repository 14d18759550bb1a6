// The client's side: which hosts a proxy knows, endpoints of a host, DestinationRules.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emit/check/interpret.h"
#include "emit/check/server.h"

namespace weft::emit::check {

// A host of the registry as one cluster's proxies see it.
struct Host {
  std::string name;                                  // FQDN or the host of a ServiceEntry
  const engine::ServiceInstance* service = nullptr;  // a Kubernetes service
  std::string service_ns;
  const IstioObject* entry = nullptr;  // a ServiceEntry
};

// What `host` names for a client in `ns`; nullopt = not in the registry, or not visible to it.
[[nodiscard]] std::optional<Host> FindHost(const Mesh& mesh, engine::ClusterId cluster,
                                           const std::string& ns, const std::string& host);
// Host by its full name, as routes name destinations.
[[nodiscard]] std::optional<Host> HostNamed(const Mesh& mesh, engine::ClusterId cluster,
                                            const std::string& name);
// Sidecars of clients in `ns` listen for HTTP on the port: they know a host that has it.
[[nodiscard]] bool ListensForHttp(const Mesh& mesh, engine::ClusterId cluster,
                                  const std::string& ns, std::uint16_t port);
[[nodiscard]] bool HasPort(const Host& host, std::uint16_t port);

// Hosts that have an address without the mesh.
[[nodiscard]] bool LiesOutside(const Host& host);

// Who sends: the caller's sidecar, or a gateway.
struct Client {
  engine::ClusterId cluster;
  std::string ns;
  engine::Labels labels;
  engine::Locality locality;
  std::optional<engine::Identity> identity;
  std::string gateway = "mesh";  // "ns/name" of the gateway it is
};

// The client's proxy sends to nothing that is not in its registry; others pass it on.
[[nodiscard]] bool RegistryOnly(const Mesh& mesh, const Client& client);

// A gateway behind a destination, which routes the request on: what it sees of the client.
struct Entrance {
  const IstioObject* gateway = nullptr;  // nullptr: the destination is no gateway
  engine::WorkloadId pod;
  std::uint16_t port = 0;  // of its Service
  bool tls = false;
  std::string sni;
  std::optional<engine::Identity> peer;
};

// Sends the request (as the route left it) to a destination {host, subset, port}. With `entrance`,
// a gateway that has a server there is not asked: `entrance` says which one is to go on.
[[nodiscard]] Decision::Share Send(const Mesh& mesh, const Client& client, const std::string& host,
                                   const std::string& subset, std::uint16_t port,
                                   const engine::Request& request, Entrance* entrance = nullptr);

// Full names that `host` may stand for to a client in `ns`, as Kubernetes DNS completes it; in the
// order they are tried.
[[nodiscard]] std::vector<std::string> FullNames(const Mesh& mesh, engine::ClusterId cluster,
                                                 const std::string& ns, const std::string& host);

// The Sidecar lets the workloads of its namespace know the host, which is of `host_ns`.
[[nodiscard]] bool Admits(const IstioObject& sidecar, const Host& host, const std::string& host_ns);

// The port a route's destination means to the client that was asked for `asked`.
[[nodiscard]] std::uint16_t PortOf(const std::optional<Host>& host, const yaml::Node& destination,
                                   std::uint16_t asked);

// exportTo of an object of `ns` admits clients of `client_ns`.
[[nodiscard]] bool Exported(const IstioObject& object, const std::string& client_ns);

}  // namespace weft::emit::check
