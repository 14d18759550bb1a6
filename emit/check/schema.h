// Fields of the Istio kinds weft emits, and a strict check of documents against them.
#pragma once

#include <string_view>

#include "dsl/diagnostic.h"
#include "dsl/yaml.h"

namespace weft::emit::check {

// Checks `spec` of an object of the kind: unknown fields, wrong types, unknown words and missing
// required fields are errors (codes 5101-5104 of emit/codes.h), located in the YAML. False for a
// kind that is not known. The fields are those of istio/api networking/v1 and security/v1beta1.
bool CheckSpec(std::string_view kind, const yaml::Node& spec, Diagnostics& diagnostics);

}  // namespace weft::emit::check
