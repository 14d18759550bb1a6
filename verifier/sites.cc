#include "verifier/sites.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "engine/hosts.h"
#include "engine/match.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

using engine::Layer;
using engine::Model;
using engine::RouteRule;
using engine::Table;

Pattern HostPattern(const std::string& host) {
  if (host == "*") return Present{};
  // At least one character stands before the suffix.
  if (host.starts_with("*.")) return Regex{"." + engine::ToRegex(Suffix{host.substr(1)})};
  return Exact{host};
}

// As engine/evaluate.cc FirstMatch: `otherwise` rules after all others.
std::vector<const RouteRule*> Ordered(const std::vector<const Table*>& tables, Layer layer) {
  std::vector<const RouteRule*> rules;
  for (const bool otherwise : {false, true}) {
    for (const Table* table : tables) {
      for (const RouteRule& rule : table->rules) {
        if (rule.otherwise == otherwise && rule.layer == layer) rules.push_back(&rule);
      }
    }
  }
  return rules;
}

bool Overlaps(const std::string& a, const std::string& b) {
  if (a == b || a == "*" || b == "*") return true;
  return engine::HostMatches(a, b) || engine::HostMatches(b, a) ||
         (a.starts_with("*.") && b.starts_with("*.") &&
          (a.ends_with(b.substr(1)) || b.ends_with(a.substr(1))));
}

bool ListenerServes(const engine::Listener& listener, const std::string& host) {
  if (listener.hosts.empty()) return true;
  return std::any_of(listener.hosts.begin(), listener.hosts.end(),
                     [&](const std::string& h) { return Overlaps(h, host); });
}

// Tables of the gateway by host pattern.
std::map<std::string, std::vector<const Table*>> TablesByHost(const Model& model,
                                                              engine::GatewayId gateway) {
  std::map<std::string, std::vector<const Table*>> tables;
  for (const Table& table : model.tables) {
    const auto& bound = table.gateways;
    if (!table.root || std::find(bound.begin(), bound.end(), gateway) == bound.end()) continue;
    const std::set<std::string> hosts(table.hosts.begin(), table.hosts.end());
    for (const std::string& host : hosts) tables[host].push_back(&table);
  }
  return tables;
}

}  // namespace

Layer LayerOfListener(const engine::Listener& listener) {
  const bool raw = listener.protocol == engine::PortProtocol::kTcp ||
                   listener.protocol == engine::PortProtocol::kTls;
  if (listener.tls == engine::TlsMode::kPassthrough ||
      listener.tls == engine::TlsMode::kAutoPassthrough) {
    return Layer::kTls;
  }
  return raw ? Layer::kTcp : Layer::kHttp;
}

std::vector<Site> GatewaySites(const Model& model) {
  std::vector<Site> sites;
  for (std::uint32_t g = 0; g < model.gateways.size(); ++g) {
    const engine::Gateway& gateway = model.gateways[g];
    const auto by_host = TablesByHost(model, {g});
    for (const engine::ClusterId cluster : gateway.clusters) {
      for (const engine::Listener& listener : gateway.listeners) {
        for (const auto& [host, tables] : by_host) {
          if (!ListenerServes(listener, host) || listener.redirect_https ||
              listener.tls == engine::TlsMode::kIstioMutual)
            continue;
          Site site{.gateway = {g},
                    .cluster = cluster,
                    .listener = &listener,
                    .host = host,
                    .more_specific = {},
                    .target = {},
                    .layer = LayerOfListener(listener),
                    .port = listener.port,
                    .tables = tables,
                    .rules = {},
                    .sender = engine::GatewaySender(model, {g}, cluster),
                    .peer = {},
                    .base = {}};
          for (const auto& [other, unused] : by_host) {
            if (other == host || !Overlaps(other, host)) continue;
            if (engine::HostRank(other, other.starts_with("*.") ? "x" + other.substr(1) : other) >
                engine::HostRank(host, host.starts_with("*.") ? "x" + host.substr(1) : host)) {
              site.more_specific.push_back(other);
            }
          }
          site.rules = Ordered(tables, site.layer);
          site.base.layer = site.layer;
          site.base.gateway = {g};
          site.base.cluster = cluster;
          site.base.port = listener.port;
          site.base.tls = listener.tls.has_value();
          site.base.plaintext = true;
          site.base.host = host;
          sites.push_back(std::move(site));
        }
      }
    }
  }
  return sites;
}

