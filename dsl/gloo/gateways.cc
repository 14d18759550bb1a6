// VirtualGateway: listeners, the workloads that serve them, and which tables bind to them.
#include <algorithm>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

constexpr std::string_view kAnyHost = "*";

bool HostCovers(std::string_view pattern, std::string_view host) {
  if (pattern == kAnyHost || pattern == host) return true;
  if (host == kAnyHost) return false;
  return pattern.starts_with("*") && host.ends_with(pattern.substr(1));
}

// `[namespace/]host` of a filter.
struct FilterHost {
  std::string ns;  // "" any
  std::string host;
};

FilterHost SplitHost(const std::string& text, const Object& gateway) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {"", text};
  std::string ns = text.substr(0, slash);
  if (ns == "*") ns.clear();
  if (ns == ".") ns = gateway.ns;
  return {ns, text.substr(slash + 1)};
}

// Whether the filter lets the table bind. A selector `{}` admits the tables of the workspace, an
// absent one any.
bool Accepts(const View& filter, const Object& gateway, const Object& table,
             const std::vector<std::string>& hosts) {
  const FilterHost wanted = SplitHost(filter.Text("host"), gateway);
  if (!wanted.ns.empty() && wanted.ns != table.ns) return false;
  const bool fits = std::any_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
    return wanted.host.empty() || HostCovers(wanted.host, host) || HostCovers(host, wanted.host);
  });
  if (!fits || !filter.Has("selector")) return fits;
  const View selector = filter["selector"];
  if (selector.node()->entries.empty()) return table.owner == gateway.owner;
  return SelectsObject(selector, table);
}

std::vector<std::string> HostsOf(Reading& r, const Object& table) {
  std::vector<std::string> hosts;
  for (const dsl::Str& host : r.Spec(table).Strings("hosts")) hosts.push_back(host.value);
  return hosts;
}

bool Names(Reading& r, const Object& table, const Object& gateway) {
  for (const View& view : r.Spec(table).List("virtualGateways")) {
    if (r.Find("VirtualGateway", r.ReadRef(view, table)) == &gateway) return true;
  }
  return false;
}

// Which tables bind, and from which workspaces the gateway accepts routes because of it.
void ReadFilters(Reading& r, const View& spec, const Object& object, dsl::GatewayDecl& decl) {
  dsl::AcceptClause clause;
  clause.span = object.span;
  std::set<std::string> workspaces;
  for (const View& listener : spec.List("listeners")) {
    const std::vector<View> filters = listener.List("allowedRouteTables");
    if (filters.empty()) clause.all = true;
    for (const View& filter : filters) {
      clause.span = filter.span();
      if (!filter.Has("selector")) clause.all = true;
      if (const auto workspace = filter["selector"].String("workspace")) {
        workspaces.insert(workspace->value);
      } else if (filter.Has("selector")) {
        workspaces.insert(object.owner);
      }
    }
    for (const Object* table : r.OfKind("RouteTable")) {
      if (!Names(r, *table, object)) continue;
      const std::vector<std::string> hosts = HostsOf(r, *table);
      const bool bound =
          filters.empty() || std::any_of(filters.begin(), filters.end(), [&](const View& filter) {
            return Accepts(filter, object, *table, hosts);
          });
      if (!bound) continue;
      r.binds.insert({&object, table});
      workspaces.insert(table->owner);
    }
  }
  for (const std::string& workspace : workspaces) {
    if (r.workspaces.contains(workspace)) clause.workspaces.push_back({workspace, clause.span});
  }
  if (clause.all) clause.workspaces.clear();
  if (clause.all || !clause.workspaces.empty()) decl.accepts.push_back(std::move(clause));
}

