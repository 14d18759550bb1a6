// Codes of the import of Istio objects: 7100-7199. Every constant must be listed in
// kIstioImportCodes.
#pragma once

#include <array>

#include "dsl/diagnostic.h"

namespace weft::cli::istio::codes {

inline constexpr Code kKeptRaw{7101, "kept-raw",
                               "The object stays as it is, in `raw istio`: the language has no "
                               "word for a part of it, or said in "
                               "the language some request would be treated otherwise. The message "
                               "says which. Proofs that it can "
                               "touch name it as an assumption (W4140)."};

inline constexpr std::array kIstioImportCodes = {kKeptRaw};

}  // namespace weft::cli::istio::codes
