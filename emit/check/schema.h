// Fields of the Istio kinds weft emits, and a strict check of documents against them.
#pragma once

#include <string>
#include <string_view>

#include "dsl/diagnostic.h"
#include "dsl/yaml.h"
#include "emit/check/fields.h"

namespace weft::emit::check {

// Checks a mapping against the fields it can have: unknown fields, wrong types, unknown words,
// missing fields, values out of range and fields that exclude one another are errors (codes
// 5101-5107 of emit/codes.h), located in the YAML. `where` is how messages name the mapping.
void CheckFields(const yaml::Node& node, const Fields& fields, const std::string& where,
                 Diagnostics& diagnostics);

// The same for `spec` of an object of the kind. False for a kind that is not known.
bool CheckSpec(std::string_view kind, const yaml::Node& spec, Diagnostics& diagnostics);

}  // namespace weft::emit::check
