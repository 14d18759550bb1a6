// Numbers of everything requests are sent to.
#pragma once

#include <cstddef>
#include <variant>

#include "engine/model.h"

namespace weft::engine::compiled {

[[nodiscard]] inline std::size_t TargetCount(const Model& model) {
  return model.services.size() + model.destinations.size() + model.externals.size();
}

// Services first, then destinations, then externals; below TargetCount.
[[nodiscard]] inline std::size_t TargetNumber(const Model& model, const TargetRef& target) {
  if (const auto* service = std::get_if<ServiceId>(&target)) return service->index();
  const std::size_t others = model.services.size();
  if (const auto* destination = std::get_if<DestinationId>(&target)) {
    return others + destination->index();
  }
  return others + model.destinations.size() + std::get_if<ExternalId>(&target)->index();
}

}  // namespace weft::engine::compiled
