// Diagnostics: what is wrong with the user's policy, where, and what to do about it. One model for
// every output (human, plain, JSON, SARIF, ...); rendering lives in dsl/render.h and cli/.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "dsl/span.h"

namespace weft {

enum class Severity { kError, kWarning, kNote };

// A message code: `W3104 unknown-workload`. Each folder declares its codes in its `codes.h` as
// constants of this type within its range (dsl 1000-2999, engine 3000, verifier 4000, emit 5000,
// relay 6000, imports 7000). Numbers are never reused.
struct Code {
  std::uint16_t number = 0;
  std::string_view name;  // kebab-case
  std::string_view help;  // one paragraph for `weft explain-code`: cause, example, mend
};

// A further place that explains the finding.
struct Label {
  Span span;
  std::string message;
};

// Replacement of `span` by `text`; an applicable edit.
struct Edit {
  Span span;
  std::string text;
};

struct Diagnostic {
  Severity severity = Severity::kError;
  std::uint16_t number = 0;
  std::string_view name;
  std::string message;                // lower-case start, no final period, names in backticks
  Span span;                          // primary place
  std::string label;                  // text at the caret; may be empty
  std::vector<Label> related;         // in reading order, possibly in other files
  std::vector<std::string> notes;     // preformatted lines below the snippet (counterexample)
  std::string help;                   // what to do; may be empty
  std::optional<Edit> edit;           // the help as an edit
  std::vector<std::string> clusters;  // clusters concerned, sorted; empty = not cluster specific
  // When not 0, this stands for so many others of its code in the file, and only for them.
  std::size_t more = 0;

  // How many diagnostics it stands for.
  [[nodiscard]] std::size_t Count() const { return more > 0 ? more : 1; }
};

// Collects diagnostics; one per cause: a second diagnostic with the same code, span and message is
// dropped (its clusters are merged into the first). Of one code at most kMostAlike are kept for a
// file, and kMostKept in all; the others are counted. References returned stay valid. Not
// thread-safe.
class Diagnostics {
 public:
  static constexpr std::size_t kMostAlike = 50;
  static constexpr std::size_t kMostKept = 5'000;

  Diagnostic& Add(Diagnostic diagnostic);
  Diagnostic& Error(const Code& code, Span span, std::string message);
  Diagnostic& Warning(const Code& code, Span span, std::string message);

  [[nodiscard]] bool HasErrors() const { return errors_ > 0; }
  [[nodiscard]] std::size_t errors() const { return errors_; }
  [[nodiscard]] std::size_t warnings() const { return warnings_; }
  [[nodiscard]] const std::deque<Diagnostic>& all() const { return items_; }
  // Sorted by file, offset, code; the order every output uses. Where some were left out, one that
  // says how many (`more`) stands behind the last of its code that was kept.
  [[nodiscard]] std::vector<Diagnostic> Sorted() const;
  void Append(const Diagnostics& other);

 private:
  std::deque<Diagnostic> items_;
  std::map<std::tuple<Span, std::uint16_t, std::string>, std::size_t> index_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
  struct Alike {
    std::size_t kept = 0;
    Diagnostic last;  // counts those left out; its reference is what Add returns for them
  };
  std::map<std::pair<FileId, std::uint16_t>, Alike> alike_;
};

// The candidate nearest to `word` by edit distance (case-insensitive, transpositions count one), or
// "" when none is near enough (distance <= max(1, length/3)). Ties go to the first in order.
[[nodiscard]] std::string NearestName(std::string_view word,
                                      const std::vector<std::string>& candidates);

}  // namespace weft
