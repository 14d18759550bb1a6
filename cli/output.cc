#include "cli/output.h"

#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "dsl/render.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

Json PlaceJson(Span span, const SourceMap& sources) {
  Json place;
  place["file"] = nullptr;
  place["line"] = nullptr;
  if (!span.IsKnown() || !sources.Contains(span.file)) return place;
  const LineColumn at = sources.Locate(span.file, span.begin);
  place["file"] = sources.Get(span.file).name;
  place["line"] = at.line;
  place["column"] = at.column;
  return place;
}

std::string CodeText(std::uint16_t number) {
  std::string digits = std::to_string(number);
  return "W" + std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

Json FindingJson(const Diagnostic& diagnostic, const SourceMap& sources) {
  Json json;
  json["code"] = CodeText(diagnostic.number);
  json["name"] = diagnostic.name;
  json["severity"] = SeverityName(diagnostic.severity);
  json["message"] = diagnostic.message;
  json.update(PlaceJson(diagnostic.span, sources));
  json["related"] = Json::array();
  for (const Label& label : diagnostic.related) {
    Json related = PlaceJson(label.span, sources);
    related["message"] = label.message;
    json["related"].push_back(std::move(related));
  }
  json["clusters"] = diagnostic.clusters;
  json["help"] = diagnostic.help;
  return json;
}

Json FindingsJson(const Diagnostics& diagnostics, const SourceMap& sources) {
  Json findings = Json::array();
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    findings.push_back(FindingJson(diagnostic, sources));
  }
  return findings;
}

void PrintText(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fputs("\n", stdout);
}

void PrintDiagnostics(const Diagnostics& diagnostics, const SourceMap& sources, Format format) {
  if (format == Format::kJson) {
    Json json;
    json["formatVersion"] = "1";
    json["summary"] = {{"errors", diagnostics.errors()}, {"warnings", diagnostics.warnings()}};
    json["findings"] = FindingsJson(diagnostics, sources);
    PrintText(json.dump(2, ' ', false, Json::error_handler_t::replace));
    return;
  }
  PrintHuman(diagnostics.Sorted(), sources, format == Format::kPlain);
}

void PrintHuman(const std::vector<Diagnostic>& diagnostics, const SourceMap& sources, bool plain) {
  const RenderOptions options{.color = !plain && UseColor(stderr), .plain = plain};
  std::size_t errors = 0;
  std::size_t warnings = 0;
  for (const Diagnostic& diagnostic : diagnostics) {
    errors += diagnostic.severity == Severity::kError ? 1 : 0;
    warnings += diagnostic.severity == Severity::kWarning ? 1 : 0;
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