namespace {

// The sites of one workload's sidecar at the hosts of the table.
void AddSites(const Model& model, const Table& table, engine::WorkloadId caller,
              std::vector<Site>& sites) {
  const engine::Workload& workload = model[caller];
  for (const std::string& pattern : table.hosts) {
    const std::string host = pattern.starts_with("*.") ? "x" + pattern.substr(1) : pattern;
    const auto target = engine::ResolveHost(model, host, workload.ns, workload.cluster);
    if (!target) continue;
    for (const engine::ServicePort& p : engine::ServicePortsOf(model, *target, workload.cluster)) {
      const std::uint16_t port = p.number;
      const Layer layer = LayerOf(p);
      Site site{.gateway = {},
                .cluster = workload.cluster,
                .listener = nullptr,
                .host = host,
                .more_specific = {},
                .target = target,
                .layer = layer,
                .port = port,
                .tables = engine::TablesAtSidecar(model, caller, *target, host),
                .rules = {},
                .sender = {},
                .peer = engine::Identity{model[workload.cluster].trust_domain, workload.ns,
                                         workload.account},
                .base = {}};
      site.rules = Ordered(site.tables, layer);
      site.sender = engine::SidecarSender(model, caller, workload.cluster, site.peer);
      site.base.layer = layer;
      site.base.source = caller;
      site.base.cluster = workload.cluster;
      site.base.port = port;
      site.base.host = host;
      sites.push_back(std::move(site));
    }
  }
}

// Sites of the workloads that use the table, of those with one key the first.
template <typename KeyOf>
void AddSidecars(const Model& model, const Table& table, KeyOf key_of, std::vector<Site>& sites) {
  std::set<decltype(key_of(model.workloads.front()))> seen;
  const auto& of = table.sidecars_of;
  for (std::uint32_t w = 0; w < model.workloads.size(); ++w) {
    const engine::Workload& workload = model.workloads[w];
    if (!workload.sidecar || std::find(of.begin(), of.end(), workload.workspace) == of.end()) {
      continue;
    }
    if (table.workloads && !engine::Selects(*table.workloads, workload.labels)) continue;
    if (seen.insert(key_of(workload)).second) AddSites(model, table, {w}, sites);
  }
}

}  // namespace

std::vector<Site> SidecarSites(const Model& model) {
  std::vector<Site> sites;
  // A representative caller for each (cluster, workspace, table): tables differ by who uses them.
  for (const Table& table : model.tables) {
    if (!table.root || !table.on_sidecars) continue;
    AddSidecars(
        model, table, [](const engine::Workload& w) { return std::pair(w.cluster, w.workspace); },
        sites);
  }
  return sites;
}

std::vector<Site> SidecarSitesOf(const Model& model, const Table& table) {
  std::vector<Site> sites;
  if (!table.root || !table.on_sidecars) return sites;
  AddSidecars(
      model, table,
      [](const engine::Workload& w) { return std::tuple(w.cluster, w.ns, w.account, w.labels); },
      sites);
  return sites;
}

void OrderRules(Site& site) { site.rules = Ordered(site.tables, site.layer); }

FormulaId Region(Space& space, Formulas& formulas, const Site& site) {
  if (site.gateway.IsNone()) return kTrue;
  const bool by_sni = site.layer == Layer::kTls;
  const auto in = [&](const std::string& host) {
    return by_sni ? space.SniIn(HostPattern(host)) : space.HostIn(HostPattern(host));
  };
  std::vector<FormulaId> all{in(site.host)};
  for (const std::string& other : site.more_specific) all.push_back(formulas.Not(in(other)));
  if (!site.listener->hosts.empty()) {
    std::vector<FormulaId> any;
    for (const std::string& host : site.listener->hosts) any.push_back(in(host));
    all.push_back(formulas.Or(std::move(any)));
  }
  return formulas.And(std::move(all));
}

