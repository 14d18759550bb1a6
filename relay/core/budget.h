// The prune budget: how many objects may disappear from a cluster without a person's word.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "relay/core/object.h"

namespace weft::relay {

// Time since an arbitrary start of the process's own; never the time of day.
using Time = std::chrono::milliseconds;

// Of one cluster. Within a rolling hour, of one kind, at most max(5, 10 %) of the objects may be
// removed, and never the last one. Kept at the server and again at the agent, so that neither
// trusts the other.
class PruneBudget {
 public:
  static constexpr Time kWindow = std::chrono::hours(1);

  // Why the removals of `delta` need approval, one text per kind concerned; empty when they do not.
  [[nodiscard]] std::vector<std::string> Exceeded(const Snapshot& from, const Delta& delta,
                                                  Time now) const;
  // Counts removals that were made.
  void Spend(const Delta& delta, Time now);

  // Removals of the last hour by kind, for keeping over a restart; Restore counts them as made at
  // `now`, since the clock of the earlier process is gone.
  [[nodiscard]] std::map<std::string, std::uint64_t> Spent(Time now) const;
  void Restore(const std::map<std::string, std::uint64_t>& spent, Time now);

 private:
  struct Entry {
    Time at;
    std::string kind;
    std::uint64_t count;
  };
  std::vector<Entry> entries_;
};

}  // namespace weft::relay
