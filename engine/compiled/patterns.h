// Patterns made ready for matching many values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/pattern.h"
#include "engine/compiled/segment_trie.h"

namespace re2 {
class RE2;
}

namespace weft::engine::compiled {

// The regular expressions of a policy, each compiled once. Matching is thread-safe.
class Regexes {
 public:
  Regexes();
  Regexes(Regexes&&) noexcept;
  Regexes& operator=(Regexes&&) noexcept;
  Regexes(const Regexes&) = delete;
  Regexes& operator=(const Regexes&) = delete;
  ~Regexes();

  // Lives as long as the pool. nullptr when RE2 refuses the expression: it matches nothing.
  [[nodiscard]] const re2::RE2* Add(const std::string& text);

 private:
  std::map<std::string, std::unique_ptr<re2::RE2>> compiled_;
};

[[nodiscard]] bool FullMatch(const re2::RE2& regex, std::string_view value);
// Text that every value matched as a whole starts with; may be "".
[[nodiscard]] std::string LiteralPrefix(const re2::RE2& regex);

// Finds, among any number of patterns, those that match a value. The time depends on the value and
// on how many match, not on how many there are. An expression is found by its literal prefix, so
// it may be reported without matching; the caller matches it.
class PatternIndex {
 public:
  // `regex` is that of the pattern when it is an expression, else nullptr. Ids in ascending order.
  void Add(const Pattern& pattern, const re2::RE2* regex, std::uint32_t id);
  void Finish();

  // Calls visit(std::span<const std::uint32_t>) with ascending ids.
  template <typename Visit>
  void Find(std::string_view value, Visit&& visit) const {
    forwards_.Find(value, visit);
    if (has_suffixes_) backwards_.Find(value, visit);
  }

 private:
  SegmentTrie<Direction::kForwards> forwards_;
  SegmentTrie<Direction::kBackwards> backwards_;
  bool has_suffixes_ = false;
};

enum class PatternKind : std::uint8_t {
  kExact,
  kUnder,
  kPrefix,
  kSuffix,
  kTemplate,
  kRegex,
  kAll,
  kNothing
};

// One pattern, with its expression compiled.
struct PreparedPattern {
  PatternKind kind = PatternKind::kNothing;
  std::string text;
  const re2::RE2* regex = nullptr;  // kRegex only
};
[[nodiscard]] PreparedPattern Prepare(const Pattern& pattern, Regexes& regexes);
// `regex` is looked at for kRegex only, `text` for those before it.
[[nodiscard]] bool MatchesPrepared(PatternKind kind, std::string_view text, const re2::RE2* regex,
                                   std::string_view value);

// "Any of these patterns": tried one by one when few, else through an index.
class PatternSet {
 public:
  static constexpr std::size_t kFew = 6;

  PatternSet(const std::vector<Pattern>& patterns, Regexes& regexes);
  [[nodiscard]] bool Matches(std::string_view value) const;

 private:
  std::vector<PreparedPattern> patterns_;
  std::unique_ptr<const PatternIndex> index_;  // only for many
};

}  // namespace weft::engine::compiled