// Hosts of a listener that names them in every filter.
std::vector<dsl::Str> ListenerHosts(const View& listener, const Object& object) {
  std::vector<dsl::Str> hosts;
  for (const View& filter : listener.List("allowedRouteTables")) {
    const std::optional<dsl::Str> text = filter.String("host");
    if (!text) return {};
    const FilterHost host = SplitHost(text->value, object);
    if (host.host == kAnyHost || host.host.empty()) return {};
    const bool known = std::any_of(hosts.begin(), hosts.end(),
                                   [&](const dsl::Str& h) { return h.value == host.host; });
    if (!known) hosts.push_back({host.host, text->span});
  }
  return hosts;
}

dsl::TlsMode ModeOf(const std::string& mode) {
  if (mode == "SIMPLE") return dsl::TlsMode::kSimple;
  if (mode == "MUTUAL") return dsl::TlsMode::kMutual;
  if (mode == "AUTO_PASSTHROUGH") return dsl::TlsMode::kAutoPassthrough;
  if (mode == "ISTIO_MUTUAL") return dsl::TlsMode::kIstioMutual;
  return dsl::TlsMode::kPassthrough;
}

std::optional<Spanned<dsl::TlsVersion>> VersionOf(const View& parameters, std::string_view field) {
  const std::map<std::string, dsl::TlsVersion> versions = {{"TLSv1_0", dsl::TlsVersion::kTls10},
                                                           {"TLSv1_1", dsl::TlsVersion::kTls11},
                                                           {"TLSv1_2", dsl::TlsVersion::kTls12},
                                                           {"TLSv1_3", dsl::TlsVersion::kTls13}};
  const auto at = versions.find(parameters.Text(field));
  if (at == versions.end()) return std::nullopt;
  return Spanned<dsl::TlsVersion>{at->second, parameters[field].span()};
}

void ReadTls(Reading& r, const View& tls, dsl::Listener& listener) {
  const std::string mode = tls.Text("mode");
  listener.tls = Spanned<dsl::TlsMode>{ModeOf(mode), tls.span()};
  listener.certificate = tls.String("secretName");
  const bool needs = mode == "SIMPLE" || mode == "MUTUAL";
  if (needs && !listener.certificate && !tls.Has("files")) {
    r.diagnostics.Error(codes::kBadCombination, tls.span(),
                        "TLS of mode " + mode + " needs `secretName`");
  }
  listener.sans = tls.Strings("verifySubjectAltName");
  const View parameters = tls["parameters"];
  listener.min_version = VersionOf(parameters, "minimumProtocolVersion");
  listener.max_version = VersionOf(parameters, "maximumProtocolVersion");
  listener.ciphers = parameters.Strings("cipherSuites");
}

std::optional<dsl::Listener> ReadListener(Reading& r, const View& view, const Object& object,
                                          const Labels& selector) {
  dsl::Listener listener;
  listener.span = view.span();
  const std::optional<dsl::Port> port =
      r.ReadPort(view["port"], [&](const std::string&, const std::string&, const std::string&,
                                   const DiscoveredService& service) {
        return SelectsLabels(selector, service.selector) || SelectsLabels(selector, service.labels);
      });
  if (!port) {
    if (!view["port"].Has("name")) {
      r.diagnostics.Error(codes::kBadCombination, view.span(), "a listener needs `port.number`");
    }
    return std::nullopt;
  }
  listener.port = *port;
  listener.span = port->span;
  const bool http = view.Has("http");
  view["http"].TakeAll();
  view["tcp"].TakeAll();
  const View tls = view["tls"];
  if (tls) ReadTls(r, tls, listener);
  const dsl::Protocol plain = http ? dsl::Protocol::kHttp : dsl::Protocol::kTcp;
  const dsl::Protocol secure = http ? dsl::Protocol::kHttps : dsl::Protocol::kTls;
  listener.protocol = ReadProtocol(r, view.String("appProtocol"), tls ? secure : plain);
  listener.redirect_https = view.IsTrue("httpsRedirect");
  if (listener.redirect_https && tls) {
    r.diagnostics.Error(codes::kBadCombination, tls.span(),
                        "`tls` and `httpsRedirect` exclude one another");
  }
  listener.hosts = ListenerHosts(view, object);
  for (const View& filter : view.List("exposedExternalServices")) {
    const View which = filter["selector"];
    dsl::ExposeClause expose{.span = filter.span()};
    expose.externals.labels = which.LabelsOf("labels");
    expose.externals.names = {};
    if (const auto name = which.String("name")) {
      expose.externals.names.push_back({.parts = {*name}, .span = name->span});
    }
    expose.externals.workspace = which.String("workspace");
    r.AddPlace(which, expose.externals.labels);
    expose.externals.all = expose.externals.labels.empty() && expose.externals.names.empty();
    if (const auto host = filter.String("host")) expose.hosts.push_back(*host);
    listener.exposes.push_back(std::move(expose));
  }
  return listener;
}

