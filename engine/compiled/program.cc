#include "engine/compiled/program.h"

#include <algorithm>
#include <map>

#include "dsl/overloaded.h"

namespace weft::engine::compiled {
namespace {

const std::vector<CallerSet> kAnyone;

std::size_t LayerNumber(Layer layer) { return static_cast<std::size_t>(layer); }

template <typename List, typename Value>
bool Contains(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Whether sidecars of the workload use the table.
bool Applies(const Table& table, const Workload& workload) {
  if (!table.root || !table.on_sidecars) return false;
  if (!Contains(table.sidecars_of, workload.workspace)) return false;
  if (!table.workloads) return true;
  return std::includes(workload.labels.begin(), workload.labels.end(), table.workloads->begin(),
                       table.workloads->end());
}

Identity IdentityOf(const Model& model, const Workload& workload) {
  return {model[workload.cluster].trust_domain, workload.ns, workload.account};
}

}  // namespace

Program::Program(const Model& from)
    : model(from),
      guards(from, book, conditions),
      services(from, conditions),
      delivery(from),
      names(from) {
  for (const Service& service : model.services) {
    service_hosts.push_back(service.name + "." + service.ns + ".svc.cluster.local");
  }
  AddTables();
  for (const Workload& workload : model.workloads) {
    conditions.names().AddParts(IdentityOf(model, workload));
  }
  for (std::uint32_t i = 0; i < model.clusters.size(); ++i) {
    localities.push_back(delivery.AddPlace({}, ClusterId{i}).locality);
  }
  AddClients();
  AddGateways();
  delivery.Prepare();
}

CompiledRoute Program::MakeRoute(const RouteRule& rule) {
  CompiledRoute route{.rule = &rule, .forwards = {}, .rewrite = {}};
  if (const auto* forwards = std::get_if<std::vector<Forward>>(&rule.action)) {
    for (const Forward& forward : *forwards) {
      if (forward.weight <= 0) continue;
      route.forwards.push_back({&forward, delivery.AddPlan(forward.target, forward.subset)});
    }
  }
  const std::optional<Rewrite>& rewrite = rule.modifiers.rewrite;
  if (rewrite && rewrite->path) route.rewrite.emplace(rule, *rewrite, conditions.regexes());
  return route;
}

void Program::AddTables() {
  for (const Table& table : model.tables) {
    std::vector<Rule> rules[CompiledTable::kLayers];
    std::vector<Rule> otherwise[CompiledTable::kLayers];
    CompiledTable& compiled = tables.emplace_back();
    if (!table.root) continue;  // its rules stand in its parents
    for (const RouteRule& rule : table.rules) {
      const std::size_t layer = LayerNumber(rule.layer);
      compiled.has_layer[layer] = true;
      auto& list = rule.otherwise ? otherwise[layer] : rules[layer];
      list.push_back({kAnyone, rule.match, static_cast<std::uint32_t>(routes.size())});
      routes.push_back(MakeRoute(rule));
    }
    for (std::size_t layer = 0; layer < CompiledTable::kLayers; ++layer) {
      compiled.rules[layer] = book.Add(rules[layer], Traffic::kRequest, conditions);
      compiled.otherwise[layer] = book.Add(otherwise[layer], Traffic::kRequest, conditions);
    }
  }
}

void Program::AddClients() {
  std::map<std::vector<std::uint32_t>, std::uint32_t> known;
  for (std::uint32_t i = 0; i < model.workloads.size(); ++i) {
    const Workload& workload = model.workloads[i];
    std::vector<std::uint32_t> applicable;
    for (std::uint32_t t = 0; t < model.tables.size(); ++t) {
      if (Applies(model.tables[t], workload)) applicable.push_back(t);
    }
    const auto [scope, fresh] =
        known.try_emplace(applicable, static_cast<std::uint32_t>(scopes.size()));
    if (fresh) AddScope(std::move(applicable));
    const Place place = delivery.AddPlace(WorkloadId{i}, workload.cluster);
    Client client;
    client.peer = PeerOf(workload);
    client.scope = scope->second;
    client.namespace_number = names.NamespaceNumber(workload.ns);
    if (!workload.localities.empty()) client.locality = place.locality;
    client.workspace = workload.workspace;
    client.proxied = workload.sidecar;
    client.trimmed = !workload.workspace.IsNone() && model[workload.workspace].trim;
    clients.push_back(client);
  }
}

Peer Program::PeerOf(const Workload& workload) {
  const Identity identity = IdentityOf(model, workload);
  Peer peer = conditions.names().PeerOf(identity);
  if (conditions.needs_uri()) peer.uri = uris.emplace_back(identity.Uri());
  return peer;
}

void Program::AddScope(std::vector<std::uint32_t> applicable) {
  Scope& scope = scopes.emplace_back();
  scope.tables = std::move(applicable);
  for (const std::uint32_t table : scope.tables) {
    for (const std::string& host : model.tables[table].hosts) scope.hosts.Add(host, table);
  }
  for (const std::string& host : service_hosts) {
    scope.routed.push_back(scope.hosts.Find(host).rank != 0);
  }
}

void Program::AddGateways() {
  for (std::uint32_t g = 0; g < model.gateways.size(); ++g) {
    const Gateway& gateway = model.gateways[g];
    CompiledGateway& compiled = gateways.emplace_back();
    for (const Listener& listener : gateway.listeners) {
      CompiledListener& entry = compiled.listeners.emplace_back();
      entry.listener = &listener;
      for (const std::string& host : listener.hosts) entry.hosts.Add(host, 0);
    }
    for (std::uint32_t t = 0; t < model.tables.size(); ++t) {
      const Table& table = model.tables[t];
      if (!table.root || !Contains(table.gateways, GatewayId{g})) continue;
      for (const std::string& host : table.hosts) compiled.tables.Add(host, t);
    }
    for (std::uint32_t c = 0; c < model.clusters.size(); ++c) {
      compiled.in.push_back(ProxiesOf(GatewayId{g}, ClusterId{c}));
    }
  }
}

GatewayProxies Program::ProxiesOf(GatewayId gateway, ClusterId cluster) {
  GatewayProxies proxies{.peer = std::nullopt,
                         .place = delivery.AddPlace({}, cluster),
                         .guard = NumberOf(model, model.GuardOf(gateway, cluster))};
  const auto& workloads = model[gateway].workloads;
  const auto at = std::find_if(workloads.begin(), workloads.end(),
                               [&](WorkloadId id) { return model[id].cluster == cluster; });
  if (at == workloads.end()) return proxies;
  proxies.place = delivery.AddPlace(*at, cluster);
  proxies.peer = PeerOf(model[*at]);
  return proxies;
}

}  // namespace weft::engine::compiled
