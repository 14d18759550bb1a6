// Which lines of two versions of a set of sources differ, and their difference as text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/source.h"
#include "dsl/span.h"

namespace weft {

// Lines that differ in two texts, by 0-based number; `before` those that are gone, `after` those
// that are new.
struct LineChanges {
  std::vector<bool> before, after;
  // Lines that stand in each other's place, by number: one for one where a run of lines replaces
  // one of equal length, else each for all of a short run.
  std::map<std::size_t, std::vector<std::size_t>> replaced_by, replaces;
};
[[nodiscard]] LineChanges CompareLines(std::string_view before, std::string_view after);

// The difference as unified hunks with three lines around each; "" when there is none.
[[nodiscard]] std::string UnifiedDiff(std::string_view before, std::string_view after);

// Two versions of a set of sources; a file is the same file when it has the same name. Refers to
// both maps. Not thread-safe.
class EditedLines {
 public:
  EditedLines(const SourceMap& before, const SourceMap& after);

  // The lines within the span that are not in the other version, each from its first character
  // that is no blank to its last. Files that only one version has are new as a whole.
  [[nodiscard]] std::vector<Span> Within(bool after, Span span);
  // All of them, comments and empty lines aside, in the order of the files.
  [[nodiscard]] std::vector<Span> All(bool after);
  // The lines of the other version in whose place the line stands, as Within gives lines.
  [[nodiscard]] std::vector<Span> Opposite(bool after, Span line);

 private:
  const LineChanges& ChangesOf(const std::string& name);
  static void AddLine(const SourceMap& sources, FileId file, std::size_t line,
                      std::vector<Span>& lines);

  const SourceMap& before_;
  const SourceMap& after_;
  std::map<std::string, FileId> old_files_, files_;
  std::map<std::string, LineChanges> changes_;
};

}  // namespace weft
