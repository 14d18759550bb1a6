#include "verifier/callers.h"

#include <algorithm>
#include <set>

#include "dsl/overloaded.h"
#include "verifier/identities.h"

namespace weft::verifier {
namespace {

using engine::Identity;
using engine::IdentitySet;

// Names nobody has yet.
constexpr const char* kNewAccount = "some-new-account";
constexpr const char* kNewNamespace = "some-other-namespace";

// What rules and laws say of callers.
struct Named {
  std::set<IdentitySet> sets;
  std::set<Pattern> patterns;  // over whole identities

  void Add(const engine::CallerSet& set) {
    for (const engine::Caller& caller : set.any_of) {
      std::visit(Overloaded{
                     [&](const IdentitySet& s) { sets.insert(s); },
                     [&](const engine::OutsideOf& o) { sets.insert(o.sets.begin(), o.sets.end()); },
                     [&](const engine::IdentityPattern& p) { patterns.insert(p.pattern); },
                     [](const auto&) {},
                 },
                 caller);
    }
  }
  void Add(const engine::Condition& condition) {
    std::vector<const engine::CallerSet*> found;
    CollectCallerSets(condition, found);
    for (const engine::CallerSet* set : found) Add(*set);
  }
};

Named NamedIn(const engine::Model& model) {
  Named named;
  for (const engine::AccessRule& rule : model.access_rules) {
    for (const engine::CallerSet& set : rule.callers) named.Add(set);
    named.Add(rule.when);
  }
  for (const engine::Law& law : model.laws) {
    for (const engine::CallerSet& set : law.from) named.Add(set);
    named.Add(law.where);
  }
  return named;
}

// Identities that could call one day: see the class.
std::set<Identity> Imagined(const engine::Model& model, std::set<Place> places) {
  const Named named = NamedIn(model);
  std::set<Identity> imagined;
  std::set<std::string> trusts;
  for (const engine::Cluster& cluster : model.clusters) {
    trusts.insert(cluster.trust_domain);
    imagined.insert({cluster.trust_domain, kNewNamespace, kNewAccount});
  }
  for (const IdentitySet& set : named.sets) {
    for (const std::string& trust : trusts) {
      if (set.trust_domain.value_or(trust) != trust) continue;
      const std::string ns = set.ns.value_or(kNewNamespace);
      places.insert({trust, ns});
      imagined.insert({trust, ns, set.account.value_or(kNewAccount)});
    }
  }
  for (const auto& [trust, ns] : places) imagined.insert({trust, ns, kNewAccount});
  imagined.merge(
      DistinctIdentities({named.patterns.begin(), named.patterns.end()}, places, trusts));
  return imagined;
}

}  // namespace

void CollectCallerSets(const engine::Condition& condition,
                       std::vector<const engine::CallerSet*>& sets) {
  for (const engine::Condition& child : condition.children) CollectCallerSets(child, sets);
  if (!condition.matcher) return;
  if (const auto* match = std::get_if<engine::CallerMatch>(&*condition.matcher)) {
    for (const engine::CallerSet& set : match->any_of) sets.push_back(&set);
  }
}

Callers::Callers(const engine::Model& model) : model_(model) {
  Add({.source = {}, .identity = {}, .cluster = {}, .workspace = {}});
  std::set<std::pair<engine::ClusterId, Identity>> known;
  std::set<Place> places;
  for (std::uint32_t i = 0; i < model.workloads.size(); ++i) {
    const engine::Workload& w = model.workloads[i];
    Identity identity{model[w.cluster].trust_domain, w.ns, w.account};
    places.insert({identity.trust_domain, w.ns});
    if (!w.sidecar || !known.insert({w.cluster, identity}).second) continue;
    Add({{i}, std::move(identity), w.cluster, w.workspace});
  }
  for (const engine::Workspace& workspace : model.workspaces) {
    for (const auto& [cluster, ns] : workspace.namespaces) {
      places.insert({model[cluster].trust_domain, ns});
    }
  }
  for (const Identity& identity : Imagined(model, places)) {
    engine::ClusterId home;
    bool discovered = false;
    for (std::uint32_t c = 0; c < model.clusters.size(); ++c) {
      if (model.clusters[c].trust_domain != identity.trust_domain) continue;
      discovered = discovered || known.contains({{c}, identity});
      if (home.IsNone() || !model.OwnerOf({c}, identity.ns).IsNone()) home = {c};
    }
    if (discovered) continue;
    const engine::WorkspaceId owner =
        home.IsNone() ? engine::WorkspaceId{} : model.OwnerOf(home, identity.ns);
    Add({{}, identity, {}, owner});
  }
}

void Callers::Add(Candidate candidate) {
  const auto index = static_cast<std::uint32_t>(all_.size());
  if (candidate.identity) {
    by_ns_[candidate.identity->ns].push_back(index);
    by_account_[{candidate.identity->ns, candidate.identity->account}].push_back(index);
  }
  groups_[{.cluster = candidate.cluster,
           .workspace = candidate.workspace,
           .identity = candidate.identity.has_value(),
           .discovered = !candidate.source.IsNone()}]
      .push_back(index);
  all_.push_back(std::move(candidate));
}

std::vector<Candidate> Callers::Relevant(const std::vector<const engine::CallerSet*>& sets,
                                         engine::ClusterId cluster, bool anywhere,
                                         const Mark& mark) const {
  const auto kind = [&](const Candidate& c) {
    return std::pair(c.identity.has_value(), mark && mark(c));
  };
  const auto left_out = [&](bool discovered, engine::ClusterId at) {
    return !anywhere && discovered && at != cluster;
  };
  const Admitted admitted = AdmittedByAny(sets);
  std::set<std::uint32_t> chosen;
  std::set<std::pair<std::vector<std::uint32_t>, std::pair<bool, bool>>> seen;
  for (const auto& [i, by] : admitted) {
    if (left_out(!all_[i].source.IsNone(), all_[i].cluster)) continue;
    if (seen.insert({by, kind(all_[i])}).second) chosen.insert(i);
  }
  // Of the callers no set admits, the first of each kind.
  std::map<std::pair<bool, bool>, std::uint32_t> others;
  for (const auto& [group, members] : groups_) {
    if (left_out(group.discovered, group.cluster)) continue;
    const auto first = std::find_if(members.begin(), members.end(),
                                    [&](std::uint32_t i) { return !admitted.contains(i); });
    if (first == members.end()) continue;
    const auto [at, fresh] = others.try_emplace(kind(all_[*first]), *first);
    if (!fresh) at->second = std::min(at->second, *first);
  }
  for (const auto& [unused, i] : others) chosen.insert(i);
  std::vector<Candidate> relevant;
  for (const std::uint32_t i : chosen) {
    relevant.push_back(all_[i]);
    if (relevant.back().cluster.IsNone()) relevant.back().cluster = cluster;
  }
  return relevant;
}

std::vector<std::optional<std::size_t>> Callers::StandIns(
    const std::vector<const engine::CallerSet*>& sets, engine::ClusterId cluster,
    bool anywhere) const {
  const Admitted admitted = AdmittedByAny(sets);
  static const std::vector<std::uint32_t> kNone;
  std::map<std::pair<std::vector<std::uint32_t>, bool>, std::size_t> positions;
  std::vector<std::optional<std::size_t>> found(all_.size());
  for (std::uint32_t i = 0; i < all_.size(); ++i) {
    if (!anywhere && !all_[i].source.IsNone() && all_[i].cluster != cluster) continue;
    const auto by = admitted.find(i);
    const std::pair kind(by == admitted.end() ? kNone : by->second, all_[i].identity.has_value());
    found[i] = positions.try_emplace(kind, positions.size()).first->second;
  }
  return found;
}

Callers::Admitted Callers::AdmittedByAny(const std::vector<const engine::CallerSet*>& sets) const {
  Admitted admitted;
  for (std::uint32_t s = 0; s < sets.size(); ++s) {
    for (const std::uint32_t i : AdmittedBy(*sets[s])) {
      std::vector<std::uint32_t>& by = admitted[i];
      if (by.empty() || by.back() != s) by.push_back(s);
    }
  }
  return admitted;
}

std::vector<std::uint32_t> Callers::AdmittedBy(const engine::CallerSet& set) const {
  std::vector<std::uint32_t> found;
  for (const engine::Caller& caller : set.any_of) {
    const auto* identity = std::get_if<IdentitySet>(&caller);
    if (identity == nullptr || !identity->ns) return Scan(set);
    const auto take = [&](const auto& index, const auto& key) {
      const auto at = index.find(key);
      if (at == index.end()) return;
      for (const std::uint32_t i : at->second) {
        const Identity& known = *all_[i].identity;
        if (!identity->trust_domain || known.trust_domain == *identity->trust_domain) {
          found.push_back(i);
        }
      }
    };
    if (identity->account) {
      take(by_account_, std::pair(*identity->ns, *identity->account));
    } else {
      take(by_ns_, *identity->ns);
    }
  }
  return found;
}

// The same for a set that no namespace narrows.
std::vector<std::uint32_t> Callers::Scan(const engine::CallerSet& set) const {
  const auto [answer, fresh] = scanned_.try_emplace(set.any_of);
  if (!fresh) return answer->second;
  const std::vector<engine::CallerSet> sets{set};
  for (std::uint32_t i = 0; i < all_.size(); ++i) {
    if (engine::Admits(sets, all_[i].identity)) answer->second.push_back(i);
  }
  return answer->second;
}

}  // namespace weft::verifier
