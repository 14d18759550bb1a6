#include "relay/core/budget.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft::relay {

std::vector<std::string> PruneBudget::Exceeded(const Snapshot& from, const Delta& delta,
                                               Time now) const {
  std::map<std::string, std::uint64_t> removed;
  for (const ObjectKey& key : delta.removed) ++removed[key.kind];
  if (removed.empty()) return {};
  std::map<std::string, std::uint64_t> before;
  std::map<std::string, std::uint64_t> added;
  for (const auto& [key, object] : from.objects) ++before[key.kind];
  for (const ObjectPtr& object : delta.changed) {
    if (!from.objects.contains(object->key)) ++added[object->key.kind];
  }
  const std::map<std::string, std::uint64_t> spent = Spent(now);
  std::vector<std::string> reasons;
  for (const auto& [kind, count] : removed) {
    const auto earlier = spent.find(kind);
    const std::uint64_t made = earlier == spent.end() ? 0 : earlier->second;
    const std::uint64_t allowed = std::max<std::uint64_t>(5, (before[kind] + made) / 10);
    if (before[kind] + added[kind] <= count) {
      reasons.push_back(fmt::format("all {} of kind {} would go", before[kind], kind));
    } else if (made + count > allowed) {
      reasons.push_back(fmt::format("{} of {} of kind {} would go within an hour, {} may",
                                    made + count, before[kind] + made, kind, allowed));
    }
  }
  return reasons;
}

void PruneBudget::Spend(const Delta& delta, Time now) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.at + kWindow <= now; });
  std::map<std::string, std::uint64_t> removed;
  for (const ObjectKey& key : delta.removed) ++removed[key.kind];
  for (const auto& [kind, count] : removed) entries_.push_back({now, kind, count});
}

std::map<std::string, std::uint64_t> PruneBudget::Spent(Time now) const {
  std::map<std::string, std::uint64_t> spent;
  for (const Entry& entry : entries_) {
    if (entry.at + kWindow > now) spent[entry.kind] += entry.count;
  }
  return spent;
}

void PruneBudget::Restore(const std::map<std::string, std::uint64_t>& spent, Time now) {
  entries_.clear();
  for (const auto& [kind, count] : spent) entries_.push_back({now, kind, count});
}

}  // namespace weft::relay
