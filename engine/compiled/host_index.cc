#include "engine/compiled/host_index.h"

namespace weft::engine::compiled {

void HostIndex::Add(std::string_view pattern, std::uint32_t id) {
  std::uint32_t kind = kExact;
  if (pattern == "*") {
    kind = kAny;
  } else if (pattern.starts_with("*.")) {
    kind = kWildcard;
    pattern.remove_prefix(1);
  }
  has_wildcards_ = has_wildcards_ || kind != kExact;
  const std::uint32_t at = patterns_.Insert(kind, pattern, static_cast<std::uint32_t>(ids_.size()));
  if (at == ids_.size()) ids_.emplace_back();
  if (ids_[at].empty() || ids_[at].back() != id) ids_[at].push_back(id);
}

HostIndex::Found HostIndex::Find(std::string_view host) const {
  const std::uint32_t exact = patterns_.Find(kExact, host);
  if (exact != TextMap::kAbsent) return {kExactRank, ids_[exact]};
  if (!has_wildcards_) return {};
  // A wildcard stands for at least one character, so the suffix begins behind the first.
  for (std::size_t dot = host.find('.', 1); dot < host.size(); dot = host.find('.', dot + 1)) {
    const std::uint32_t at = patterns_.Find(kWildcard, host.substr(dot));
    if (at != TextMap::kAbsent) return {1 + host.size() - dot, ids_[at]};
  }
  const std::uint32_t any = patterns_.Find(kAny, "*");
  if (any == TextMap::kAbsent) return {};
  return {1, ids_[any]};
}

}  // namespace weft::engine::compiled
