// The first rule of an ordered list that holds, found without trying them all.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/compiled/conditions.h"
#include "engine/compiled/keys.h"

namespace weft::engine::compiled {

// A rule as it comes: it holds when the callers admit the peer and the condition holds.
struct Rule {
  const std::vector<CallerSet>& callers;
  const Condition& condition;
  std::uint32_t id = 0;  // the caller's own
};

// An ordered list of rules in a RuleBook.
struct RuleList {
  std::uint32_t first = 0;       // of its rules in the book
  std::uint32_t few : 8 = 0;     // how many rules, when short
  std::uint32_t index : 24 = 0;  // of a long list: 1 + its number in the book
  [[nodiscard]] bool empty() const { return few == 0 && index == 0; }
};

// All rules, list after list. Short lists are tried in order, passing over rules for other callers
// at a glance. Long ones have an index: every rule stands under keys it cannot hold without; a
// request looks up its own values and tries the rules it finds there, in order.
class RuleBook {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  [[nodiscard]] RuleList Add(const std::vector<Rule>& rules, Traffic traffic,
                             Conditions& conditions);

  // Id of the first rule that holds; kNone. Thread-safe.
  [[nodiscard]] std::uint32_t First(const RuleList& list, const Conditions& conditions,
                                    const View& view) const;

 private:
  struct Compiled {
    CallerBits callers;
    Conditions::Entry entry;
    std::uint32_t id;
  };
  struct FieldIndex {
    Key field;  // without a value
    PatternIndex patterns;
  };
  struct Index {
    std::size_t size = 0;  // how many rules
    std::vector<FieldIndex> fields;
    IdentityIndex identities;
    std::vector<std::uint32_t> always;  // rules without keys
  };
  // Positions of rules, each list ascending.
  struct Candidates {
    static constexpr std::size_t kMost = 48;
    std::array<std::span<const std::uint32_t>, kMost> lists;
    std::size_t count = 0;
    bool too_many = false;
    void Add(std::span<const std::uint32_t> list);
  };

  [[nodiscard]] static Index MakeIndex(const std::vector<Rule>& rules, Traffic traffic,
                                       Conditions& conditions);
  [[nodiscard]] static Candidates Find(const Index& index, const View& view);
  [[nodiscard]] static std::uint32_t TryAll(std::span<const Compiled> rules,
                                            const Conditions& conditions, const View& view);
  [[nodiscard]] std::uint32_t FirstOf(const Index& index, std::uint32_t first,
                                      const Conditions& conditions, const View& view) const;

  std::vector<Compiled> rules_;
  std::vector<Index> indices_;
};

}  // namespace weft::engine::compiled
