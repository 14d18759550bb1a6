#include "dsl/check.h"

#include <cstdio>
#include <cstdlib>

namespace weft {

void Check(bool condition, std::string_view message) {
  if (condition) return;
  std::fprintf(stderr, "weft: internal error: %.*s\n", static_cast<int>(message.size()),
               message.data());
  std::abort();
}

}  // namespace weft
