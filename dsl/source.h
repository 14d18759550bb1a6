// Source files held in memory and the mapping from byte offsets to lines and columns.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/span.h"

namespace weft {

// Largest file that is read: 64 MiB. Larger ones are refused with W1002 by whoever loads them.
inline constexpr std::size_t kMaxSourceBytes = std::size_t{64} << 20;

// What the text is; decides which front end reads it.
enum class SourceKind { kWeft, kYaml };

struct Source {
  FileId id;
  std::string name;  // path as shown to the user: relative to the input it came from
  std::string text;
  SourceKind kind = SourceKind::kWeft;
  std::string path;  // where it was read from; "" when from no file
};

// 1-based; column counts Unicode code points, not bytes.
struct LineColumn {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

// Owns all sources of one run. Ids are dense and given in order of Add. References returned by Get
// stay valid for the life of the map. Not thread-safe while adding.
class SourceMap {
 public:
  FileId Add(std::string name, std::string text, SourceKind kind, std::string path = "");
  [[nodiscard]] const Source& Get(FileId id) const;
  [[nodiscard]] bool Contains(FileId id) const { return id.value < files_.size(); }
  [[nodiscard]] std::size_t size() const { return files_.size(); }

  // Place of `offset` in the file; offsets past the end give the end.
  [[nodiscard]] LineColumn Locate(FileId id, std::uint32_t offset) const;
  // The text of a 1-based line without its line break; empty past the end.
  [[nodiscard]] std::string_view Line(FileId id, std::uint32_t line) const;
  // `file:line` of the beginning of the span, or "" for an unknown span.
  [[nodiscard]] std::string FileLine(Span span) const;

 private:
  struct Entry {
    Source source;
    std::vector<std::uint32_t> line_starts;
  };
  std::deque<Entry> files_;
};

}  // namespace weft
