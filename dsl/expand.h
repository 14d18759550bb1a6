// Writes policy templates and predicates out.
#pragma once

#include "dsl/modules.h"
#include "dsl/parse.h"

namespace weft::dsl {

// Adds what templates declare where they are applied, and puts what they stand for in place of
// every use of a template and every name of a predicate, also those of modules, and reads those
// that nothing uses. Reports unknown names, wrong arguments, cycles and what becomes too large
// (W2011, W2012, W2013, W2017). Linear in what is written out, which is bounded.
void ExpandProgram(Program& program, const Modules& modules, Diagnostics& diagnostics);

}  // namespace weft::dsl
