// Places in source text. A span is a file id plus a half-open byte range; it is turned into
// line and column only when a diagnostic is rendered (dsl/source.h).
#pragma once

#include <compare>
#include <cstdint>

namespace weft {

// Index into a SourceMap. kNoFile marks spans of things nobody wrote (defaults, built-ins).
struct FileId {
  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t value = kNone;
  auto operator<=>(const FileId&) const = default;
};

// [begin, end) in bytes. The default span belongs to no file.
struct Span {
  FileId file;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  auto operator<=>(const Span&) const = default;
  [[nodiscard]] bool IsKnown() const { return file.value != FileId::kNone; }
};

// The smallest span that covers both; they must be of one file (else `a` is returned).
[[nodiscard]] inline Span Join(Span a, Span b) {
  if (!a.IsKnown()) return b;
  if (a.file != b.file) return a;
  return {a.file, a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

// A value together with the place that says it.
template <typename T>
struct Spanned {
  T value{};
  Span span;
  bool operator==(const Spanned&) const = default;
};

}  // namespace weft
