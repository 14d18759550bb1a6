// What callers and gateways do: for every host whose routes, visibility or backends differ, the
// requests that one version treats otherwise than the other.
//
// A cell is a place (a gateway's listener, or a caller's sidecar), a host and a port, in which each
// version tries one list of rules. Requests on which two lists disagree are decided, in one of
// them, by a rule outside of a common subsequence of both: only those are asked about.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "engine/hosts.h"
#include "verifier/change_cell.h"
#include "verifier/change_work.h"
#include "verifier/sites.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

using engine::Layer;
using engine::Model;

// ---- gateways ---------------------------------------------------------------------------------

// Listeners that take the same connections, as far as the host does not decide.
struct Door {
  std::uint16_t port = 0;
  bool tls = false;
  Layer layer = Layer::kHttp;
  auto operator<=>(const Door&) const = default;
};

struct GatewayPlace {
  engine::GatewayId gateway;  // none: this version has none
  engine::ClusterId cluster;
};

// A name the pattern admits and no more specific pattern is likely to.
std::string Sample(const std::string& pattern) {
  if (pattern == "*") return "any-host.invalid";
  return pattern.starts_with("*.") ? "any-host" + pattern.substr(1) : pattern;
}

const engine::Listener* ListenerFor(const engine::Gateway& gateway, const Door& door,
                                    const std::string& host) {
  const engine::Listener* found = nullptr;
  for (const engine::Listener& listener : gateway.listeners) {
    if (listener.port != door.port || listener.tls.has_value() != door.tls ||
        LayerOfListener(listener) != door.layer) {
      continue;
    }
    if (!listener.hosts.empty() && !engine::BestHost(listener.hosts, host)) continue;
    if (found == nullptr || (found->hosts.empty() && !listener.hosts.empty())) found = &listener;
  }
  return found;
}

bool RunsOn(const Model& model, const GatewayPlace& place) {
  if (place.gateway.IsNone() || place.cluster.IsNone()) return false;
  const auto& clusters = model[place.gateway].clusters;
  return std::find(clusters.begin(), clusters.end(), place.cluster) != clusters.end();
}

CellSide GatewaySide(const Model& model, const GatewayPlace& place, const Door& door,
                     const std::string& pattern, const std::vector<std::string>& narrower) {
  CellSide side(model);
  side.site.host = pattern;
  side.site.more_specific = narrower;
  side.site.layer = side.site.base.layer = door.layer;
  side.site.port = side.site.base.port = door.port;
  side.site.base.tls = door.tls;
  side.site.base.plaintext = true;
  side.site.base.host = Sample(pattern);
  if (door.layer == Layer::kTls) side.site.base.sni = side.site.base.host;
  if (!RunsOn(model, place)) {
    side.Hide();
    return side;
  }
  side.site.gateway = side.site.base.gateway = place.gateway;
  side.site.cluster = side.site.base.cluster = place.cluster;
  side.site.sender = engine::GatewaySender(model, place.gateway, place.cluster);
  side.guard = model.GuardOf(place.gateway, place.cluster);
  const engine::Listener* listener = ListenerFor(model[place.gateway], door, side.site.base.host);
  if (listener == nullptr || listener->tls == engine::TlsMode::kIstioMutual) {
    side.Hide();
    return side;
  }
  side.listener = listener->span;
  side.site.tables = engine::TablesAtGateway(model, place.gateway, side.site.base.host);
  if (listener->redirect_https && door.layer == Layer::kHttp && !side.site.tables.empty()) {
    side.LeadToHttps();
  } else {
    OrderRules(side.site);
    side.TakeRules();
  }
  return side;
}

bool Narrower(const std::string& pattern, const std::string& other) {
  if (pattern == other || other == "*") return false;
  if (pattern == "*") return true;
  return pattern.starts_with("*.") && other.size() > pattern.size() - 1 &&
         other.ends_with(pattern.substr(1));
}

class GatewayRoutes {
 public:
  explicit GatewayRoutes(ChangeWork& work) : work_(work), forth_(work.before(), work.after()) {}

  void Run() {
    for (std::uint32_t i = 0; i < work_.after().gateways.size(); ++i) {
      Compare(work_.back().Of(engine::GatewayId{i}), {i});
    }
    for (std::uint32_t i = 0; i < work_.before().gateways.size(); ++i) {
      if (forth_.Of(engine::GatewayId{i}).IsNone()) Compare({i}, {});
    }
  }

 private:
  // By the name of the cluster, what each version has there.
  using Places = std::map<std::string, std::pair<GatewayPlace, GatewayPlace>>;

