#include "emit/documents.h"

#include <algorithm>
#include <utility>

namespace weft::emit {
namespace {

// Where the document that begins at `begin` ends: before the mark of the next one.
std::size_t EndOf(const std::string& text, std::size_t begin, std::size_t next) {
  std::size_t end = std::min(next, text.size());
  for (std::size_t at = text.find("\n---", begin); at < end; at = text.find("\n---", at + 1)) {
    end = at + 1;
  }
  return end;
}

}  // namespace

std::vector<DocumentText> SplitDocuments(const Source& source, Diagnostics& diagnostics) {
  std::vector<yaml::Document> documents = yaml::Parse(source, diagnostics);
  std::vector<DocumentText> parts;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::size_t begin = documents[i].root.span.begin;
    const std::size_t next =
        i + 1 < documents.size() ? documents[i + 1].root.span.begin : source.text.size();
    const std::size_t end = EndOf(source.text, begin, next);
    // Indentation counts from the beginning of the line.
    const std::size_t newline = begin == 0 ? std::string::npos : source.text.rfind('\n', begin - 1);
    const std::size_t line = newline == std::string::npos ? 0 : newline + 1;
    DocumentText part{.root = std::move(documents[i].root), .source = source, .text = ""};
    part.text = source.text.substr(line, end - line);
    part.source.text = std::string(line, '\n') + part.text;
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace weft::emit
