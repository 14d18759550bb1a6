// Model to Istio objects, for every cluster.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "emit/object.h"
#include "engine/model.h"

namespace weft::emit {

struct Options {
  std::function<std::string(Span)> place;  // "file:line", for the annotation weft.dev/source
};

// Objects by cluster name, sorted by namespace, kind and name. A policy that cannot be emitted
// whole is an error (codes 5000-5099) and the result must not be used. Deterministic; no I/O.
[[nodiscard]] std::map<std::string, std::vector<Object>> EmitIstio(const engine::Model& model,
                                                                   const Options& options,
                                                                   Diagnostics& diagnostics);

// Warns (5009) of discovered clusters in which callers are named by a trust domain that nobody
// vouches for. `clusters` is what EmitIstio gave.
void WarnOfAssumedTrust(const engine::Model& model,
                        const std::map<std::string, std::vector<Object>>& clusters,
                        Diagnostics& diagnostics);

}  // namespace weft::emit