  void Compare(engine::GatewayId before, engine::GatewayId after) {
    Places places;
    std::set<Door> doors;
    std::set<std::string> hosts;
    const auto collect = [&](const Model& model, engine::GatewayId id, bool is_after) {
      if (id.IsNone()) return;
      for (const engine::ClusterId cluster : model[id].clusters) {
        auto& pair = places[model[cluster].name];
        (is_after ? pair.second : pair.first) = {id, cluster};
      }
      for (const engine::Listener& listener : model[id].listeners) {
        doors.insert({listener.port, listener.tls.has_value(), LayerOfListener(listener)});
        hosts.insert(listener.hosts.begin(), listener.hosts.end());
      }
      for (const engine::Table& table : model.tables) {
        const auto& bound = table.gateways;
        if (!table.root || std::find(bound.begin(), bound.end(), id) == bound.end()) continue;
        hosts.insert(table.hosts.begin(), table.hosts.end());
      }
    };
    collect(work_.before(), before, false);
    collect(work_.after(), after, true);
    for (const auto& [cluster, pair] : places) {
      for (const Door& door : doors) {
        for (const std::string& host : hosts) CompareHost(pair, door, host, hosts);
      }
    }
  }

  void CompareHost(const std::pair<GatewayPlace, GatewayPlace>& places, const Door& door,
                   const std::string& host, const std::set<std::string>& hosts) {
    std::vector<std::string> narrower;
    for (const std::string& other : hosts) {
      if (Narrower(host, other)) narrower.push_back(other);
    }
    const CellSide before = GatewaySide(work_.before(), places.first, door, host, narrower);
    const CellSide after = GatewaySide(work_.after(), places.second, door, host, narrower);
    const Model& model = before.site.gateway.IsNone() ? work_.after() : work_.before();
    const engine::GatewayId id =
        before.site.gateway.IsNone() ? after.site.gateway : before.site.gateway;
    if (id.IsNone()) return;
    CompareCell(work_, before, after,
                {.destination = host + " through gateway " + model[id].name,
                 .caller = "",
                 .anonymous = true});
  }

  ChangeWork& work_;
  Counterparts forth_;
};

// ---- sidecars ---------------------------------------------------------------------------------

// What a version does with a host called in a cluster.
struct HostSide {
  std::optional<engine::TargetRef> target;
  bool tabled = false;  // some table of sidecars may be about it
};

// Hosts that tables of sidecars name.
class TabledHosts {
 public:
  explicit TabledHosts(const Model& model) {
    for (const engine::Table& table : model.tables) {
      if (!table.root || !table.on_sidecars) continue;
      for (const std::string& host : table.hosts) {
        if (host.starts_with("*")) {
          wild_.push_back(host);
        } else {
          exact_.insert(host);
        }
      }
    }
  }
  [[nodiscard]] bool Has(const std::string& host) const {
    return exact_.contains(host) ||
           std::any_of(wild_.begin(), wild_.end(),
                       [&](const std::string& p) { return engine::HostMatches(p, host); });
  }

 private:
  std::set<std::string> exact_;
  std::vector<std::string> wild_;
};

std::set<std::pair<std::uint16_t, Layer>> PortsAt(const Model& model,
                                                  const engine::TargetRef& target,
                                                  engine::ClusterId cluster) {
  std::set<std::pair<std::uint16_t, Layer>> ports;
  for (const engine::ServicePort& p : engine::ServicePortsOf(model, target, cluster)) {
    ports.emplace(p.number, LayerOf(p));
  }
  return ports;
}

class SidecarRoutes {
 public:
  explicit SidecarRoutes(ChangeWork& work)
      : work_(work), tabled_before_(work.before()), tabled_after_(work.after()) {}

  void Run() {
    const std::set<std::string> hosts = Hosts();
    for (std::uint32_t c = 0; c < work_.after().clusters.size(); ++c) {
      const engine::ClusterId before = work_.back().Of(engine::ClusterId{c});
      if (before.IsNone()) continue;
      CollectCallers({c});
      if (callers_.empty()) continue;
      for (const std::string& host : hosts) CompareHost(before, {c}, host);
    }
  }

 private:
  // Every name by which something is called, in either version.
  [[nodiscard]] std::set<std::string> Hosts() const {
    std::set<std::string> hosts;
    for (const Model* model : {&work_.before(), &work_.after()}) {
      for (const engine::Service& s : model->services) hosts.insert(s.name + "." + s.ns);
      for (const engine::Destination& d : model->destinations) {
        hosts.insert(d.hosts.begin(), d.hosts.end());
      }
      for (const engine::External& e : model->externals) {
        for (const std::string& host : e.hosts) hosts.insert(Sample(host));
      }
    }
    return hosts;
  }

  // A caller in the ids of either version.
  using Caller = std::pair<engine::WorkloadId, engine::WorkloadId>;

  // Callers with a proxy in the cluster that both versions know. Where no table is about a host, a
  // caller's workspace and place alone say what its proxy does: those stand together.
  void CollectCallers(engine::ClusterId cluster) {
    callers_.clear();
    std::map<std::tuple<engine::WorkspaceId, engine::WorkspaceId, engine::Locality>, std::size_t>
        known;
    const Model& after = work_.after();
    for (std::uint32_t w = 0; w < after.workloads.size(); ++w) {
      const engine::Workload& workload = after.workloads[w];
      if (workload.cluster != cluster || !workload.sidecar) continue;
      const engine::WorkloadId before = work_.back().Of(engine::WorkloadId{w});
      if (before.IsNone()) continue;
      const auto [group, fresh] =
          known.try_emplace({work_.before()[before].workspace, workload.workspace,
                             engine::SidecarSender(after, {w}, cluster, {}).locality},
                            callers_.size());
      if (fresh) callers_.emplace_back();
      callers_[group->second].emplace_back(before, engine::WorkloadId{w});
    }
  }

