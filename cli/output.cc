#include "cli/output.h"

#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "dsl/render.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string CodeText(std::uint16_t number) {
  std::string digits = std::to_string(number);
  return "W" + std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

Json ToJson(const Diagnostic& diagnostic, const SourceMap& sources) {
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

Json FindingsJson(const Diagnostics& diagnostics, const SourceMap& sources) {
  Json findings = Json::array();
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    findings.push_back(ToJson(diagnostic, sources));
  }
  return findings;
}

void PrintJsonText(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fputs("\n", stdout);
}

void PrintDiagnostics(const Diagnostics& diagnostics, const SourceMap& sources, Format format) {
  if (format == Format::kJson) {
    Json json;
    json["formatVersion"] = "1";
    json["summary"] = {{"errors", diagnostics.errors()}, {"warnings", diagnostics.warnings()}};
    json["findings"] = FindingsJson(diagnostics, sources);
    PrintJsonText(json.dump(2, ' ', false, Json::error_handler_t::replace));
    return;
  }
  const bool plain = format == Format::kPlain;
  const RenderOptions options{.color = !plain && UseColor(stderr), .plain = plain};
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    std::fputs(RenderHuman(diagnostic, sources, options).c_str(), stderr);
    std::fputs("\n", stderr);
  }
  const std::string counts = CountLine(diagnostics.errors(), diagnostics.warnings());
  if (!counts.empty()) std::fprintf(stderr, "%s\n", counts.c_str());
}

bool UseColor(std::FILE* stream) {
  if (std::getenv("NO_COLOR") != nullptr) return false;
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) != "dumb" && isatty(fileno(stream)) == 1;
}

}  // namespace weft::cli
