#include "cli/output.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace weft::cli {

std::string FilePath(const Source& source) {
  if (source.path.empty()) return source.name;
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path path = fs::path(source.path).lexically_normal();
  if (!path.is_absolute()) return path.generic_string();
  const fs::path below = path.lexically_relative(fs::current_path(error));
  const bool inside = !error && !below.empty() && *below.begin() != "..";
  return (inside ? below : path).generic_string();
}

void PrintText(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fputs("\n", stdout);
}

std::string DidYouMean(const std::string& word, const std::vector<std::string>& known,
                       const std::string& otherwise) {
  const std::string near = NearestName(word, known);
  return near.empty() ? otherwise : "; did you mean `" + near + "`?";
}

Totals TotalsOf(const std::vector<Diagnostic>& diagnostics) {
  Totals totals;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity == Severity::kError) totals.errors += diagnostic.Count();
    if (diagnostic.severity == Severity::kWarning) totals.warnings += diagnostic.Count();
  }
  return totals;
}

void PrintDiagnostics(const Diagnostics& diagnostics, const SourceMap& sources, Format format) {
  if (format == Format::kJson) {
    nlohmann::ordered_json json;
    json["formatVersion"] = "1";
    json["summary"] = {{"errors", diagnostics.errors()}, {"warnings", diagnostics.warnings()}};
    json["findings"] = FindingsJson(diagnostics, sources);
    PrintText(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return;
  }
  PrintHuman(diagnostics.Sorted(), sources, format == Format::kPlain);
}

void PrintHuman(const std::vector<Diagnostic>& diagnostics, const SourceMap& sources, bool plain) {
  const RenderOptions options{
      .color = !plain && UseColor(stderr), .plain = plain, .file = FilePath};
  for (const Diagnostic& diagnostic : diagnostics) {
    std::fputs(RenderHuman(diagnostic, sources, options).c_str(), stderr);
    std::fputs("\n", stderr);
  }
  const Totals totals = TotalsOf(diagnostics);
  const std::string counts = CountLine(totals.errors, totals.warnings);
  if (!counts.empty()) std::fprintf(stderr, "%s\n", counts.c_str());
}

bool UseColor(std::FILE* stream) {
  if (std::getenv("NO_COLOR") != nullptr) return false;
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) != "dumb" && isatty(fileno(stream)) == 1;
}

}  // namespace weft::cli
