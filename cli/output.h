// Diagnostics on a terminal, in a log or as JSON.
#pragma once

#include <cstdio>
#include <string>

#include "dsl/diagnostic.h"
#include "dsl/source.h"

namespace weft::cli {

enum class Format { kHuman, kPlain, kJson };

// Prints every diagnostic, sorted: for people on stderr with a count line, as JSON on stdout.
void PrintDiagnostics(const Diagnostics& diagnostics, const SourceMap& sources, Format format);

// Whether to colour `stream`: a terminal, and neither NO_COLOR nor TERM=dumb.
[[nodiscard]] bool UseColor(std::FILE* stream);

}  // namespace weft::cli
