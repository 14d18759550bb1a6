#include "tests/cross/environment.h"

#include <cstdlib>

namespace weft::cross {

unsigned FromEnvironment(const char* name, unsigned fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

}  // namespace weft::cross
