// The first rule of an ordered list that holds, found without trying them all.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
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

// Short lists are tried in order. Long ones have an index: every rule stands under keys it cannot
// hold without; a request looks up its own values and tries the rules it finds there, in order.
class RuleList {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  RuleList() = default;
  RuleList(const std::vector<Rule>& rules, Traffic traffic, Conditions& conditions);

  // Id of the first rule that holds; kNone. Thread-safe.
  [[nodiscard]] std::uint32_t First(const Conditions& conditions, const View& view) const;
  [[nodiscard]] bool empty() const { return rules_.empty(); }

 private:
  struct Compiled {
    Conditions::Entry entry;
    std::uint32_t id;
  };
  struct FieldIndex {
    Key field;  // without a value
    PatternIndex patterns;
  };
  struct Index {
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

  void BuildIndex(const std::vector<Rule>& rules, Traffic traffic, Conditions& conditions);
  [[nodiscard]] Candidates Find(const View& view) const;
  [[nodiscard]] std::uint32_t TryAll(const Conditions& conditions, const View& view) const;

  std::vector<Compiled> rules_;
  std::unique_ptr<const Index> index_;
};

}  // namespace weft::engine::compiled
