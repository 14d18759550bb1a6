// Diagnostics on a terminal, in a log or as JSON.
#pragma once

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/render.h"
#include "dsl/source.h"
#include "relay/compile/findings.h"

namespace weft::cli {

enum class Format { kHuman, kPlain, kJson };

// Prints every diagnostic, sorted: for people on stderr with a count line, as JSON on stdout.
void PrintDiagnostics(const Diagnostics& diagnostics, const SourceMap& sources, Format format);

// Prints the diagnostics for people: on stderr, with a count line.
void PrintHuman(const std::vector<Diagnostic>& diagnostics, const SourceMap& sources, bool plain);

using relay::CodeText;
using relay::FindingJson;
using relay::FindingsJson;
using relay::PlaceJson;

// "; did you mean `x`?" of the known name nearest to `word`, else `otherwise`.
[[nodiscard]] std::string DidYouMean(const std::string& word, const std::vector<std::string>& known,
                                     const std::string& otherwise = "");

// Where a tool that stands in the working directory finds the file; its name when it is no file.
[[nodiscard]] std::string FilePath(const Source& source);

// How many errors and warnings they stand for.
struct Totals {
  std::size_t errors = 0;
  std::size_t warnings = 0;
};
[[nodiscard]] Totals TotalsOf(const std::vector<Diagnostic>& diagnostics);

// Prints a document and a line break on stdout.
void PrintText(const std::string& text);

// Whether to colour `stream`: a terminal, and neither NO_COLOR nor TERM=dumb.
[[nodiscard]] bool UseColor(std::FILE* stream);

}  // namespace weft::cli
