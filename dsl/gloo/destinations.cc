// VirtualDestination, ExternalService and the endpoints it selects.
#include <algorithm>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

constexpr std::uint16_t kDefaultEgressPort = 80;

// ---- virtual destinations

dsl::BackingClause ReadBacking(Reading& r, const View& selector, const Object& object) {
  dsl::BackingClause backing{.span = selector.span()};
  dsl::Selection services;
  services.span = selector.span();
  services.labels = selector.LabelsOf("labels");
  services.in_namespace = selector.String("namespace");
  services.workspace = selector.String("workspace");
  services.clusters = Reading::OneName(selector.String("cluster"));
  const std::optional<dsl::Str> name = selector.String("name");
  if (name && services.in_namespace && services.labels.empty()) {
    backing.service = r.Service(name->value, services.in_namespace->value, name->span);
    backing.clusters = services.clusters;
    return backing;
  }
  if (name) {
    dsl::QName qname;
    qname.parts.push_back({name->value, name->span});
    qname.span = name->span;
    services.names.push_back(std::move(qname));
  }
  if (services.workspace && services.workspace->value == object.owner) services.workspace.reset();
  if (services.labels.empty() && services.names.empty()) services.all = true;
  backing.services = std::move(services);
  return backing;
}

void ReadExternalBackings(Reading& r, const View& spec, const Object& object,
                          dsl::DestinationDecl& decl) {
  for (const View& selector : spec.List("externalServices")) {
    bool any = false;
    for (const Object* external : r.OfKind("ExternalService")) {
      if (!SelectsObject(selector, *external)) continue;
      any = true;
      decl.externals.push_back(
          r.Named(*external, r.NameOf(*external), object.owner, selector.span()));
    }
    if (!any) {
      r.diagnostics.Warning(codes::kNoEffect, selector.span(), "this selects no ExternalService");
    }
  }
}

bool IsBehind(const std::vector<View>& selectors, const std::string& cluster, const std::string& ns,
              const std::string& name, const DiscoveredService& service) {
  const Object probe{
      .kind = nullptr, .cluster = cluster, .ns = ns, .name = name, .labels = service.labels};
  return std::any_of(selectors.begin(), selectors.end(), [&](const View& selector) {
    return !selector.Has("workspace") ? SelectsObject(selector, probe) : true;
  });
}

void ReadPorts(Reading& r, const View& spec, const Object& object, dsl::DestinationDecl& decl) {
  const std::vector<View> services = spec.List("services");
  for (const View& view : spec.List("ports")) {
    const std::optional<dsl::Port> number = view.Port("number");
    dsl::PortDecl port{.span = view.span()};
    port.protocol = ReadProtocol(r, view.String("protocol"), dsl::Protocol::kHttp);
    port.target = r.ReadPort(view["targetPort"],
                             [&](const std::string& cluster, const std::string& ns,
                                 const std::string& name, const DiscoveredService& service) {
                               return IsBehind(services, cluster, ns, name, service);
                             });
    if (!number) {
      r.diagnostics.Error(codes::kBadCombination, view.span(),
                          "a port of a VirtualDestination needs a `number` of 1 to 65535");
      continue;
    }
    port.number = *number;
    if (port.target && port.target->value == number->value) port.target.reset();
    port.span = number->span;
    decl.ports.push_back(std::move(port));
  }
  if (decl.ports.empty()) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "VirtualDestination `" + object.name + "` has no port");
  }
}

void ReadDestination(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  dsl::DestinationDecl decl{.header = r.HeaderOf(object, r.NameOf(object))};
  decl.hosts = spec.Strings("hosts");
  for (const dsl::Str& host : decl.hosts) {
    if (host.value.find('*') == std::string::npos) continue;
    r.diagnostics.Error(codes::kBadCombination, host.span,
                        "a VirtualDestination has whole hosts, no wildcards");
  }
  if (decl.hosts.empty()) {
    decl.hosts.push_back({object.name + "." + object.ns + ".virtual.internal", object.span});
  }
  for (const View& selector : spec.List("services")) {
    decl.backs.push_back(ReadBacking(r, selector, object));
  }
  ReadExternalBackings(r, spec, object, decl);
  ReadPorts(r, spec, object, decl);
  const View mode = spec["clientMode"];
  if (mode) {
    dsl::ClientMode client = dsl::ClientMode::kAuto;
    if (mode.Has("sniRouting")) client = dsl::ClientMode::kSniRouting;
    if (mode.Has("tlsTermination")) client = dsl::ClientMode::kTlsTermination;
    mode.TakeAll();
    decl.client = Spanned<dsl::ClientMode>{client, mode.span()};
  } else if (const auto inherited = r.client_modes.find(object.owner);
             inherited != r.client_modes.end()) {
    decl.client = inherited->second;
  }
  if (decl.backs.empty() && decl.externals.empty()) {
    r.diagnostics.Warning(codes::kNoEffect, object.span,
                          "VirtualDestination `" + object.name + "` has nothing behind it");
    return;
  }
  r.program.destinations.push_back(std::move(decl));
}