FormulaId MatchesAt(Space& space, const Site& site, const RouteRule& rule) {
  return space.Encode(rule.match, {.rule = nullptr, .port = site.port, .peer = &site.peer});
}

FormulaId Decides(Space& space, Formulas& formulas, const Site& site, std::size_t index) {
  std::vector<FormulaId> all{Region(space, formulas, site)};
  all.push_back(MatchesAt(space, site, *site.rules[index]));
  for (std::size_t i = 0; i < index; ++i) {
    all.push_back(formulas.Not(MatchesAt(space, site, *site.rules[i])));
  }
  return formulas.And(std::move(all));
}

namespace {

// `csrf`: a request that changes something comes from the host it goes to. Other origins are not
// looked at: a request with one of them does what the same request from here does.
FormulaId TakesOrigin(Space& space, Formulas& formulas, const Site& site, const RouteRule& rule) {
  const auto& csrf = rule.modifiers.csrf;
  if (!csrf || csrf->shadow || csrf->share < 100) return kTrue;
  const engine::Condition changes =
      engine::Condition::Of(engine::MethodMatch{{"POST", "PUT", "DELETE", "PATCH"}}, csrf->span);
  const FormulaId harmless =
      formulas.Not(space.Encode(changes, {.rule = nullptr, .port = site.port, .peer = &site.peer}));
  return formulas.Or({harmless, space.FromHere()});
}

}  // namespace

// The host that servers see, where it is fixed: as the rule sends it, or as it is called at a
// sidecar.
static const std::string* HostSent(const Site& site, const RouteRule& rule,
                                   const engine::Forward& forward) {
  if (!forward.host.empty()) return &forward.host;
  const bool rewritten = rule.modifiers.rewrite && rule.modifiers.rewrite->host;
  return site.gateway.IsNone() && !rewritten ? &site.base.host : nullptr;
}

FormulaId ServedBy(Space& space, Formulas& formulas, const Model& model, const Site& site,
                   const RouteRule& rule) {
  const engine::Guard* guard =
      site.gateway.IsNone() ? nullptr : model.GuardOf(site.gateway, site.cluster);
  const FormulaId entry =
      Passes(space, formulas, model, guard, site.layer,
             {.rule = nullptr, .port = site.port, .peer = &site.peer}, &rule.modifiers);
  const FormulaId taken = TakesOrigin(space, formulas, site, rule);
  const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
  if (forwards == nullptr) return formulas.And({entry, taken});
  if (rule.modifiers.abort && rule.modifiers.abort->share >= 100) return kFalse;
  std::vector<FormulaId> any;
  for (const engine::Forward& forward : *forwards) {
    if (forward.weight <= 0) continue;
    const std::uint16_t port = engine::PortOf(model, forward, site.base, site.cluster);
    if (!engine::HasPort(model, forward.target, site.cluster, port)) continue;
    const auto tiers =
        engine::TiersOf(model, forward.target, forward.subset, site.sender, site.base);
    if (tiers.empty()) continue;
    static const std::optional<engine::Identity> kNobody;
    std::vector<FormulaId> all;
    for (const engine::Backend& backend : tiers.front().backends) {
      const engine::Checkpoint at =
          engine::CheckpointOf(model, forward.target, backend, port, site.sender);
      const View view{.rule = &rule,
                      .port = at.port,
                      .peer = at.identified ? &site.sender.identity : &kNobody,
                      .host = HostSent(site, rule, forward)};
      all.push_back(at.reached ? Passes(space, formulas, model, at.guard, site.layer, view)
                               : kFalse);
    }
    any.push_back(formulas.And(std::move(all)));
  }
  return formulas.And({entry, taken, formulas.Or(std::move(any))});
}

engine::Request RequestAt(const Site& site, const Found& found) {
  engine::Request request = found.Request(site.base);
  if (site.gateway.IsNone()) {
    // The name that is called is the one asked for, unless a rule needs another.
    request.host = site.base.host;
    if (site.layer == Layer::kTls && request.sni.empty()) request.sni = request.host;
    return request;
  }
  if (request.tls && site.layer == Layer::kHttp) request.sni = request.host;
  if (site.layer == Layer::kTls) request.host = request.sni;
  return request;
}

}  // namespace weft::verifier
