#include "dsl/print.h"

#include <algorithm>
#include <utility>

#include "dsl/check.h"
#include "dsl/parse.h"
#include "dsl/print_parts.h"
#include "dsl/printer.h"

namespace weft::dsl {

Page& Printer::On(const std::string& owner, const std::string& subject) {
  const std::string path = owner.empty() ? "mesh.weft" : owner + "/" + subject + ".weft";
  const auto [at, fresh] = pages_.try_emplace(path);
  if (fresh) at->second.Line(owner.empty() ? "mesh " + mesh_ : "workspace " + owner);
  at->second.Gap();
  return at->second;
}

void Printer::Comments(Page& page, Span span) {
  if (!options_.comments) return;
  for (const std::string& line : options_.comments(span)) page.Line("//" + line);
}

void Printer::Labels(Page& page, const std::vector<LabelTerm>& labels) {
  for (const LabelTerm& label : labels) page.Line("label " + TextOf(label));
}

void Printer::Items(Page& page, const std::vector<Item>& items) {
  for (const Item& item : items) page.Line(PrintItem(item));
}

std::string Printer::Clusters(const std::vector<Name>& clusters) {
  return clusters.empty() ? "" : " on " + Names(clusters);
}

std::string Printer::Formatted(const std::string& path, const std::string& text) {
  SourceMap sources;
  Diagnostics diagnostics;
  const FileId id = sources.Add(path, text, SourceKind::kWeft);
  std::optional<std::string> formatted = Format(sources.Get(id), diagnostics);
  return formatted ? std::move(*formatted) : text;
}

std::map<std::string, std::string> Print(const Program& program, const PrintOptions& options) {
  return Printer(options).Run(program);
}

}  // namespace weft::dsl
