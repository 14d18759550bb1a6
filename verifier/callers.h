// Everyone who may call: discovered workloads, those that could be deployed later, and the outside.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/model.h"
#include "verifier/space.h"

namespace weft::verifier {

// The callers of a mesh, as few as tell all apart: every identity that is discovered, every one a
// rule names, in every namespace one that nobody has yet (a future workload) and one for each way
// of matching the patterns over identities, one of an unknown namespace, and a caller without
// identity. Identities outside of the mesh's trust domains cannot authenticate and are not among
// them.
class Callers {
 public:
  explicit Callers(const engine::Model& model);

  [[nodiscard]] const std::vector<Candidate>& all() const { return all_; }

  // Tells callers apart beyond what rules say of them; by workspace and having an identity alone.
  using Mark = std::function<bool(const Candidate&)>;

  // A selection that answers the same as all of them for conditions on `sets` and for `mark` (may
  // be empty): one caller for each combination, in the order of all(). Callers of other clusters
  // than `cluster` are left out unless `anywhere`.
  [[nodiscard]] std::vector<Candidate> Relevant(const std::vector<const engine::CallerSet*>& sets,
                                                engine::ClusterId cluster, bool anywhere,
                                                const Mark& mark) const;
  // For every caller of all(), the position in Relevant(sets, cluster, anywhere, {}) of the one
  // that stands for it; nullopt for callers that are left out.
  [[nodiscard]] std::vector<std::optional<std::size_t>> StandIns(
      const std::vector<const engine::CallerSet*>& sets, engine::ClusterId cluster,
      bool anywhere) const;

 private:
  // Callers that differ in their account and namespace alone, in order.
  struct Group {
    engine::ClusterId cluster;
    engine::WorkspaceId workspace;
    bool identity = false;
    bool discovered = false;
    auto operator<=>(const Group&) const = default;
  };

  // Callers some set admits, with the positions of those that do, ascending.
  using Admitted = std::map<std::uint32_t, std::vector<std::uint32_t>>;

  [[nodiscard]] Admitted AdmittedByAny(const std::vector<const engine::CallerSet*>& sets) const;
  [[nodiscard]] std::vector<std::uint32_t> AdmittedBy(const engine::CallerSet& set) const;
  [[nodiscard]] std::vector<std::uint32_t> Scan(const engine::CallerSet& set) const;
  void Add(Candidate candidate);

  const engine::Model& model_;
  std::vector<Candidate> all_;
  std::map<Group, std::vector<std::uint32_t>> groups_;
  // Those with an identity.
  std::map<std::string, std::vector<std::uint32_t>> by_ns_;
  std::map<std::pair<std::string, std::string>, std::vector<std::uint32_t>> by_account_;
  mutable std::map<std::vector<engine::Caller>, std::vector<std::uint32_t>> scanned_;
};

// Every CallerSet a condition mentions.
void CollectCallerSets(const engine::Condition& condition,
                       std::vector<const engine::CallerSet*>& sets);

}  // namespace weft::verifier
