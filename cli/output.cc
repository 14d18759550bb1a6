#include "cli/output.h"

#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "dsl/render.h"

namespace weft::cli {
void PrintText(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fputs("\n", stdout);
}

std::string CountText(std::size_t count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
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
  const RenderOptions options{.color = !plain && UseColor(stderr), .plain = plain};
  std::size_t errors = 0;
  std::size_t warnings = 0;
  for (const Diagnostic& diagnostic : diagnostics) {
    const std::size_t each = diagnostic.more > 0 ? diagnostic.more : 1;
    errors += diagnostic.severity == Severity::kError ? each : 0;
    warnings += diagnostic.severity == Severity::kWarning ? each : 0;
    std::fputs(RenderHuman(diagnostic, sources, options).c_str(), stderr);
    std::fputs("\n", stderr);
  }
  const std::string counts = CountLine(errors, warnings);
  if (!counts.empty()) std::fprintf(stderr, "%s\n", counts.c_str());
}

bool UseColor(std::FILE* stream) {
  if (std::getenv("NO_COLOR") != nullptr) return false;
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) != "dumb" && isatty(fileno(stream)) == 1;
}

}  // namespace weft::cli
