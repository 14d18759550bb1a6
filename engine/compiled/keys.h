// What a condition cannot hold without: the keys under which an index finds its rule.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/compiled/callers.h"
#include "engine/compiled/conditions.h"

namespace weft::engine::compiled {

enum class Field { kPath, kHost, kSni, kMethod, kHeader, kQuery, kClaim, kUri, kIdentity };

// One value, or kind of value, of one field.
struct Key {
  Field field = Field::kPath;
  std::string name;      // of a header, query parameter or claim
  JwtId provider;        // of a claim
  Pattern pattern;       // all but kIdentity; never a Regex
  IdentityKey identity;  // kIdentity
  auto operator<=>(const Key&) const = default;
};

// Wherever the condition holds, one of the keys does; nullopt = no such keys are known. An empty
// list says that it never holds.
using Keys = std::optional<std::vector<Key>>;

// Picks for each rule of a list the keys that the fewest rules share, so that an index over them
// leaves few candidates.
class KeyChooser {
 public:
  explicit KeyChooser(Conditions& conditions) : conditions_(conditions) {}
  // Takes the keys of a rule into account; call for all rules before Choose.
  void Count(const std::vector<CallerSet>& callers, const Condition& condition, Traffic traffic);
  [[nodiscard]] Keys Choose(const std::vector<CallerSet>& callers, const Condition& condition,
                            Traffic traffic);

 private:
  [[nodiscard]] Keys OfMatcher(const Matcher& matcher);
  [[nodiscard]] Keys OfCallers(const std::vector<CallerSet>& sets);
  [[nodiscard]] Keys OfCondition(const Condition& condition, Traffic traffic);
  [[nodiscard]] Keys OfAny(const std::vector<Condition>& children, Traffic traffic);
  [[nodiscard]] std::vector<Key> OfPatterns(const Key& field, const std::vector<Pattern>& patterns);
  void CountIn(const Condition& condition, Traffic traffic);
  void Add(const Keys& keys);
  // The one of two that fewer rules share.
  [[nodiscard]] Keys Better(Keys a, Keys b) const;
  [[nodiscard]] std::size_t Cost(const std::vector<Key>& keys) const;

  Conditions& conditions_;
  std::map<Key, std::size_t> shared_by_;
};

}  // namespace weft::engine::compiled
