// Arguments of a template's use, as values of its parameters.
#pragma once

#include "dsl/cursor.h"
#include "dsl/declarations.h"

namespace weft::dsl {

// Gives every parameter of the template its argument, or its default. False when one is missing,
// unknown or of another type, which is reported.
[[nodiscard]] bool BindArguments(const PolicyDecl& policy, const TemplateUse& use,
                                 ParameterBindings& bindings, Diagnostics& diagnostics);

}  // namespace weft::dsl
