#include "engine/hosts.h"

#include <algorithm>

#include "dsl/overloaded.h"
#include "engine/request.h"

namespace weft::engine {
namespace {

// Keeps the tables whose best host for one of `names` ranks highest.
class BestTables {
 public:
  void Offer(const Table& table, std::size_t rank) {
    if (rank == 0 || rank < best_) return;
    if (rank > best_) tables_.clear();
    best_ = rank;
    tables_.push_back(&table);
  }
  [[nodiscard]] std::vector<const Table*> Take() { return std::move(tables_); }

 private:
  std::size_t best_ = 0;
  std::vector<const Table*> tables_;
};

std::size_t RankIn(const std::vector<std::string>& patterns, std::string_view host) {
  std::size_t best = 0;
  for (const std::string& pattern : patterns) best = std::max(best, HostRank(pattern, host));
  return best;
}

ServiceId ServiceUnderName(const Model& model, std::string_view host, std::string_view ns,
                           ClusterId cluster) {
  const std::string domain_suffix = ".svc." + model[cluster].domain;
  if (host.size() > domain_suffix.size() && host.ends_with(domain_suffix)) {
    host.remove_suffix(domain_suffix.size());
  } else if (host.ends_with(".svc")) {
    host.remove_suffix(4);
  }
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos) return model.FindService(std::string(ns), std::string(host));
  if (host.find('.', dot + 1) != std::string_view::npos) return {};
  return model.FindService(std::string(host.substr(dot + 1)), std::string(host.substr(0, dot)));
}

}  // namespace

bool HostMatches(std::string_view pattern, std::string_view host) {
  return HostRank(pattern, host) > 0;
}

std::size_t HostRank(std::string_view pattern, std::string_view host) {
  if (pattern == "*") return 1;
  if (pattern.starts_with("*.")) {
    const std::string_view suffix = pattern.substr(1);
    return host.size() > suffix.size() && host.ends_with(suffix) ? 1 + suffix.size() : 0;
  }
  return pattern == host ? 1'000'000 : 0;
}

std::optional<std::string> BestHost(const std::vector<std::string>& patterns,
                                    std::string_view host) {
  std::optional<std::string> best;
  std::size_t rank = 0;
  for (const std::string& pattern : patterns) {
    const std::size_t here = HostRank(pattern, host);
    if (here <= rank) continue;
    rank = here;
    best = pattern;
  }
  return best;
}

const Listener* ListenerFor(const Gateway& gateway, const Request& request) {
  const Listener* found = nullptr;
  const Listener* other = nullptr;
  for (const Listener& listener : gateway.listeners) {
    if (listener.port != request.port || listener.tls.has_value() != request.tls) continue;
    const std::string& name = request.tls ? request.sni : request.host;
    if (!listener.hosts.empty() && !BestHost(listener.hosts, name)) {
      if (other == nullptr) other = &listener;
      continue;
    }
    if (found == nullptr || (found->hosts.empty() && !listener.hosts.empty())) found = &listener;
  }
  const bool by_port = !request.tls && request.layer == Layer::kHttp;
  return found == nullptr && by_port ? other : found;
}

std::vector<const Table*> TablesAtGateway(const Model& model, GatewayId gateway,
                                          std::string_view host) {
  BestTables best;
  for (const Table& table : model.tables) {
    const auto& bound = table.gateways;
    if (!table.root || std::find(bound.begin(), bound.end(), gateway) == bound.end()) continue;
    best.Offer(table, RankIn(table.hosts, host));
  }
  return best.Take();
}

bool HasLayer(const std::vector<const Table*>& tables, Layer layer) {
  return std::any_of(tables.begin(), tables.end(), [&](const Table* table) {
    return std::any_of(table->rules.begin(), table->rules.end(),
                       [&](const RouteRule& rule) { return rule.layer == layer; });
  });
}

namespace {

// The names under which tables may speak of the target.
std::vector<std::string> NamesCalled(const Model& model, const TargetRef& target,
                                     std::string_view host) {
  std::vector<std::string> names = HostsOf(model, target);
  // A wildcard host of an external service is called by a concrete name.
  if (!std::holds_alternative<ServiceId>(target)) names.emplace_back(host);
  return names;
}

std::size_t RankIn(const Table& table, const std::vector<std::string>& names) {
  std::size_t rank = 0;
  for (const std::string& name : names) rank = std::max(rank, RankIn(table.hosts, name));
  return rank;
}

}  // namespace

std::vector<const Table*> SidecarTablesNaming(const Model& model, const TargetRef& target,
                                              std::string_view host) {
  const std::vector<std::string> names = NamesCalled(model, target, host);
  std::vector<const Table*> tables;
  for (const Table& table : model.tables) {
    if (table.root && table.on_sidecars && RankIn(table, names) > 0) tables.push_back(&table);
  }
  return tables;
}

std::vector<const Table*> TablesAtSidecar(const Model& model, WorkloadId source,
                                          const TargetRef& target, std::string_view host) {
  const Workload& workload = model[source];
  const std::vector<std::string> names = NamesCalled(model, target, host);
  BestTables best;
  for (const Table& table : model.tables) {
    if (!table.root || !table.on_sidecars) continue;
    const auto& of = table.sidecars_of;
    if (std::find(of.begin(), of.end(), workload.workspace) == of.end()) continue;
    if (table.workloads && !Selects(*table.workloads, workload.labels)) continue;
    best.Offer(table, RankIn(table, names));
  }
  return best.Take();
}

std::vector<std::string> HostsOf(const Model& model, const TargetRef& target) {
  return std::visit(Overloaded{
                        [&](ServiceId id) {
                          return std::vector<std::string>{model[id].name + "." + model[id].ns +
                                                          ".svc.cluster.local"};
                        },
                        [&](DestinationId id) { return model[id].hosts; },
                        [&](ExternalId id) { return model[id].hosts; },
                    },
                    target);
}

std::optional<TargetRef> ResolveHost(const Model& model, std::string_view host, std::string_view ns,
                                     ClusterId cluster) {
  for (std::uint32_t i = 0; i < model.destinations.size(); ++i) {
    const auto& hosts = model.destinations[i].hosts;
    if (std::find(hosts.begin(), hosts.end(), host) != hosts.end()) {
      return TargetRef(DestinationId{i});
    }
  }
  const ServiceId service = ServiceUnderName(model, host, ns, cluster);
  if (!service.IsNone() && model[service].In(cluster) != nullptr) return TargetRef(service);
  std::optional<TargetRef> found;
  std::size_t best = 0;
  for (std::uint32_t i = 0; i < model.externals.size(); ++i) {
    const std::size_t rank = RankIn(model.externals[i].hosts, host);
    if (rank <= best) continue;
    best = rank;
    found = TargetRef(ExternalId{i});
  }
  return found;
}

}  // namespace weft::engine