// ---- external services

std::optional<dsl::ClientTlsItem> ReadClientsideTls(const View& port, const View& spec) {
  const View tls = port["clientsideTls"];
  if (!tls) return std::nullopt;
  dsl::ClientTlsItem item;
  const std::string mode = tls.Text("mode");
  if (mode == "DISABLE") item.mode = dsl::ClientTlsItem::Mode::kOff;
  if (mode == "MUTUAL") item.mode = dsl::ClientTlsItem::Mode::kMutual;
  if (mode == "ISTIO_MUTUAL") item.mode = dsl::ClientTlsItem::Mode::kIstioMutual;
  item.sni = tls.String("sni");
  const std::vector<dsl::Str> hosts = spec.Strings("hosts");
  const bool whole = hosts.size() == 1 && hosts.front().value.find('*') == std::string::npos;
  if (!item.sni && whole && item.mode != dsl::ClientTlsItem::Mode::kOff) item.sni = hosts.front();
  item.skip_verify = tls.IsTrue("insecureSkipVerify");
  item.sans = spec.Strings("subjectAltNames");
  return item;
}

// Ports that lead through the egress gateway, and the gateway.
void ReadEgress(Reading& r, const View& view, const Object& object, const dsl::ExternalPort& port,
                dsl::ExternalDecl& decl) {
  const View egress = view["egressGatewayRoutes"];
  if (!egress) return;
  const dsl::Port match =
      egress.Port("portMatch").value_or(dsl::Port{kDefaultEgressPort, egress.span()});
  for (const View& ref_view : egress.List("virtualGatewayRefs")) {
    const Ref ref = r.ReadRef(ref_view, object);
    const Object* gateway = r.Find("VirtualGateway", ref);
    if (gateway == nullptr) {
      r.diagnostics.Error(codes::kDangling, ref_view.span(),
                          "there is no VirtualGateway `" + ref.ns + "/" + ref.name + "`");
      continue;
    }
    const dsl::QName name = r.Named(*gateway, r.NameOf(*gateway), object.owner, ref_view.span());
    if (decl.via && decl.via->Text() != name.Text()) {
      r.diagnostics.Error(codes::kNotKept, ref_view.span(),
                          "an external service leads through one gateway; this is a second one");
      continue;
    }
    decl.via = name;
  }
  if (decl.via_port && decl.via_port->value != match.value) {
    r.diagnostics.Error(
        codes::kNotKept, egress.span(),
        "requests to one port of an external service lead through a gateway; this is "
        "a second one");
    return;
  }
  decl.via_port = match;
  if (match.value == port.number.value) return;
  dsl::ExternalPort extra = port;
  extra.number = match;
  extra.target = port.target ? port.target : std::optional(port.number);
  extra.protocol = dsl::Protocol::kHttp;
  extra.span = egress.span();
  if (!extra.tls &&
      (port.protocol == dsl::Protocol::kHttps || port.protocol == dsl::Protocol::kTls)) {
    extra.tls = dsl::ClientTlsItem{};
    if (decl.hosts.size() == 1) extra.tls->sni = decl.hosts.front();
  }
  // What the port was declared for is what the gateway sends on now.
  std::erase_if(decl.ports,
                [&](const dsl::ExternalPort& p) { return p.number.value == match.value; });
  decl.ports.push_back(std::move(extra));
}

