// Istio objects of one cluster as declarations of weft. What has no place in the language, and what
// the caller says is to be left, becomes `raw istio`.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "dsl/declarations.h"
#include "emit/check/objects.h"
#include "engine/inventory.h"

namespace weft::cli::istio {

struct Object {
  emit::check::IstioObject istio;
  std::string text;  // the document as it stands
  Span span;
};

struct Kept {
  const Object* object = nullptr;
  std::string why;
};

struct Translation {
  dsl::Program program;
  std::vector<Kept> kept;  // what stays raw, and why
};

struct World {
  const engine::KubeCluster& cluster;
  std::string trust_domain;
  std::string root_namespace = "istio-system";
};

// Every namespace becomes a workspace; each object is said in the workspace of its own, a
// DestinationRule in that of its host. `leave`: objects that are not to be tried.
[[nodiscard]] Translation Translate(const std::vector<Object>& objects, const World& world,
                                    const std::set<const Object*>& leave);

}  // namespace weft::cli::istio
