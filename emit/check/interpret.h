// What a mesh with the given Istio objects does with a request, read from Istio's and Envoy's
// documented behaviour and from nothing weft believes about the policy. The second judge of the
// emitted configuration.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "emit/check/objects.h"
#include "engine/model.h"
#include "engine/request.h"

namespace weft::emit::check {

struct Decision {
  enum class Kind { kBlocked, kAnswered, kForwarded };
  Kind kind = Kind::kBlocked;
  std::string stage;  // kBlocked: hidden, no-route, mtls, authentication, denied, not-allowed, ...
  int status = 0;     // kBlocked, kAnswered
  std::string location;

  struct Share {
    double weight = 100;
    std::string host, subset;
    std::set<engine::ClusterId> clusters;  // of the endpoints preferred first
    bool blocked = false;
    std::string stage;
    int status = 0;
  };
  std::vector<Share> shares;  // kForwarded
  std::string path, host;     // kForwarded: as the servers see them
  [[nodiscard]] bool AllowedSomewhere() const;
};

// The mesh as proxies see it: what runs (clusters, workloads and services of the model, nothing
// else of it), and the Istio objects of each cluster.
struct Mesh {
  const engine::Model& world;
  std::map<std::string, std::vector<IstioObject>> objects;  // by cluster
  std::map<std::string, yaml::Node> config;                 // by cluster: a part of MeshConfig
};

[[nodiscard]] Decision Interpret(const Mesh& mesh, const engine::Request& request);

}  // namespace weft::emit::check
