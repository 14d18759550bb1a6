// Whether two sets of Istio objects mean the same to requests, asked of the interpreter.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emit/check/interpret.h"

namespace weft::emit::check {

struct Sample {
  std::vector<engine::Request> requests;
  std::size_t wanted = 0;  // how many there would be without the limit
};
// Requests made of the words of the objects: every caller, every host and port that is known, at
// sidecars and gateways, with the paths, methods and headers that some object speaks of and others
// beside them. About `limit` at most; always the same for the same objects.
[[nodiscard]] Sample RequestsAbout(const Mesh& mesh, std::size_t limit);

// The first request that gets another answer: what it is, and both answers. Names of the stages
// that refuse it do not matter, what the caller sees does.
[[nodiscard]] std::optional<std::string> FirstDifference(
    const Mesh& before, const Mesh& after, const std::vector<engine::Request>& requests);

}  // namespace weft::emit::check
