// The part of the inventory that Gloo objects are read with.
#pragma once

#include "dsl/gloo/discovered.h"
#include "engine/inventory.h"

namespace weft::relay {

[[nodiscard]] gloo::Discovered Discover(const engine::Inventory& inventory);

}  // namespace weft::relay
