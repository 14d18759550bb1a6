// Front door of the language: text to typed declarations.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/declarations.h"
#include "dsl/diagnostic.h"
#include "dsl/source.h"

namespace weft::dsl {

// Reads one file. Errors go to `diagnostics` (codes 1000-2999), each bad declaration or item is
// left out and reading goes on with the next. Templates, predicates and `use` are kept as written.
[[nodiscard]] Program Parse(const Source& source, Diagnostics& diagnostics);

// Gives the source of a module (`std.resilience` is asked for as "std/resilience"), already added
// to the source map, or nullptr when there is no such module.
using SourceLoader = std::function<const Source*(const std::string& module)>;

// Parses all files and the modules they use (transitively; cycles are an error), checks what can be
// checked without an inventory (duplicate declarations, types of template arguments, unknown
// templates and predicates), and expands templates and predicates: the result has no TemplateUse
// and no PredicateRef. Module declarations other than policies, predicates and jwt providers are
// dropped.
[[nodiscard]] Program Load(const std::vector<const Source*>& sources, const SourceLoader& loader,
                           Diagnostics& diagnostics);

// Warns when no file says `mesh NAME` (W2018), and says what is assumed then.
void RequireMesh(const Program& program, Diagnostics& diagnostics);

// Adds the declarations of `more` behind those of `program`.
void Append(Program& program, Program more);
// Whether nothing at all is declared.
[[nodiscard]] bool IsEmpty(const Program& program);

// Canonical text of a `.weft` file: idempotent, keeps comments and blank lines, no options.
// nullopt when the file does not parse (the reasons are in `diagnostics`).
[[nodiscard]] std::optional<std::string> Format(const Source& source, Diagnostics& diagnostics);

}  // namespace weft::dsl
