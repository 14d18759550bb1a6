#include "dsl/source.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dsl/check.h"

namespace weft {

FileId SourceMap::Add(std::string name, std::string text, SourceKind kind, std::string path) {
  const FileId id{static_cast<std::uint32_t>(files_.size())};
  Entry entry{.source = {id, std::move(name), std::move(text), kind, std::move(path)},
              .line_starts = {0}};
  const std::string& body = entry.source.text;
  const char* const begin = body.data();
  const char* const end = begin + body.size();
  for (const char* at = begin; at < end;) {
    const void* hit = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    if (hit == nullptr) break;
    at = static_cast<const char*>(hit) + 1;
    entry.line_starts.push_back(static_cast<std::uint32_t>(at - begin));
  }
  files_.push_back(std::move(entry));
  return id;
}

const Source& SourceMap::Get(FileId id) const {
  Check(Contains(id), "a span names a file that is not in the source map");
  return files_[id.value].source;
}

LineColumn SourceMap::Locate(FileId id, std::uint32_t offset) const {
  const Entry& entry = files_[id.value];
  const auto size = static_cast<std::uint32_t>(entry.source.text.size());
  offset = std::min(offset, size);
  const auto after = std::upper_bound(entry.line_starts.begin(), entry.line_starts.end(), offset);
  const auto line = static_cast<std::uint32_t>(after - entry.line_starts.begin());
  const char* const text = entry.source.text.data();
  // Continuation bytes of UTF-8 (10xxxxxx) do not begin a code point.
  const auto before = std::count_if(text + entry.line_starts[line - 1], text + offset, [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  });
  return {line, static_cast<std::uint32_t>(before) + 1};
}

std::string_view SourceMap::Line(FileId id, std::uint32_t line) const {
  const Entry& entry = files_[id.value];
  if (line == 0 || line > entry.line_starts.size()) return {};
  const std::string_view text = entry.source.text;
  const std::size_t begin = entry.line_starts[line - 1];
  std::size_t end = line < entry.line_starts.size() ? entry.line_starts[line] : text.size();
  while (end > begin && (text[end - 1] == '\n' || text[end - 1] == '\r')) --end;
  return text.substr(begin, end - begin);
}

std::string SourceMap::FileLine(Span span) const {
  if (!span.IsKnown() || !Contains(span.file)) return {};
  return Get(span.file).name + ":" + std::to_string(Locate(span.file, span.begin).line);
}

}  // namespace weft
