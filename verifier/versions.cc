#include "verifier/versions.h"

#include <algorithm>
#include <vector>

#include "dsl/overloaded.h"

namespace weft::verifier {
namespace {

using engine::Model;

// New numbers of one kind of entity, by old number.
using Numbers = std::vector<std::uint32_t>;

std::string NameIn(const Model& model, engine::WorkspaceId workspace) {
  return workspace.IsNone() ? "" : model[workspace].name;
}

std::string KeyOf(const Model& model, const engine::JwtProvider& jwt) {
  return NameIn(model, jwt.workspace) + "/" + jwt.name;
}
std::string KeyOf(const Model& /*model*/, const engine::Authorizer& authorizer) {
  return authorizer.name;
}

// Gives `before` the numbers `after` has for the same names; either list gets placeholders for what
// only the other has. Returns the new numbers of `before`.
template <typename Entity>
Numbers Unite(const Model& before, std::vector<Entity>& old, const Model& after,
              std::vector<Entity>& now) {
  std::map<std::string, std::uint32_t> places;
  std::vector<Entity> united;
  for (const Entity& entity : now) {
    places.emplace(KeyOf(after, entity), static_cast<std::uint32_t>(united.size()));
    united.push_back(Entity{.name = entity.name});
  }
  Numbers numbers;
  for (const Entity& entity : old) {
    const auto same = places.find(KeyOf(before, entity));
    if (same != places.end()) {
      numbers.push_back(same->second);
      united[same->second] = entity;
      places.erase(same);
      continue;
    }
    numbers.push_back(static_cast<std::uint32_t>(united.size()));
    united.push_back(entity);
    now.push_back(Entity{.name = entity.name});
  }
  old = std::move(united);
  return numbers;
}

class Renumber {
 public:
  Renumber(Numbers jwts, Numbers authorizers)
      : jwts_(std::move(jwts)), authorizers_(std::move(authorizers)) {}

  void Apply(Model& model) const {
    for (engine::AccessRule& rule : model.access_rules) Apply(rule.when);
    for (engine::Limit& limit : model.limits) {
      Apply(limit.when);
      for (engine::LimitKey& key : limit.per) Set(key.provider);
    }
    for (engine::Guard& guard : model.guards) {
      for (engine::Authentication& one : guard.authentication) Set(one.provider);
      Apply(guard.authorization);
    }
    for (engine::Table& table : model.tables) {
      for (engine::RouteRule& rule : table.rules) {
        Apply(rule.match);
        Apply(rule.modifiers.authorization);
        if (!rule.modifiers.authentication) continue;
        for (engine::JwtId& provider : rule.modifiers.authentication->providers) Set(provider);
        Apply(rule.modifiers.authentication->require);
      }
    }
  }

 private:
  void Set(engine::JwtId& id) const {
    if (!id.IsNone()) id.value = jwts_[id.index()];
  }

  void Apply(std::vector<engine::ExternalAuthorization>& asked) const {
    for (engine::ExternalAuthorization& one : asked) {
      if (!one.provider.IsNone()) one.provider.value = authorizers_[one.provider.index()];
      Apply(one.when);
    }
  }

  void Apply(engine::Condition& condition) const {
    for (engine::Condition& child : condition.children) Apply(child);
    if (!condition.matcher) return;
    std::visit(Overloaded{
                   [&](engine::JwtMatch& match) { Set(match.provider); },
                   [&](engine::ClaimMatch& match) { Set(match.provider); },
                   [](auto&) {},
               },
               *condition.matcher);
  }

  Numbers jwts_, authorizers_;
};

}  // namespace

std::shared_ptr<const Versions> Align(const Model& before, const Model& after) {
  auto versions = std::make_shared<Versions>(Versions{before, after});
  Model& old = versions->before;
  Model& now = versions->after;
  old.laws.clear();
  now.laws.clear();
  const Numbers jwts = Unite(old, old.jwts, now, now.jwts);
  const Numbers authorizers = Unite(old, old.authorizers, now, now.authorizers);
  Renumber(jwts, authorizers).Apply(old);
  return versions;
}

Counterparts::Counterparts(const Model& from, const Model& to) : from_(from), to_(to) {
  for (std::uint32_t i = 0; i < to.workloads.size(); ++i) {
    const engine::Workload& w = to.workloads[i];
    workloads_.emplace(std::tuple(to[w.cluster].name, w.ns, w.name), engine::WorkloadId{i});
  }
  for (std::uint32_t i = 0; i < to.destinations.size(); ++i) {
    const engine::Destination& d = to.destinations[i];
    destinations_.emplace(Name{NameIn(to, d.workspace), d.name}, engine::DestinationId{i});
  }
  for (std::uint32_t i = 0; i < to.externals.size(); ++i) {
    const engine::External& e = to.externals[i];
    externals_.emplace(Name{NameIn(to, e.workspace), e.name}, engine::ExternalId{i});
  }
  for (std::uint32_t i = 0; i < to.gateways.size(); ++i) {
    const engine::Gateway& g = to.gateways[i];
    gateways_.emplace(Name{NameIn(to, g.workspace), g.name}, engine::GatewayId{i});
  }
}

engine::ClusterId Counterparts::Of(engine::ClusterId id) const {
  return id.IsNone() ? id : to_.FindCluster(from_[id].name);
}

engine::WorkspaceId Counterparts::Of(engine::WorkspaceId id) const {
  return id.IsNone() ? id : to_.FindWorkspace(from_[id].name);
}

engine::WorkloadId Counterparts::Of(engine::WorkloadId id) const {
  if (id.IsNone()) return id;
  const engine::Workload& w = from_[id];
  const auto at = workloads_.find({from_[w.cluster].name, w.ns, w.name});
  return at == workloads_.end() ? engine::WorkloadId{} : at->second;
}

engine::ServiceId Counterparts::Of(engine::ServiceId id) const {
  return to_.FindService(from_[id].ns, from_[id].name);
}

engine::GatewayId Counterparts::Of(engine::GatewayId id) const {
  const auto at = gateways_.find({NameIn(from_, from_[id].workspace), from_[id].name});
  return at == gateways_.end() ? engine::GatewayId{} : at->second;
}

std::optional<engine::TargetRef> Counterparts::Of(const engine::TargetRef& target) const {
  const auto found = [](auto id) -> std::optional<engine::TargetRef> {
    if (id.IsNone()) return std::nullopt;
    return engine::TargetRef(id);
  };
  const auto look = [&](const auto& entity, const auto& by_name) {
    const auto at = by_name.find(Name{NameIn(from_, entity.workspace), entity.name});
    return at == by_name.end() ? std::optional<engine::TargetRef>() : found(at->second);
  };
  return std::visit(Overloaded{
                        [&](engine::ServiceId id) { return found(Of(id)); },
                        [&](engine::DestinationId id) { return look(from_[id], destinations_); },
                        [&](engine::ExternalId id) { return look(from_[id], externals_); },
                    },
                    target);
}

Candidate Counterparts::Of(const Candidate& candidate) const {
  return {.source = Of(candidate.source),
          .identity = candidate.identity,
          .cluster = Of(candidate.cluster),
          .workspace = Of(candidate.workspace)};
}

}  // namespace weft::verifier