// Where the gateway's workloads run: one declaration for each different set of labels.
struct Place {
  std::vector<dsl::LabelTerm> labels;
  std::optional<dsl::Str> ns;
  std::vector<dsl::Name> clusters;
  bool everywhere = false;
};

std::vector<Place> ReadPlaces(Reading& r, const View& spec, const Object& object) {
  std::vector<Place> places;
  for (const View& workload : spec.List("workloads")) {
    if (workload.Text("kind") == "VM") {
      r.diagnostics.Error(codes::kNotKept, workload.span(),
                          "gateways on virtual machines cannot be kept");
      continue;
    }
    workload["port"].TakeAll();
    if (!workload.Has("selector")) {
      r.diagnostics.Warning(codes::kNoEffect, workload.span(), "this selects no workload");
      continue;
    }
    const View selector = workload["selector"];
    Place place{.labels = selector.LabelsOf("labels"), .ns = selector.String("namespace")};
    (void)selector.Text("workspace");
    if (const auto name = selector.String("name")) {
      r.diagnostics.Error(codes::kNotKept, name->span,
                          "a gateway is selected by the labels of its pods; name them instead");
    }
    place.clusters = Reading::OneName(selector.String("cluster"));
    place.everywhere = place.clusters.empty();
    const auto same = std::find_if(places.begin(), places.end(), [&](const Place& other) {
      return ToLabels(other.labels) == ToLabels(place.labels) &&
             (other.ns ? other.ns->value : "") == (place.ns ? place.ns->value : "");
    });
    if (same == places.end()) {
      places.push_back(std::move(place));
      continue;
    }
    same->everywhere = same->everywhere || place.everywhere;
    for (dsl::Name& cluster : place.clusters) same->clusters.push_back(std::move(cluster));
  }
  if (places.empty()) {
    places.push_back({.labels = {{{"istio", object.span}, {"ingressgateway", object.span}}},
                      .ns = {},
                      .clusters = {},
                      .everywhere = true});
  }
  return places;
}

void ReadGateway(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  dsl::GatewayDecl decl{.header = r.HeaderOf(object, r.NameOf(object))};
  const std::vector<Place> places = ReadPlaces(r, spec, object);
  for (const View& view : spec.List("listeners")) {
    std::optional<dsl::Listener> listener =
        ReadListener(r, view, object, ToLabels(places.front().labels));
    if (listener) decl.listeners.push_back(std::move(*listener));
  }
  if (decl.listeners.empty()) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "VirtualGateway `" + object.name + "` has no listener");
  }
  ReadFilters(r, spec, object, decl);
  for (std::size_t i = 0; i < places.size(); ++i) {
    dsl::GatewayDecl one = decl;
    one.select = places[i].labels;
    one.in_namespace = places[i].ns;
    if (!places[i].everywhere) one.clusters = places[i].clusters;
    if (i > 0) {
      one.header.name.value = r.Name("gateway", object.owner, object.name, "more");
      r.names[&object].push_back(one.header.name.value);
    }
    r.program.gateways.push_back(std::move(one));
  }
}

}  // namespace

void ReadGateways(Reading& r) {
  for (const Object* object : r.OfKind("VirtualGateway")) ReadGateway(r, *object);
}

}  // namespace weft::gloo
