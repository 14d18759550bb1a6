#include "emit/check/interpret.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>

#include "emit/check/client.h"
#include "emit/check/match_condition.h"
#include "emit/check/server.h"
#include "emit/check/strings.h"
#include "engine/match.h"

namespace weft::emit::check {
namespace {

using engine::Request;

Decision Blocked(const std::string& stage, int status) {
  return {.kind = Decision::Kind::kBlocked,
          .stage = stage,
          .status = status,
          .location = "",
          .shares = {}};
}

bool NamesGateway(const IstioObject& service, const std::string& gateway) {
  const yaml::Node* gateways = service.spec.Find("gateways");
  if (gateways == nullptr || gateways->items.empty()) return gateway == "mesh";
  return std::any_of(gateways->items.begin(), gateways->items.end(), [&](const yaml::Node& g) {
    return g.text == gateway || service.ns + "/" + g.text == gateway;
  });
}

// The VirtualService whose host fits best; weft writes one for each host and place.
const IstioObject* ServiceFor(const Mesh& mesh, const Client& client, const std::string& host) {
  const IstioObject* best = nullptr;
  std::size_t fit = 0;
  for (const IstioObject* vs : OfKind(mesh, client.cluster, "VirtualService")) {
    if (!NamesGateway(*vs, client.gateway) || !Exported(*vs, client.ns)) continue;
    const yaml::Node* hosts = vs->spec.Find("hosts");
    if (hosts == nullptr) continue;
    for (const yaml::Node& h : hosts->items) {
      const std::size_t here = HostFit(h.text, host);
      if (here > fit) {
        fit = here;
        best = vs;
      }
    }
  }
  return best;
}

// Value of a header as Envoy's matchers see it, pseudo-headers included; nullopt when absent.
std::optional<std::string> HeaderValue(const Request& request, const std::string& name) {
  if (name == ":path") {
    std::string path = request.path;
    char separator = '?';
    for (const auto& [key, value] : request.query) {
      path += separator + key + "=" + value;
      separator = '&';
    }
    return path;
  }
  if (name == ":method") return request.method;
  if (name == ":authority") return request.host;
  const auto at = request.headers.find(name);
  if (at == request.headers.end()) return std::nullopt;
  return at->second;
}

bool FitsHeaders(const yaml::Node& match, const Request& request) {
  if (const yaml::Node* headers = match.Find("headers")) {
    for (const auto& entry : headers->entries) {
      const auto value = HeaderValue(request, entry.key);
      if (!value || !MatchesString(entry.value, *value)) return false;
    }
  }
  if (const yaml::Node* without = match.Find("withoutHeaders")) {
    for (const auto& entry : without->entries) {
      // Inverted; an absent header is treated as empty, and as absent by a present match.
      const auto value = HeaderValue(request, entry.key);
      if (entry.value.entries.empty() ? value.has_value()
                                      : MatchesString(entry.value, value.value_or(""))) {
        return false;
      }
    }
  }
  if (const yaml::Node* query = match.Find("queryParams")) {
    for (const auto& entry : query->entries) {
      const auto at = request.query.find(entry.key);
      if (at == request.query.end() || !MatchesString(entry.value, at->second)) return false;
    }
  }
  return true;
}

// Case can be ignored for exact paths and prefixes.
bool FitsUri(const yaml::Node& match, const std::string& path) {
  const yaml::Node* uri = match.Find("uri");
  if (uri == nullptr) return true;
  const yaml::Node* ignore = match.Find("ignoreUriCase");
  const yaml::Node* exact = uri->Find("exact");
  const yaml::Node* text = exact != nullptr ? exact : uri->Find("prefix");
  if (ignore == nullptr || ignore->AsBool() != true || text == nullptr) {
    return MatchesString(*uri, path);
  }
  const std::string folded = engine::Fold(path), wanted = engine::Fold(text->text);
  return exact != nullptr ? folded == wanted : folded.starts_with(wanted);
}

bool Fits(const yaml::Node& match, const Client& client, const Request& request) {
  if (!FitsPlace(match, client, request.port)) return false;
  if (!FitsUri(match, request.path)) return false;
  const yaml::Node* method = match.Find("method");
  if (method != nullptr && !MatchesString(*method, request.method)) return false;
  const yaml::Node* authority = match.Find("authority");
  if (authority != nullptr && !MatchesString(*authority, request.host)) return false;
  return FitsHeaders(match, request);
}

// The first match entry that fits; nullptr with `found` for a route without `match`.
const yaml::Node* MatchOf(const yaml::Node& route, const Client& client, const Request& request,
                          bool& found) {
  const yaml::Node* matches = route.Find("match");
  found = matches == nullptr || matches->items.empty();
  if (found) return nullptr;
  for (const yaml::Node& match : matches->items) {
    if (!Fits(match, client, request)) continue;
    found = true;
    return &match;
  }
  return nullptr;
}

void Rewrite(const yaml::Node& rewrite, const yaml::Node* match, Request& request) {
  const std::string authority = rewrite.StringOr("authority", "");
  if (!authority.empty()) request.host = authority;
  if (const yaml::Node* regex = rewrite.Find("uriRegexRewrite")) {
    re2::RE2::GlobalReplace(&request.path, regex->StringOr("match", ""),
                            regex->StringOr("rewrite", ""));
    return;
  }
  const yaml::Node* uri = rewrite.Find("uri");
  if (uri == nullptr) return;
  // What the route's own match of the path covers is replaced: all of it, or its prefix, which is
  // "/" where the entry says nothing of the path.
  const yaml::Node* matched = match == nullptr ? nullptr : match->Find("uri");
  if (matched != nullptr && matched->Find("prefix") == nullptr) {
    request.path = uri->text;
  } else {
    const std::string prefix = matched == nullptr ? "/" : matched->StringOr("prefix", "");
    request.path = uri->text + request.path.substr(prefix.size());
  }
}

void ChangeHeaders(const yaml::Node& route, Request& request) {
  const yaml::Node* ops = route.At("headers.request");
  if (ops == nullptr) return;
  if (const yaml::Node* set = ops->Find("set")) {
    for (const auto& entry : set->entries) {
      // Istio takes these two for the authority.
      if (entry.key == "host" || entry.key == ":authority") {
        request.host = entry.value.text;
      } else {
        request.headers[entry.key] = entry.value.text;
      }
    }
  }
  if (const yaml::Node* add = ops->Find("add")) {
    for (const auto& entry : add->entries) {
      std::string& value = request.headers[entry.key];
      value += (value.empty() ? "" : ",") + entry.value.text;
    }
  }
  if (const yaml::Node* remove = ops->Find("remove")) {
    for (const yaml::Node& name : remove->items) request.headers.erase(name.text);
  }
}

Decision Enter(const Mesh& mesh, const Entrance& entrance, Request request);

// What becomes of a share whose destination is a gateway.
void GoOn(const Mesh& mesh, const Entrance& entrance, const Request& request,
          Decision::Share& share) {
  const Decision decision = Enter(mesh, entrance, request);
  share.blocked = decision.kind == Decision::Kind::kBlocked;
  share.stage = decision.stage;
  share.status = decision.status;
  if (decision.kind == Decision::Kind::kForwarded && decision.shares.size() == 1) {
    const double weight = share.weight;
    share = decision.shares.front();
    share.weight = weight;
  }
}

Decision Forward(const Mesh& mesh, const Client& client, const yaml::Node& route,
                 const Request& request) {
  Decision decision{.kind = Decision::Kind::kForwarded,
                    .stage = "",
                    .location = "",
                    .shares = {},
                    .path = request.path,
                    .host = request.host};
  const yaml::Node* targets = route.Find("route");
  double total = 0;
  for (const yaml::Node& target : targets->items) {
    const yaml::Node* weight = target.Find("weight");
    total += weight == nullptr ? 0 : static_cast<double>(weight->AsInt().value_or(0));
  }
  for (const yaml::Node& target : targets->items) {
    const yaml::Node& destination = *target.Find("destination");
    const yaml::Node* weight = target.Find("weight");
    Request sent = request;
    ChangeHeaders(target, sent);
    Entrance entrance;
    Decision::Share share =
        Send(mesh, client, destination.StringOr("host", ""), destination.StringOr("subset", ""),
             PortOf(HostNamed(mesh, client.cluster, destination.StringOr("host", "")), destination,
                    request.port),
             sent, &entrance);
    if (entrance.gateway != nullptr) GoOn(mesh, entrance, sent, share);
    if (targets->items.size() > 1 && total > 0) {
      share.weight =
          weight == nullptr ? 0 : 100 * static_cast<double>(weight->AsInt().value_or(0)) / total;
      if (share.weight <= 0) continue;
    }
    decision.shares.push_back(std::move(share));
  }
  return decision;
}

Decision Act(const Mesh& mesh, const Client& client, const yaml::Node& route,
             const yaml::Node* match, Request request) {
  if (const yaml::Node* redirect = route.Find("redirect")) {
    Decision decision{.kind = Decision::Kind::kAnswered, .stage = "", .location = "", .shares = {}};
    const yaml::Node* code = redirect->Find("redirectCode");
    decision.status = static_cast<int>(code == nullptr ? 301 : code->AsInt().value_or(301));
    decision.location = redirect->StringOr("scheme", request.tls ? "https" : "http") + "://" +
                        redirect->StringOr("authority", request.host);
    if (const yaml::Node* port = redirect->Find("port")) decision.location += ":" + port->text;
    decision.location += redirect->StringOr("uri", request.path);
    return decision;
  }
  if (const yaml::Node* status = route.At("directResponse.status")) {
    return {.kind = Decision::Kind::kAnswered,
            .stage = "",
            .status = static_cast<int>(status->AsInt().value_or(0)),
            .location = "",
            .shares = {}};
  }
  const yaml::Node* share = route.At("fault.abort.percentage.value");
  if (share != nullptr && std::strtod(share->text.c_str(), nullptr) >= 100) {
    const yaml::Node* status = route.At("fault.abort.httpStatus");
    return Blocked("fault", static_cast<int>(status->AsInt().value_or(0)));
  }
  if (const yaml::Node* rewrite = route.Find("rewrite")) Rewrite(*rewrite, match, request);
  ChangeHeaders(route, request);
  return Forward(mesh, client, route, request);
}

// TCP and TLS routes: ports, SNI, and static predicates.
bool FitsRaw(const yaml::Node& match, const Client& client, const Request& request) {
  if (!FitsPlace(match, client, request.port)) return false;
  const yaml::Node* sni = match.Find("sniHosts");
  return sni == nullptr ||
         std::any_of(sni->items.begin(), sni->items.end(),
                     [&](const yaml::Node& h) { return HostFit(h.text, request.sni) > 0; });
}

// The HTTP route that takes the request, and the match entry by which it does.
struct Chosen {
  const yaml::Node* route = nullptr;  // null: none
  const yaml::Node* match = nullptr;
};

Chosen Choose(const Client& client, const IstioObject& service, const Request& request) {
  const yaml::Node* routes = service.spec.Find("http");
  if (routes == nullptr) return {};
  for (const yaml::Node& route : routes->items) {
    bool found = false;
    const yaml::Node* match = MatchOf(route, client, request, found);
    if (found) return {&route, match};
  }
  return {};
}

std::optional<Decision> Route(const Mesh& mesh, const Client& client, const IstioObject& service,
                              const Request& request) {
  if (request.layer == engine::Layer::kHttp) {
    const Chosen chosen = Choose(client, service, request);
    if (chosen.route == nullptr) return std::nullopt;
    return Act(mesh, client, *chosen.route, chosen.match, request);
  }
  const char* list = request.layer == engine::Layer::kTls ? "tls" : "tcp";
  const yaml::Node* routes = service.spec.Find(list);
  if (routes == nullptr) return std::nullopt;
  for (const yaml::Node& route : routes->items) {
    const yaml::Node* matches = route.Find("match");
    const bool fits = matches == nullptr || matches->items.empty() ||
                      std::any_of(matches->items.begin(), matches->items.end(),
                                  [&](const yaml::Node& m) { return FitsRaw(m, client, request); });
    if (fits) return Forward(mesh, client, route, request);
  }
  return std::nullopt;
}

// A route of the object applies to this client at all; if none does, the host's default route does.
bool Concerns(const IstioObject& service, const Client& client, const Request& request) {
  const char* list = request.layer == engine::Layer::kHttp  ? "http"
                     : request.layer == engine::Layer::kTls ? "tls"
                                                            : "tcp";
  const yaml::Node* routes = service.spec.Find(list);
  if (routes == nullptr) return false;
  for (const yaml::Node& route : routes->items) {
    const yaml::Node* matches = route.Find("match");
    if (matches == nullptr || matches->items.empty()) return true;
    for (const yaml::Node& match : matches->items) {
      if (FitsPlace(match, client, request.port)) return true;
    }
  }
  return false;
}

// What the host is for a caller whose proxy does not know it, or is gone around.
std::optional<Host> PastProxy(const Mesh& mesh, const Request& request) {
  std::optional<Host> host = HostNamed(mesh, request.cluster, request.host);
  return host ? host
              : HostNamed(mesh, request.cluster,
                          request.host + ".svc." + mesh.world[request.cluster].domain);
}

Decision AtSidecar(const Mesh& mesh, const Request& request) {
  const bool known = !request.source.IsNone();
  Client client{.cluster = request.cluster,
                .ns = known ? mesh.world[request.source].ns : "",
                .labels = known ? mesh.world[request.source].labels : engine::Labels{},
                .locality = mesh.world[request.cluster].locality,
                .identity = {}};
  if (known && !mesh.world[request.source].localities.empty()) {
    client.locality = mesh.world[request.source].localities.front();
  }
  const bool sidecar = known && mesh.world[request.source].sidecar;
  if (!request.plaintext) {
    if (request.identity) {
      client.identity = request.identity;
    } else if (sidecar) {
      const engine::Workload& w = mesh.world[request.source];
      client.identity = engine::Identity{mesh.world[w.cluster].trust_domain, w.ns, w.account};
    }
  }
  const bool proxied = sidecar && !request.plaintext && !request.direct;
  const bool registry_only = proxied && RegistryOnly(mesh, client);
  std::optional<Host> host = FindHost(mesh, request.cluster, client.ns, request.host);
  const bool in_registry = host.has_value();
  if (!in_registry && !registry_only) host = PastProxy(mesh, request);
  if (!host || (!in_registry && proxied && !LiesOutside(*host))) {
    // The proxy answers itself on ports where it listens for HTTP at all.
    const bool answers = registry_only && request.layer == engine::Layer::kHttp &&
                         ListensForHttp(mesh, client.cluster, client.ns, request.port);
    return Blocked("hidden", answers ? 502 : 0);
  }
  if (proxied && in_registry) {
    const IstioObject* service = ServiceFor(mesh, client, host->name);
    if (service != nullptr && Concerns(*service, client, request)) {
      if (auto decision = Route(mesh, client, *service, request)) return *decision;
      return Blocked("no-route", 404);
    }
  }
  Decision decision{.kind = Decision::Kind::kForwarded,
                    .stage = "",
                    .location = "",
                    .shares = {},
                    .path = request.path,
                    .host = request.host};
  decision.shares.push_back(Send(mesh, client, host->name, "", request.port, request));
  return decision;
}

// The server of the Gateway object that takes the connection: in clear text any of its port, hosts
// are found out by the routes.
const yaml::Node* ServerFor(const IstioObject& gateway, const Request& request) {
  const yaml::Node* servers = gateway.spec.Find("servers");
  if (servers == nullptr) return nullptr;
  const yaml::Node* best = nullptr;
  const yaml::Node* other = nullptr;
  std::size_t fit = 0;
  for (const yaml::Node& server : servers->items) {
    const yaml::Node* number = server.At("port.number");
    const yaml::Node* mode = server.At("tls.mode");
    if (number == nullptr || number->AsInt() != request.port || (mode != nullptr) != request.tls) {
      continue;
    }
    for (const yaml::Node& h : server.Find("hosts")->items) {
      const std::string host = h.text.substr(h.text.find('/') + 1);
      const std::size_t here = HostFit(host, request.tls ? request.sni : request.host);
      if (here > fit) {
        fit = here;
        best = &server;
      }
    }
    if (other == nullptr) other = &server;
  }
  const bool by_port = !request.tls && request.layer == engine::Layer::kHttp;
  return best == nullptr && by_port ? other : best;
}

bool Serves(const yaml::Node& server, const Request& request) {
  const auto& hosts = server.Find("hosts")->items;
  return request.layer != engine::Layer::kHttp ||
         std::any_of(hosts.begin(), hosts.end(), [&](const yaml::Node& h) {
           return HostFit(h.text.substr(h.text.find('/') + 1), request.host) > 0;
         });
}

// Who a gateway's proxy is when it sends requests on.
Client ProxyOf(const Mesh& mesh, const engine::Workload& pod) {
  Client client{
      .cluster = pod.cluster,
      .ns = pod.ns,
      .labels = pod.labels,
      .locality = mesh.world[pod.cluster].locality,
      .identity = engine::Identity{mesh.world[pod.cluster].trust_domain, pod.ns, pod.account}};
  if (!pod.localities.empty()) client.locality = pod.localities.front();
  return client;
}

// The listener's port is a port of the gateway's Service; RBAC sees the one behind it.
std::uint16_t PortBehind(const Mesh& mesh, const Client& proxy, std::uint16_t port) {
  std::uint16_t behind = port;
  for (const engine::Service& service : mesh.world.services) {
    const engine::ServiceInstance* instance = service.In(proxy.cluster);
    if (instance == nullptr || service.ns != proxy.ns || instance->selector.empty() ||
        !engine::Selects(instance->selector, proxy.labels)) {
      continue;
    }
    for (const engine::ServicePort& p : instance->ports) {
      if (p.number == port) behind = p.target;
    }
  }
  return behind;
}

// What the proxy of a Gateway object does with a request that comes in by one of its servers.
Decision Through(const Mesh& mesh, const IstioObject& gateway, Client client,
                 const Request& request) {
  const yaml::Node* server = ServerFor(gateway, request);
  if (server == nullptr) return Blocked("hidden", 0);
  client.gateway = gateway.ns + "/" + gateway.name;
  // Filters look at the route, so it is chosen before they run.
  const IstioObject* service =
      ServiceFor(mesh, client, request.layer == engine::Layer::kTls ? request.sni : request.host);
  const bool served = service != nullptr && Serves(*server, request);
  const yaml::Node* redirect = server->At("tls.httpsRedirect");
  const bool redirects = redirect != nullptr && redirect->AsBool() == true;
  Proxy proxy{request.cluster, client.ns, client.labels, true, ""};
  if (served && request.layer == engine::Layer::kHttp && !redirects) {
    const Chosen chosen = Choose(client, *service, request);
    if (chosen.route != nullptr) proxy.route = chosen.route->StringOr("name", "");
  }
  const auto refusal =
      AskProxy(mesh, proxy, request, request.identity, PortBehind(mesh, client, request.port));
  if (refusal) return Blocked(refusal->stage, refusal->status);
  if (!served) return Blocked("no-route", 404);
  if (redirects && request.layer == engine::Layer::kHttp) {
    return {.kind = Decision::Kind::kAnswered,
            .stage = "",
            .status = 301,
            .location = "https://" + request.host + request.path,
            .shares = {}};
  }
  if (auto decision = Route(mesh, client, *service, request)) return *decision;
  return Blocked("no-route", 404);
}

Decision AtGateway(const Mesh& mesh, const Request& request) {
  const engine::Gateway& entry = mesh.world.gateways[request.gateway.index()];
  const IstioObject* gateway = nullptr;
  for (const IstioObject* object : OfKind(mesh, request.cluster, "Gateway")) {
    if (object->ns == entry.ns && object->name == entry.name) gateway = object;
  }
  if (gateway == nullptr) return Blocked("hidden", 0);
  Client client{.cluster = request.cluster,
                .ns = entry.ns,
                .labels = {},
                .locality = mesh.world[request.cluster].locality,
                .identity = {}};
  for (const engine::WorkloadId id : entry.workloads) {
    if (mesh.world[id].cluster != request.cluster) continue;
    client = ProxyOf(mesh, mesh.world[id]);
    break;
  }
  return Through(mesh, *gateway, client, request);
}

Decision Enter(const Mesh& mesh, const Entrance& entrance, Request request) {
  const engine::Workload& pod = mesh.world[entrance.pod];
  request.cluster = pod.cluster;
  request.port = entrance.port;
  request.tls = entrance.tls;
  request.sni = entrance.sni;
  request.identity = entrance.peer;
  return Through(mesh, *entrance.gateway, ProxyOf(mesh, pod), request);
}

}  // namespace

bool Decision::AllowedSomewhere() const {
  if (kind == Kind::kAnswered) return true;
  return kind == Kind::kForwarded &&
         std::any_of(shares.begin(), shares.end(), [](const Share& s) { return !s.blocked; });
}

Decision Interpret(const Mesh& mesh, const Request& request) {
  return request.gateway.IsNone() ? AtSidecar(mesh, request) : AtGateway(mesh, request);
}

}  // namespace weft::emit::check
