// Random policies, as text: small meshes that use most of the language.
#pragma once

#include <random>
#include <string>

namespace weft::cross {

using Random = std::mt19937;

// A number below `n`.
[[nodiscard]] inline unsigned Below(Random& random, unsigned n) {
  return static_cast<unsigned>(random() % n);
}

[[nodiscard]] std::string RandomPolicy(Random& random);

}  // namespace weft::cross