void ReadExternalPorts(Reading& r, const View& spec, const Object& object,
                       dsl::ExternalDecl& decl) {
  for (const View& view : spec.List("ports")) {
    const std::optional<dsl::Port> number = view.Port("number");
    (void)view.Text("name");
    if (!number) {
      r.diagnostics.Error(codes::kBadCombination, view.span(),
                          "a port of an ExternalService needs a `number` of 1 to 65535");
      continue;
    }
    dsl::ExternalPort port{.span = number->span};
    port.number = *number;
    port.protocol = ReadProtocol(r, view.String("protocol"), dsl::Protocol::kTcp);
    const View target = view["targetPort"];
    (void)target.Text("name");
    port.target = target.Port("number");
    if (port.target && port.target->value == number->value) port.target.reset();
    port.tls = ReadClientsideTls(view, spec);
    const bool led = std::any_of(decl.ports.begin(), decl.ports.end(), [&](const auto& p) {
      return p.number.value == port.number.value;
    });
    if (!led) decl.ports.push_back(port);
    ReadEgress(r, view, object, port, decl);
  }
  if (decl.ports.size() == 1) decl.via_port.reset();
}

// The endpoint's port for the service's first port: by the name `targetPort` or `name` gives, or by
// number.
std::optional<dsl::Port> EndpointPort(const View& spec, const View& endpoint) {
  const std::vector<View> ports = endpoint.List("ports");
  for (const View& port : ports) {
    (void)port.Text("name");
    (void)port.Port("number");
  }
  for (const View& service_port : spec.List("ports")) {
    const std::string target = service_port["targetPort"].Text("name");
    const std::string name = target.empty() ? service_port.Text("name") : target;
    for (const View& port : ports) {
      if (!name.empty() && port.Text("name") == name) return port.Port("number");
    }
  }
  if (ports.size() == 1) return ports.front().Port("number");
  return std::nullopt;
}

void ReadEndpoints(Reading& r, const View& spec, const Object& object, dsl::ExternalDecl& decl) {
  const Labels selector = ToLabels(spec.LabelsOf("selector"));
  if (selector.empty()) return;
  bool any = false;
  for (const Object* endpoint : r.OfKind("ExternalEndpoint")) {
    if (endpoint->owner != object.owner || !SelectsLabels(selector, endpoint->labels)) continue;
    any = true;
    const View view = r.Spec(*endpoint);
    dsl::ExternalEndpoint one{.address = view.String("address").value_or(dsl::Str{"", view.span()}),
                              .port = EndpointPort(spec, view),
                              .span = endpoint->span};
    const View locality = view["locality"];
    one.region = locality.String("region");
    one.zone = locality.String("zone");
    (void)locality.Text("subZone");
    const bool same_port = one.port && decl.ports.size() == 1 && !decl.ports[0].target &&
                           decl.ports[0].number.value == one.port->value;
    if (same_port) one.port.reset();
    decl.endpoints.push_back(std::move(one));
  }
  if (!any) {
    r.diagnostics.Warning(codes::kNoEffect, spec["selector"].span(),
                          "this selects no ExternalEndpoint of the workspace");
  }
}

void ReadExternal(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  dsl::ExternalDecl decl{.header = r.HeaderOf(object, r.NameOf(object))};
  decl.hosts = spec.Strings("hosts");
  decl.addresses = spec.Strings("addresses");
  (void)spec.Strings("subjectAltNames");
  if (!decl.hosts.empty() && !decl.addresses.empty()) {
    r.diagnostics.Error(codes::kBadCombination, spec["addresses"].span(),
                        "`hosts` and `addresses` exclude one another");
  }
  if (decl.hosts.empty() && decl.addresses.empty()) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "ExternalService `" + object.name + "` needs `hosts` or `addresses`");
  }
  ReadExternalPorts(r, spec, object, decl);
  ReadEndpoints(r, spec, object, decl);
  r.program.externals.push_back(std::move(decl));
}

void ReportUnusedEndpoints(Reading& r) {
  for (const Object* endpoint : r.OfKind("ExternalEndpoint")) {
    bool used = false;
    for (const Object* external : r.OfKind("ExternalService")) {
      const Labels selector = ToLabels(r.Spec(*external).LabelsOf("selector"));
      used = used || (!selector.empty() && external->owner == endpoint->owner &&
                      SelectsLabels(selector, endpoint->labels));
    }
    if (used) continue;
    r.Spec(*endpoint).TakeAll();
    r.diagnostics.Warning(
        codes::kNoEffect, endpoint->span,
        "no ExternalService of the workspace selects ExternalEndpoint `" + endpoint->name + "`");
  }
}

}  // namespace

void ReadExternals(Reading& r) {
  for (const Object* object : r.OfKind("ExternalService")) ReadExternal(r, *object);
  ReportUnusedEndpoints(r);
}

void ReadDestinations(Reading& r) {
  for (const Object* object : r.OfKind("VirtualDestination")) ReadDestination(r, *object);
}

}  // namespace weft::gloo
