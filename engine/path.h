// Path normalisation, as the proxies do it before any rule looks at the path.
#pragma once

#include <string>
#include <string_view>

#include "engine/model.h"

namespace weft::engine {

// The path (without query) that rules match, after the mesh's normalisation. Istio MeshConfig
// pathNormalization (istio/api mesh/v1alpha1): BASE resolves `.` and `..` and turns `\` into `/`;
// MERGE_SLASHES also merges runs of `/`; DECODE_AND_MERGE_SLASHES first decodes %2F and %5C.
[[nodiscard]] std::string NormalizePath(std::string_view path, PathNormalization mode);

}  // namespace weft::engine
