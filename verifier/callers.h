// Everyone who may call: discovered workloads, those that could be deployed later, and the outside.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "engine/model.h"
#include "verifier/space.h"

namespace weft::verifier {

// The callers of a mesh, as few as tell all apart: every identity that is discovered, every one a
// rule names, in every namespace one that nobody has yet (a future workload), one of an unknown
// namespace, and a caller without identity. Identities outside of the mesh's trust domains cannot
// authenticate and are not among them.
class Callers {
 public:
  explicit Callers(const engine::Model& model);

  [[nodiscard]] const std::vector<Candidate>& all() const { return all_; }

  // A selection that answers the same as all of them for conditions on `sets` and for `classify`:
  // one caller for each combination. Callers of other clusters than `cluster` are left out unless
  // `anywhere`.
  template <typename Classify>
  [[nodiscard]] std::vector<Candidate> Relevant(const std::vector<const engine::CallerSet*>& sets,
                                                engine::ClusterId cluster, bool anywhere,
                                                Classify classify) const {
    std::map<std::pair<std::vector<bool>, std::uint64_t>, std::uint32_t> groups;
    std::vector<std::vector<bool>> admitted(all_.size());
    for (std::size_t s = 0; s < sets.size(); ++s) {
      for (const std::uint32_t i : AdmittedBy(*sets[s])) {
        if (admitted[i].empty()) {
          admitted[i].resize(sets.size(), false);
        }
        admitted[i][s] = true;
      }
    }
    std::vector<std::uint64_t> plain;  // kinds seen among the callers no set admits: a handful
    std::vector<Candidate> relevant;
    for (std::uint32_t i = 0; i < all_.size(); ++i) {
      const Candidate& c = all_[i];
      if (!anywhere && !c.source.IsNone() && c.cluster != cluster) continue;
      const std::uint64_t kind = classify(c) * 2 + (c.identity ? 1 : 0);
      if (!admitted[i].empty()) {
        if (!groups.emplace(std::pair(admitted[i], kind), i).second) continue;
      } else {
        if (std::find(plain.begin(), plain.end(), kind) != plain.end()) continue;
        plain.push_back(kind);
      }
      relevant.push_back(c);
      if (relevant.back().cluster.IsNone()) relevant.back().cluster = cluster;
    }
    return relevant;
  }

 private:
  [[nodiscard]] std::vector<std::uint32_t> AdmittedBy(const engine::CallerSet& set) const;
  void Add(Candidate candidate);

  const engine::Model& model_;
  std::vector<Candidate> all_;
  std::map<std::pair<std::string, std::string>, std::vector<std::uint32_t>> by_trust_ns_;
};

// Every CallerSet a condition mentions.
void CollectCallerSets(const engine::Condition& condition,
                       std::vector<const engine::CallerSet*>& sets);

}  // namespace weft::verifier
