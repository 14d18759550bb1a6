// What the routes of a place do with every request, as a list of conditions that proofs can
// compare: the interpreter (interpret.h) says it of one request.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "emit/check/decisions.h"
#include "emit/check/registry.h"

namespace weft::emit::check {

// The path servers see.
struct PathChange {
  enum class Kind {
    kNone,
    kWhole,   // is `to`
    kPrefix,  // `from` at its beginning becomes `to`
    kRegex    // every match of `from` becomes `to`
  };
  Kind kind = Kind::kNone;
  std::string from, to;
  auto operator<=>(const PathChange&) const = default;
};
// The change as the one of all that do the same that has the shortest prefix.
[[nodiscard]] PathChange Shortest(PathChange change);
[[nodiscard]] std::string Changed(const PathChange& change, const std::string& path);

// What becomes of a request, each aspect by its name in words that say it fully: `to`, `answer`,
// `timeout`, `retries`, `delay`, `abort`, `mirrors`, `headers`, `cors`, `host`. An aspect that is
// not there is as Istio has it by default.
struct RouteEffect {
  std::map<std::string, std::string> aspects;
  PathChange path;
  auto operator<=>(const RouteEffect&) const = default;
};

struct RouteChoice {
  engine::Condition when;
  RouteEffect effect;
  const IstioObject* object = nullptr;
  Span span;
};

// Choices in the order they are tried; the last takes every request.
struct RouteDecision {
  std::vector<RouteChoice> choices;
  std::vector<Unsaid> unsaid;
};

// A request's way, but for what its choices say.
struct RoutePlaceOf {
  engine::Layer layer = engine::Layer::kHttp;
  std::string host;  // as called; a name that stands for all others the cell is about
  std::uint16_t port = 0;
};

// Words for aspects, which the policy's side has to use, too.
[[nodiscard]] std::string ShareText(const std::string& host, const std::string& subset,
                                    std::uint16_t port);
[[nodiscard]] std::string SharesText(const std::map<std::string, double>& shares);
[[nodiscard]] RouteEffect Answer(const std::string& text);  // of the proxy itself
// Where requests go that no route is about.
[[nodiscard]] RouteEffect ToHost(const std::string& host, std::uint16_t port);

class Routes {
 public:
  Routes(const Mesh& mesh, const ObjectIndex& index, const Registry& registry);

  // At the sidecar of a client.
  [[nodiscard]] RouteDecision AtSidecar(const Client& client, const RoutePlaceOf& place) const;
  // At the listener of the Gateway of this name in the client's namespace; `tls`: the client speaks
  // TLS.
  [[nodiscard]] RouteDecision AtGateway(const Client& client, const std::string& name, bool tls,
                                        const RoutePlaceOf& place) const;

  // Hosts of the Gateway's servers and of the VirtualServices at it ("ns/name").
  [[nodiscard]] std::set<std::string> HostsAt(engine::ClusterId cluster,
                                              const std::string& gateway) const;
  // Some VirtualService for sidecars may be about the host.
  [[nodiscard]] bool IsClaimed(engine::ClusterId cluster, const std::string& host) const;
  // Some route is for clients with certain labels.
  [[nodiscard]] bool LooksAtLabels(engine::ClusterId cluster) const;

 private:
  struct Claim {
    std::string host;
    const IstioObject* object = nullptr;
  };
  using Claims = std::map<std::string, std::vector<Claim>>;  // by gateway: "mesh", "ns/name"

  [[nodiscard]] const IstioObject* ServiceFor(const Client& client, const std::string& host,
                                              RouteDecision& decision) const;
  void AddRoutes(const IstioObject& service, const Client& client, const RoutePlaceOf& place,
                 RouteDecision& decision) const;

  const Mesh& mesh_;
  const ObjectIndex& index_;
  const Registry& registry_;
  std::vector<Claims> claims_;  // by cluster
};

}  // namespace weft::emit::check
