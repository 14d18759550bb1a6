// networking.istio.io/v1 VirtualService; istio/api networking/v1/virtual_service.proto
//
// Tables that share a host are merged here, in the order the model gives them, because Istio orders
// objects by age: every host at a gateway, and every host for a namespace of callers, is in exactly
// one object.
#include <algorithm>
#include <cmath>
#include <set>

#include "dsl/overloaded.h"
#include "emit/codes.h"
#include "emit/istio/egress.h"
#include "emit/istio/emitter.h"
#include "emit/istio/envoy_filter.h"
#include "emit/istio/rewrite.h"
#include "emit/istio/route_match.h"
#include "engine/hosts.h"
#include "engine/match.h"

namespace weft::emit::istio {
namespace {

using engine::RouteRule;
using engine::Table;

Value Destination(const Emitter& e, const engine::Forward& forward, const RoutePlace& place) {
  Value destination;
  if (const auto egress = EgressOf(e, forward.target, forward.port, place.at)) {
    destination["host"] = e.HostOf(egress->service);
    destination["subset"] = egress->subset;
    destination["port"]["number"] = egress->listener->port;
    return destination;
  }
  destination["host"] = e.HostOf(forward.target);
  if (!forward.subset.empty()) destination["subset"] = forward.subset;
  if (forward.port != 0) destination["port"]["number"] = forward.port;
  return destination;
}

// At a gateway the listener's port says nothing about the target's.
engine::Forward WithPort(const Emitter& e, engine::Forward forward, engine::Layer layer) {
  if (forward.port != 0) return forward;
  std::vector<engine::ServicePort> ports;
  std::visit(Overloaded{
                 [&](engine::ServiceId id) {
                   if (const auto* i = e.model[id].In(e.cluster)) ports = i->ports;
                 },
                 [&](engine::DestinationId id) { ports = e.model[id].ports; },
                 [&](engine::ExternalId id) {
                   for (const auto& p : e.model[id].ports) ports.push_back(p.port);
                 },
             },
             forward.target);
  for (const engine::ServicePort& port : ports) {
    if (ports.size() == 1 || port.IsHttp() == (layer == engine::Layer::kHttp)) {
      forward.port = port.number;
      break;
    }
  }
  return forward;
}

// Shares in whole numbers; finer ones are scaled up, since only their relation counts.
Value Routes(const Emitter& e, const std::vector<engine::Forward>& forwards,
             const RoutePlace& place, engine::Layer layer) {
  const bool whole = std::all_of(forwards.begin(), forwards.end(), [](const engine::Forward& f) {
    return std::abs(f.weight - std::round(f.weight)) < 1e-9;
  });
  Value routes = Value::array();
  std::size_t live = 0;
  for (const engine::Forward& f : forwards) live += f.weight > 0 ? 1 : 0;
  for (const engine::Forward& forward : forwards) {
    if (forward.weight <= 0) continue;
    Value route;
    route["destination"] =
        Destination(e, place.gateway ? WithPort(e, forward, layer) : forward, place);
    if (!forward.host.empty()) route["headers"]["request"]["set"]["host"] = forward.host;
    if (live > 1) {
      route["weight"] = static_cast<int>(std::lround(forward.weight * (whole ? 1 : 1000)));
    }
    routes.push_back(std::move(route));
  }
  return routes;
}

Value RedirectAction(const engine::Redirect& redirect) {
  Value value;
  if (!redirect.path.empty()) value["uri"] = redirect.path;
  if (!redirect.host.empty()) value["authority"] = redirect.host;
  if (redirect.https) value["scheme"] = "https";
  if (redirect.port) value["port"] = *redirect.port;
  value["redirectCode"] = redirect.code;
  return value;
}

void Headers(const std::vector<engine::HeaderOp>& ops, Value& http) {
  for (const engine::HeaderOp& op : ops) {
    const char* side = op.side == engine::HeaderOp::Side::kRequest ? "request" : "response";
    switch (op.kind) {
      case engine::HeaderOp::Kind::kSet:
        http["headers"][side]["set"][op.name] = op.value;
        break;
      case engine::HeaderOp::Kind::kAdd:
        http["headers"][side]["add"][op.name] = op.value;
        break;
      case engine::HeaderOp::Kind::kRemove:
        http["headers"][side]["remove"].push_back(op.name);
        break;
    }
  }
}

Value RetryPolicy(const engine::Retries& retries) {
  Value value;
  value["attempts"] = retries.attempts;
  if (retries.attempts == 0) return value;
  if (retries.per_try) value["perTryTimeout"] = DurationText(*retries.per_try);
  std::string on;
  for (const std::string& word : retries.on) on += (on.empty() ? "" : ",") + word;
  if (!on.empty()) value["retryOn"] = on;
  if (retries.across_localities) value["retryRemoteLocalities"] = true;
  return value;
}

Value CorsPolicy(const engine::Cors& cors) {
  Value value;
  for (const Pattern& origin : cors.origins) {
    for (Value& match : StringMatches(origin)) value["allowOrigins"].push_back(std::move(match));
  }
  if (!cors.methods.empty()) value["allowMethods"] = cors.methods;
  if (!cors.headers.empty()) value["allowHeaders"] = cors.headers;
  if (!cors.expose.empty()) value["exposeHeaders"] = cors.expose;
  if (cors.max_age) value["maxAge"] = DurationText(*cors.max_age);
  if (cors.credentials) value["allowCredentials"] = *cors.credentials;
  return value;
}

void Modifiers(const Emitter& e, const RouteRule& rule, const RoutePlace& place, Value& http) {
  const engine::RouteModifiers& m = rule.modifiers;
  if (m.timeout) http["timeout"] = DurationText(*m.timeout);
  if (m.retries) http["retries"] = RetryPolicy(*m.retries);
  if (m.delay) {
    http["fault"]["delay"]["fixedDelay"] = DurationText(m.delay->delay);
    http["fault"]["delay"]["percentage"]["value"] = m.delay->share;
  }
  if (m.abort) {
    http["fault"]["abort"]["httpStatus"] = m.abort->status;
    http["fault"]["abort"]["percentage"]["value"] = m.abort->share;
  }
  for (const engine::Mirror& mirror : m.mirrors) {
    Value value;
    value["destination"] = Destination(e, mirror.to, place);
    value["percentage"]["value"] = mirror.share;
    http["mirrors"].push_back(std::move(value));
  }
  Headers(m.headers, http);
  if (m.cors) http["corsPolicy"] = CorsPolicy(*m.cors);
}

void Act(const Emitter& e, const RouteRule& rule, const RoutePlace& place, Value& http) {
  std::visit(
      Overloaded{
          [&](const std::vector<engine::Forward>& forwards) {
            http["route"] = Routes(e, forwards, place, rule.layer);
          },
          [&](const engine::Redirect& redirect) { http["redirect"] = RedirectAction(redirect); },
          [&](const engine::Respond& respond) {
            http["directResponse"]["status"] = respond.status;
            if (!respond.body.empty()) {
              http["directResponse"]["body"]["string"] = respond.body;
            }
          },
      },
      rule.action);
}

void AddHttp(Emitter& e, const RouteRule& rule, const RoutePlace& place, Value& routes) {
  const std::string filters = place.gateway ? RouteFiltersOf(e, rule).name : "";
  const auto add = [&](const std::vector<HttpMatch>& matches, const Value& rewrite) {
    if (matches.empty()) return;
    Value http;
    if (!filters.empty()) {
      http["name"] = filters;
    } else if (!rule.name.empty()) {
      http["name"] = NameOf(rule.name);
    }
    const bool all = std::any_of(matches.begin(), matches.end(),
                                 [](const HttpMatch& m) { return m.entry.empty(); });
    if (!all) {
      for (const HttpMatch& match : matches) http["match"].push_back(match.entry);
    }
    Act(e, rule, place, http);
    if (!rewrite.empty()) http["rewrite"] = rewrite;
    Modifiers(e, rule, place, http);
    routes.push_back(std::move(http));
  };
  const auto& rewrite = rule.modifiers.rewrite;
  if (!rewrite) {
    add(HttpMatches(e, rule.match, place, rule.span), Value());
    return;
  }
  for (const RewrittenMatches& part : MatchesOfRewrite(e, rule.match, *rewrite, place, rule.span)) {
    add(part.matches, part.rewrite);
  }
}

// TLS and TCP rules: ports, SNI and namespaces are all they can look at.
void AddRaw(Emitter& e, const RouteRule& rule, const RoutePlace& place, bool tls,
            const std::vector<std::string>& hosts, Value& routes) {
  const auto cases = CasesOf(rule.match);
  if (!cases) {
    e.Refuse(codes::kTooManyCases, rule.span, "this condition has too many alternatives for Istio");
    return;
  }
  Value route;
  for (const Conjunction& conjunction : *cases) {
    Value match = Value::object();
    for (const Literal& literal : conjunction) {
      const auto* port = std::get_if<engine::PortMatch>(literal.matcher);
      const auto* sni = std::get_if<engine::SniMatch>(literal.matcher);
      if (literal.negated || (port == nullptr && sni == nullptr)) {
        e.Refuse(codes::kInexpressible, literal.span,
                 "a TCP or TLS route of Istio matches ports and SNI only");
        return;
      }
      if (port != nullptr) match["port"] = port->any_of.front();
      if (sni == nullptr) continue;
      for (const Pattern& pattern : sni->any_of) {
        std::visit(Overloaded{
                       [&](const Exact& p) { match["sniHosts"].push_back(p.value); },
                       [&](const Suffix& p) { match["sniHosts"].push_back("*" + p.value); },
                       [&](const Present&) { match["sniHosts"].push_back("*"); },
                       [&](const auto&) {
                         e.Refuse(codes::kInexpressible, literal.span,
                                  "Istio matches SNI by name or wildcard only");
                       },
                   },
                   pattern);
      }
    }
    if (tls && !match.contains("sniHosts")) match["sniHosts"] = hosts;
    if (place.workloads) match["sourceLabels"] = *place.workloads;
    if (!match.empty()) route["match"].push_back(std::move(match));
  }
  Act(e, rule, place, route);
  routes.push_back(std::move(route));
}

struct Placed {
  const Table* table;
  RoutePlace place;
};

void EmitOne(Emitter& e, const std::string& ns, const std::string& name,
             const std::vector<std::string>& hosts, const std::vector<Placed>& tables,
             const std::vector<std::string>& gateways, const Value& export_to) {
  Value http = Value::array();
  Value tls = Value::array();
  Value tcp = Value::array();
  for (const bool otherwise : {false, true}) {
    for (const Placed& placed : tables) {
      for (const RouteRule& rule : placed.table->rules) {
        if (rule.otherwise != otherwise) continue;
        switch (rule.layer) {
          case engine::Layer::kHttp:
            AddHttp(e, rule, placed.place, http);
            break;
          case engine::Layer::kTls:
            AddRaw(e, rule, placed.place, true, hosts, tls);
            break;
          case engine::Layer::kTcp:
            AddRaw(e, rule, placed.place, false, hosts, tcp);
            break;
        }
      }
    }
  }
  const bool any_http = std::any_of(tables.begin(), tables.end(), [](const Placed& placed) {
    return engine::HasLayer({placed.table}, engine::Layer::kHttp);
  });
  // Rules that match nothing still take the host: its requests find no route, or are led to https.
  if (any_http && http.empty()) http.push_back({{"directResponse", {{"status", 404}}}});
  if (http.empty() && tls.empty() && tcp.empty()) return;
  const Table& first = *tables.front().table;
  Object& object =
      e.Add("networking.istio.io/v1", "VirtualService", ns, name, first.workspace, first.span);
  object.spec["hosts"] = hosts;
  object.spec["gateways"] = gateways;
  if (!http.empty()) object.spec["http"] = std::move(http);
  if (!tls.empty()) object.spec["tls"] = std::move(tls);
  if (!tcp.empty()) object.spec["tcp"] = std::move(tcp);
  object.spec["exportTo"] = export_to;
  for (const Placed& placed : tables) {
    object.sources.push_back(placed.table->span);
    for (const RouteRule& rule : placed.table->rules) object.sources.push_back(rule.span);
  }
}

std::string TableName(const Emitter& e, const Table& table) {
  return (table.workspace.IsNone() ? "" : e.model[table.workspace].name + "-") + table.name;
}

// Hosts with the same tables share an object.
void EmitAtGateway(Emitter& e, engine::GatewayId id) {
  const engine::Gateway& gateway = e.model[id];
  if (std::find(gateway.clusters.begin(), gateway.clusters.end(), e.cluster) ==
      gateway.clusters.end()) {
    return;
  }
  std::map<std::string, std::vector<const Table*>> by_host;
  for (const Table& table : e.model.tables) {
    const auto& bound = table.gateways;
    if (!table.root || std::find(bound.begin(), bound.end(), id) == bound.end()) continue;
    for (const std::string& host : std::set<std::string>(table.hosts.begin(), table.hosts.end())) {
      by_host[host].push_back(&table);
    }
  }
  std::map<std::vector<const Table*>, std::vector<std::string>> groups;
  for (const auto& [host, tables] : by_host) groups[tables].push_back(host);
  std::vector<std::pair<std::vector<const Table*>, std::vector<std::string>>> ordered(
      groups.begin(), groups.end());
  std::sort(ordered.begin(), ordered.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  for (const auto& [tables, hosts] : ordered) {
    std::vector<Placed> placed;
    for (const Table* table : tables) {
      placed.push_back(
          {table,
           {.gateway = true, .cluster = e.cluster, .namespaces = {}, .workloads = {}, .at = id}});
    }
    EmitOne(e, gateway.ns, TableName(e, *tables.front()) + "-" + gateway.name, hosts, placed,
            {gateway.ns + "/" + gateway.name}, Value::array({"."}));
  }
}

// For sidecars: callers of one namespace see one object for a host.
void EmitForSidecars(Emitter& e) {
  std::map<std::string, std::map<std::string, std::vector<const Table*>>> by_host;
  for (const Table& table : e.model.tables) {
    if (!table.root || !table.on_sidecars) continue;
    for (std::string host : std::set<std::string>(table.hosts.begin(), table.hosts.end())) {
      const std::string usual = ".svc.cluster.local";
      const std::string& domain = e.model[e.cluster].domain;
      if (host.ends_with(usual) && domain != "cluster.local") {
        host = host.substr(0, host.size() - usual.size()) + ".svc." + domain;
      }
      for (const engine::WorkspaceId workspace : table.sidecars_of) {
        for (const std::string& ns : e.NamespacesOf(workspace)) by_host[host][ns].push_back(&table);
      }
    }
  }
  // (tables, namespaces) -> hosts
  std::map<std::pair<std::vector<const Table*>, std::vector<std::string>>, std::vector<std::string>>
      groups;
  for (const auto& [host, by_namespace] : by_host) {
    std::map<std::vector<const Table*>, std::vector<std::string>> callers;
    for (const auto& [ns, tables] : by_namespace) callers[tables].push_back(ns);
    for (const auto& [tables, namespaces] : callers) groups[{tables, namespaces}].push_back(host);
  }
  std::vector<
      std::tuple<std::vector<std::string>, std::vector<std::string>, std::vector<const Table*>>>
      ordered;
  for (const auto& [key, hosts] : groups) ordered.emplace_back(hosts, key.second, key.first);
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
  });
  for (const auto& [hosts, namespaces, tables] : ordered) {
    std::vector<Placed> placed;
    for (const Table* table : tables) {
      placed.push_back({table,
                        {.gateway = false,
                         .cluster = e.cluster,
                         .namespaces = namespaces,
                         .workloads = table->workloads,
                         .at = {}}});
    }
    EmitOne(e, e.HomeOf(tables.front()->workspace), TableName(e, *tables.front()), hosts, placed,
            {"mesh"}, Value(namespaces));
  }
}

}  // namespace

void EmitVirtualServices(Emitter& e) {
  for (std::uint32_t g = 0; g < e.model.gateways.size(); ++g) EmitAtGateway(e, {g});
  EmitForSidecars(e);
  EmitEgress(e);
}

}  // namespace weft::emit::istio
