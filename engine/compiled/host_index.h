// Host patterns ("a.b", "*.b", "*") with what stands under them; finds the most specific.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/compiled/text_map.h"

namespace weft::engine::compiled {

class HostIndex {
 public:
  struct Found {
    std::size_t rank = 0;  // larger = more specific; 0 = no pattern admits the host
    std::span<const std::uint32_t> ids;
  };

  // Ids in ascending order; an id may stand under several patterns.
  void Add(std::string_view pattern, std::uint32_t id);

  // What stands under the most specific pattern that admits the host: the name itself, then the
  // longest suffix, then "*", as Envoy chooses among the domains of virtual hosts. Thread-safe.
  [[nodiscard]] Found Find(std::string_view host) const;

 private:
  static constexpr std::uint32_t kExact = 0;
  static constexpr std::uint32_t kWildcard = 1;
  static constexpr std::uint32_t kAny = 2;
  static constexpr std::size_t kExactRank = 0xffffffff;  // longer than any suffix

  TextMap patterns_;  // (kind, text) -> index into ids_
  std::vector<std::vector<std::uint32_t>> ids_;
  bool has_wildcards_ = false;
};

}  // namespace weft::engine::compiled
