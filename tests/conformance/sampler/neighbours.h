// The requests beside a request: those that differ in one part, by a value that some rule of the
// policy tells apart.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/model.h"
#include "engine/request.h"
#include "verifier/space.h"

namespace weft::lab {

// For every dimension of a request that rules look at, one value of each class that no rule splits
// (the atoms of the proofs).
struct Palette {
  std::vector<std::string> methods;
  std::vector<std::string> paths;
  std::vector<std::string> hosts;  // at gateways
  std::map<std::string, std::vector<std::string>> headers;
  std::map<std::string, std::vector<std::string>> queries;
  std::map<std::pair<engine::JwtId, std::string>, std::vector<std::string>> claims;
  std::vector<engine::JwtId> providers;
  std::vector<std::string> addresses;  // of the peer
};
[[nodiscard]] Palette PaletteOf(const engine::Model& model);

// A field's value reaches the server as it was sent: without blanks around it.
[[nodiscard]] bool Travels(const std::string& value);

// A proxy without an application behind it. It calls nobody by itself: its identity is tried on the
// way past it.
[[nodiscard]] bool IsGateway(const engine::Model& model, engine::WorkloadId id);

// The request with each part replaced by every other value of the palette, one at a time, and sent
// by each of `callers` (may be empty). In a fixed order; may hold the request itself.
[[nodiscard]] std::vector<engine::Request> Neighbours(
    const engine::Model& model, const Palette& palette, const engine::Request& request,
    const std::vector<verifier::Candidate>& callers);

// The request as `caller` sends it: a workload through its proxy, an identity without a workload,
// or a gateway's, straight to the server, and no identity in clear text.
[[nodiscard]] engine::Request SentBy(const engine::Model& model, engine::Request request,
                                     const verifier::Candidate& caller);

}  // namespace weft::lab
