// Questions over all requests: who gets into a service, and where a caller gets.
#pragma once

#include <vector>

#include "engine/model.h"
#include "engine/request.h"
#include "verifier/space.h"

namespace weft::verifier {

struct Reach {
  engine::TargetRef target;
  engine::ClusterId cluster;  // of the service; of the caller for destinations and externals
  std::uint16_t port = 0;
  Candidate caller;
  bool always = false;      // every request is let in; else only some
  bool undecided = false;   // could not be told
  engine::Request example;  // one that is let in
};

// Every caller some request of which the service lets in, for each port and cluster, in the
// order of cluster, port and caller.
[[nodiscard]] std::vector<Reach> WhoCan(const engine::Model& model, engine::ServiceId service);

// Every service that lets in some request of the caller; then every destination one of whose
// servers does, and every external service the caller's proxy, and the egress gateway before it,
// let it out to.
[[nodiscard]] std::vector<Reach> CanReach(const engine::Model& model, const Candidate& caller);

}  // namespace weft::verifier
