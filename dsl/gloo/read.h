// Front door for Gloo Mesh Enterprise v2: YAML objects to the same declarations as weft text, with
// spans into the YAML. docs/gloo.md says what becomes of each field.
#pragma once

#include <string>
#include <vector>

#include "dsl/declarations.h"
#include "dsl/diagnostic.h"
#include "dsl/gloo/discovered.h"
#include "dsl/source.h"

namespace weft::gloo {

// Reads all sources as one configuration: objects of a later file replace those of an earlier one,
// names become unique within their workspace (a second one gets a suffix). What cannot be kept is
// reported with codes 7001-7099 and left out; syntax errors have the codes of dsl/codes.h. The
// result has neither templates nor predicates.
[[nodiscard]] dsl::Program Read(const std::vector<const Source*>& sources,
                                const Discovered& discovered, Diagnostics& diagnostics);

// docs/gloo.md: every field of every kind and what becomes of it.
[[nodiscard]] std::string CoverageText();

}  // namespace weft::gloo