  [[nodiscard]] static HostSide SideOf(const Model& model, const TabledHosts& tabled,
                                       const std::string& host, engine::ClusterId cluster) {
    HostSide side{engine::ResolveHost(model, host, "", cluster), false};
    if (!side.target) return side;
    side.tabled = tabled.Has(host);
    for (const std::string& name : engine::HostsOf(model, *side.target)) {
      side.tabled = side.tabled || tabled.Has(name);
    }
    return side;
  }

  void CompareHost(engine::ClusterId before, engine::ClusterId after, const std::string& host) {
    const HostSide old_side = SideOf(work_.before(), tabled_before_, host, before);
    const HostSide side = SideOf(work_.after(), tabled_after_, host, after);
    if (!old_side.target && !side.target) return;
    std::set<std::pair<std::uint16_t, Layer>> ports;
    if (old_side.target) ports.merge(PortsAt(work_.before(), *old_side.target, before));
    if (side.target) ports.merge(PortsAt(work_.after(), *side.target, after));
    const bool tabled = old_side.tabled || side.tabled;
    for (const auto& [port, layer] : ports) {
      std::map<engine::Locality, bool> same_default;  // what all do that know the host
      for (const std::vector<Caller>& group : callers_) {
        if (!tabled &&
            SameForGroup(old_side, side, group, {before, after, host, port, layer}, same_default)) {
          continue;
        }
        for (const auto& [old_caller, caller] : group) {
          const CellSide a =
              Sidecar(work_.before(), old_side, old_caller, before, host, port, layer);
          const CellSide b = Sidecar(work_.after(), side, caller, after, host, port, layer);
          if (SameCell(a, b)) continue;
          const Candidate candidate{
              .source = caller, .identity = b.site.peer, .cluster = after, .workspace = {}};
          CompareCell(work_, a, b,
                      {.destination = host + ":" + std::to_string(port),
                       .caller = CallerName(work_.after(), candidate),
                       .anonymous = false});
        }
      }
    }
  }

  struct Call {
    engine::ClusterId before, after;
    const std::string& host;
    std::uint16_t port;
    Layer layer;
  };

  // Without tables all proxies of a place that let calls to the host go do the same with them.
  [[nodiscard]] bool SameForGroup(const HostSide& old_side, const HostSide& side,
                                  const std::vector<Caller>& group, const Call& call,
                                  std::map<engine::Locality, bool>& same_default) const {
    const auto& [old_caller, caller] = group.front();
    const auto reaches = [](const Model& model, const HostSide& of, engine::WorkloadId id) {
      return of.target && engine::Reaches(model, model[id].workspace, *of.target);
    };
    const bool reached = reaches(work_.before(), old_side, old_caller);
    if (reached != reaches(work_.after(), side, caller)) return false;
    if (!reached) return true;
    const auto [known, fresh] = same_default.try_emplace(
        engine::SidecarSender(work_.after(), caller, call.after, {}).locality, false);
    if (fresh) {
      known->second = SameCell(
          Sidecar(work_.before(), old_side, old_caller, call.before, call.host, call.port,
                  call.layer),
          Sidecar(work_.after(), side, caller, call.after, call.host, call.port, call.layer));
    }
    return known->second;
  }

  static CellSide Sidecar(const Model& model, const HostSide& host_side, engine::WorkloadId caller,
                          engine::ClusterId cluster, const std::string& host, std::uint16_t port,
                          Layer layer) {
    const engine::Workload& workload = model[caller];
    CellSide side(model);
    side.site.cluster = cluster;
    side.site.host = host;
    side.site.target = host_side.target;
    side.site.layer = layer;
    side.site.port = port;
    side.site.peer = engine::Identity{model[cluster].trust_domain, workload.ns, workload.account};
    side.site.sender = engine::SidecarSender(model, caller, cluster, side.site.peer);
    engine::Request& base = side.site.base;
    base.layer = layer;
    base.source = caller;
    base.cluster = cluster;
    base.port = port;
    base.host = host;
    if (!host_side.target || !engine::Reaches(model, workload.workspace, *host_side.target)) {
      side.Hide();
      return side;
    }
    if (host_side.tabled && engine::IsVisible(model, workload.workspace, *host_side.target)) {
      side.site.tables = engine::TablesAtSidecar(model, caller, *host_side.target, host);
    }
    if (engine::HasLayer(side.site.tables, layer)) {
      OrderRules(side.site);
      side.TakeRules();
    } else {
      side.TakeDefault();
    }
    return side;
  }

  ChangeWork& work_;
  TabledHosts tabled_before_, tabled_after_;
  std::vector<std::vector<Caller>> callers_;  // in groups
};

}  // namespace

void CompareRoutes(ChangeWork& work) {
  GatewayRoutes(work).Run();
  SidecarRoutes(work).Run();
}

}  // namespace weft::verifier
