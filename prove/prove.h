// Translation validation: the Istio objects of every cluster, as an independent reader takes them
// (emit/check/), mean what the policy means, for every request.
#pragma once

#include <functional>
#include <string>

#include "emit/check/interpret.h"
#include "engine/model.h"
#include "verifier/verify.h"

namespace weft::prove {

struct Options {
  // The objects were read from files, so that findings can point into them; else they are what weft
  // would emit, and findings point into the policy.
  bool on_disk = false;
  // What weft emits, read back, where `mesh` is something else: objects whose meaning is not read
  // have to be the same. May be null.
  const emit::check::Mesh* reference = nullptr;
  std::function<std::string(Span)> place;  // "file:line"; may be empty
  std::function<double()> seconds;         // a clock that never goes back; may be empty
};

// Property names: one verdict `emitted` for each cluster.
// Findings (codes 5201, 5202) have a request that was asked of both sides wherever one exists.
// `mesh.world` must be `model`. Deterministic; no I/O. What is compared: docs/emitted.md.
[[nodiscard]] verifier::Report ProveEmitted(const engine::Model& model,
                                            const emit::check::Mesh& mesh, const Options& options);

}  // namespace weft::prove
