// Gateway, ServiceEntry, DestinationRule.
#include <algorithm>
#include <cstdlib>

#include "cli/import_istio/draft.h"

namespace weft::cli::istio {
namespace {

using yaml::Node;

const std::vector<Node>& ListAt(const Node& node, std::string_view field) {
  static const std::vector<Node> kNone;
  const Node* list = node.Find(field);
  return list == nullptr ? kNone : list->items;
}

std::optional<dsl::Protocol> ProtocolOf(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (text == "HTTP") return dsl::Protocol::kHttp;
  if (text == "HTTP2") return dsl::Protocol::kHttp2;
  if (text == "GRPC") return dsl::Protocol::kGrpc;
  if (text == "HTTPS") return dsl::Protocol::kHttps;
  if (text == "TCP") return dsl::Protocol::kTcp;
  if (text == "TLS") return dsl::Protocol::kTls;
  return std::nullopt;
}

std::optional<dsl::Port> PortAt(const Node& node, std::string_view field) {
  const Node* number = node.At(field);
  const auto value = number == nullptr ? std::nullopt : number->AsInt();
  if (!value || *value < 1 || *value > 65535) return std::nullopt;
  return dsl::Port{static_cast<std::uint16_t>(*value), {}};
}

std::optional<dsl::Number> NumberAt(const Node& node, std::string_view field) {
  const Node* number = node.Find(field);
  const auto value = number == nullptr ? std::nullopt : number->AsInt();
  return value ? std::optional(dsl::Number{*value, {}}) : std::nullopt;
}

std::vector<dsl::LabelTerm> TermsOf(const Node* node) {
  std::vector<dsl::LabelTerm> terms;
  if (node == nullptr) return terms;
  for (const Node::Entry& entry : node->entries) {
    terms.push_back({Text(entry.key), Text(entry.value.text)});
  }
  return terms;
}

// Whom the object is for, when that is not everybody.
bool IsForAll(const Node& spec) {
  const std::vector<Node>& to = ListAt(spec, "exportTo");
  return to.empty() ||
         std::any_of(to.begin(), to.end(), [](const Node& n) { return n.text == "*"; });
}

// ---- Gateway

std::optional<dsl::TlsMode> TlsModeOf(const std::string& mode) {
  if (mode == "SIMPLE") return dsl::TlsMode::kSimple;
  if (mode == "MUTUAL") return dsl::TlsMode::kMutual;
  if (mode == "PASSTHROUGH") return dsl::TlsMode::kPassthrough;
  if (mode == "AUTO_PASSTHROUGH") return dsl::TlsMode::kAutoPassthrough;
  if (mode == "ISTIO_MUTUAL") return dsl::TlsMode::kIstioMutual;
  return std::nullopt;
}

std::optional<Spanned<dsl::TlsVersion>> VersionOf(const std::string& text) {
  if (text == "TLSV1_0") return Spanned<dsl::TlsVersion>{dsl::TlsVersion::kTls10, {}};
  if (text == "TLSV1_1") return Spanned<dsl::TlsVersion>{dsl::TlsVersion::kTls11, {}};
  if (text == "TLSV1_2") return Spanned<dsl::TlsVersion>{dsl::TlsVersion::kTls12, {}};
  if (text == "TLSV1_3") return Spanned<dsl::TlsVersion>{dsl::TlsVersion::kTls13, {}};
  return std::nullopt;
}

Reason SayTls(const Node& tls, dsl::Listener& listener) {
  static const std::vector<std::string> kKnown = {"httpsRedirect",      "mode",
                                                  "credentialName",     "caCertCredentialName",
                                                  "minProtocolVersion", "subjectAltNames",
                                                  "maxProtocolVersion"};
  if (const std::string more = Beyond(&tls, kKnown); !more.empty()) {
    return "`tls." + more + "` has no word";
  }
  const Node* redirect = tls.Find("httpsRedirect");
  listener.redirect_https = redirect != nullptr && redirect->AsBool() == true;
  const std::string mode = tls.StringOr("mode", "");
  if (!mode.empty()) {
    const auto known = TlsModeOf(mode);
    if (!known) return "TLS mode " + mode + " has no word";
    listener.tls = Spanned<dsl::TlsMode>{*known, {}};
  } else if (!listener.redirect_https) {
    listener.tls = Spanned<dsl::TlsMode>{dsl::TlsMode::kSimple, {}};
  }
  const auto text = [&](const char* field) -> std::optional<dsl::Str> {
    std::string value = tls.StringOr(field, "");
    return value.empty() ? std::nullopt : std::optional(Text(std::move(value)));
  };
  listener.certificate = text("credentialName");
  listener.ca = text("caCertCredentialName");
  for (const Node& san : ListAt(tls, "subjectAltNames")) listener.sans.push_back(Text(san.text));
  listener.min_version = VersionOf(tls.StringOr("minProtocolVersion", ""));
  listener.max_version = VersionOf(tls.StringOr("maxProtocolVersion", ""));
  return "";
}

Reason SayServer(const Node& server, dsl::GatewayDecl& decl) {
  if (const std::string more = Beyond(&server, {"port", "hosts", "tls", "name"}); !more.empty()) {
    return "`" + more + "` of a server has no word";
  }
  dsl::Listener listener;
  const std::optional<dsl::Port> port = PortAt(server, "port.number");
  const Node* protocol = server.At("port.protocol");
  const auto known = ProtocolOf(protocol == nullptr ? "" : protocol->text);
  if (!port || !known) return "a server has no port of a known protocol";
  listener.port = *port;
  listener.protocol = *known;
  for (const Node& host : ListAt(server, "hosts")) {
    const std::size_t slash = host.text.find('/');
    const std::string ns = slash == std::string::npos ? "*" : host.text.substr(0, slash);
    if (ns != "*" && ns != ".") return "hosts for one namespace have no word";
    const std::string name = slash == std::string::npos ? host.text : host.text.substr(slash + 1);
    if (name != "*") listener.hosts.push_back(Text(name));
    if (name == "*" && ListAt(server, "hosts").size() > 1) return "`*` beside other hosts";
  }
  if (const Node* tls = server.Find("tls")) {
    if (Reason reason = SayTls(*tls, listener); !reason.empty()) return reason;
  }
  decl.listeners.push_back(std::move(listener));
  return "";
}

// ---- DestinationRule

Reason SayConnections(const Node& pool, std::vector<dsl::Item>& items) {
  const Node kEmpty{};
  const Node& tcp = pool.Find("tcp") == nullptr ? kEmpty : *pool.Find("tcp");
  const Node& http = pool.Find("http") == nullptr ? kEmpty : *pool.Find("http");
  for (const std::string& more :
       {Beyond(&pool, {"tcp", "http"}),
        Beyond(&tcp, {"maxConnections", "connectTimeout", "tcpKeepalive"}),
        Beyond(&http, {"http1MaxPendingRequests", "http2MaxRequests", "maxRequestsPerConnection",
                       "maxRetries", "idleTimeout"})}) {
    if (!more.empty()) return "`" + more + "` of a pool has no word";
  }
  dsl::ConnectionsItem item;
  item.max_connections = NumberAt(tcp, "maxConnections");
  item.connect_timeout = DurationAt(tcp, "connectTimeout");
  if (const Node* keepalive = tcp.Find("tcpKeepalive")) {
    item.keepalive = DurationAt(*keepalive, "time");
    item.keepalive_interval = DurationAt(*keepalive, "interval");
    item.keepalive_probes = NumberAt(*keepalive, "probes");
    if (!item.keepalive) return "keepalive without a time has no word";
  }
  item.max_pending = NumberAt(http, "http1MaxPendingRequests");
  item.max_requests = NumberAt(http, "http2MaxRequests");
  item.requests_per_connection = NumberAt(http, "maxRequestsPerConnection");
  item.max_retries = NumberAt(http, "maxRetries");
  item.idle_timeout = DurationAt(http, "idleTimeout");
  items.push_back({.value = std::move(item), .span = {}});
  return "";
}

Reason SayOutlier(const Node& node, std::vector<dsl::Item>& items) {
  static const std::vector<std::string> kKnown = {"consecutive5xxErrors", "interval",
                                                  "baseEjectionTime", "maxEjectionPercent",
                                                  "consecutiveGatewayErrors"};
  if (const std::string more = Beyond(&node, kKnown); !more.empty()) {
    return "`" + more + "` of outlier detection has no word";
  }
  const auto errors = NumberAt(node, "consecutive5xxErrors");
  const auto gateway = NumberAt(node, "consecutiveGatewayErrors");
  dsl::EjectItem item;
  item.errors = errors ? *errors : gateway.value_or(dsl::Number{5, {}});
  item.gateway_errors = !errors && gateway.has_value();
  if (errors && gateway) item.or_gateway_errors = gateway;
  item.interval = DurationAt(node, "interval");
  item.base_time = DurationAt(node, "baseEjectionTime");
  if (const auto share = NumberAt(node, "maxEjectionPercent")) {
    item.max_share = dsl::Percent{static_cast<double>(share->value), {}};
  } else {
    item.max_share = dsl::Percent{10, {}};  // Envoy's own
  }
  items.push_back({.value = std::move(item), .span = {}});
  return "";
}

Reason SayBalance(const Node& node, std::vector<dsl::Item>& items) {
  using Kind = dsl::BalanceItem::Kind;
  if (const std::string more = Beyond(&node, {"simple", "consistentHash"}); !more.empty()) {
    return "`" + more + "` of a load balancer has no word here";
  }
  dsl::BalanceItem item;
  const std::string simple = node.StringOr("simple", "");
  if (simple == "ROUND_ROBIN")
    item.kind = Kind::kRoundRobin;
  else if (simple == "LEAST_REQUEST" || simple == "LEAST_CONN")
    item.kind = Kind::kLeastRequest;
  else if (simple == "RANDOM")
    item.kind = Kind::kRandom;
  else if (simple == "PASSTHROUGH")
    item.kind = Kind::kPassthrough;
  else if (const Node* hash = node.Find("consistentHash")) {
    if (!Beyond(hash, {"httpHeaderName", "useSourceIp", "httpQueryParameterName"}).empty()) {
      return "this kind of hash has no word here";
    }
    const std::string header = hash->StringOr("httpHeaderName", "");
    const std::string query = hash->StringOr("httpQueryParameterName", "");
    item.kind = !header.empty()  ? Kind::kHashHeader
                : !query.empty() ? Kind::kHashQuery
                                 : Kind::kHashSourceIp;
    if (!header.empty()) item.key = Text(header);
    if (!query.empty()) item.key = Text(query);
  } else {
    return "load balancing " + simple + " has no word";
  }
  items.push_back({.value = std::move(item), .span = {}});
  return "";
}

Reason SayClientTls(const Node& node, std::optional<dsl::ClientTlsItem>& said) {
  static const std::vector<std::string> kKnown = {"mode", "sni", "credentialName",
                                                  "subjectAltNames", "insecureSkipVerify"};
  if (const std::string more = Beyond(&node, kKnown); !more.empty()) {
    return "`" + more + "` of client TLS has no word";
  }
  dsl::ClientTlsItem item;
  const std::string mode = node.StringOr("mode", "");
  if (mode == "DISABLE")
    item.mode = dsl::ClientTlsItem::Mode::kOff;
  else if (mode == "SIMPLE")
    item.mode = dsl::ClientTlsItem::Mode::kSimple;
  else if (mode == "MUTUAL")
    item.mode = dsl::ClientTlsItem::Mode::kMutual;
  else if (mode == "ISTIO_MUTUAL")
    item.mode = dsl::ClientTlsItem::Mode::kIstioMutual;
  else
    return "client TLS of mode " + mode + " has no word";
  if (const std::string sni = node.StringOr("sni", ""); !sni.empty()) item.sni = Text(sni);
  if (const std::string secret = node.StringOr("credentialName", ""); !secret.empty()) {
    (item.mode == dsl::ClientTlsItem::Mode::kMutual ? item.certificate_secret : item.ca_secret) =
        Text(secret);
  }
  for (const Node& san : ListAt(node, "subjectAltNames")) item.sans.push_back(Text(san.text));
  const Node* skip = node.Find("insecureSkipVerify");
  item.skip_verify = skip != nullptr && skip->AsBool() == true;
  said = std::move(item);
  return "";
}

Reason SayPolicy(const Node& policy, std::vector<dsl::Item>& items,
                 std::vector<dsl::ExternalPort>* ports) {
  static const std::vector<std::string> kKnown = {"connectionPool", "outlierDetection",
                                                  "loadBalancer", "tls", "portLevelSettings"};
  if (const std::string more = Beyond(&policy, kKnown); !more.empty()) {
    return "`" + more + "` of a traffic policy has no word";
  }
  Reason reason;
  if (const Node* pool = policy.Find("connectionPool")) reason = SayConnections(*pool, items);
  if (const Node* outlier = policy.Find("outlierDetection"); outlier != nullptr && reason.empty()) {
    reason = SayOutlier(*outlier, items);
  }
  if (const Node* balance = policy.Find("loadBalancer"); balance != nullptr && reason.empty()) {
    reason = SayBalance(*balance, items);
  }
  if (const Node* tls = policy.Find("tls"); tls != nullptr && reason.empty()) {
    std::optional<dsl::ClientTlsItem> item;
    reason = SayClientTls(*tls, item);
    if (item) items.push_back({.value = std::move(*item), .span = {}});
  }
  for (const Node& setting : ListAt(policy, "portLevelSettings")) {
    if (!reason.empty()) return reason;
    const std::optional<dsl::Port> port = PortAt(setting, "port.number");
    const Node* tls = setting.Find("tls");
    if (ports == nullptr || !port || tls == nullptr || !Beyond(&setting, {"port", "tls"}).empty()) {
      return "settings of one port have no word here";
    }
    for (dsl::ExternalPort& known : *ports) {
      if (known.number.value == port->value) reason = SayClientTls(*tls, known.tls);
    }
  }
  return reason;
}

}  // namespace

Reason SayGateway(Draft& draft, const Object& object) {
  const Node& spec = object.istio.spec;
  if (const std::string more = Beyond(&spec, {"selector", "servers"}); !more.empty()) {
    return "`" + more + "` has no word";
  }
  dsl::GatewayDecl decl{.header = HeaderFor(object.istio.name, object.istio.ns)};
  if (decl.header.name.value != object.istio.name) return "its name is no word of the language";
  decl.in_namespace = Text(object.istio.ns);
  decl.select = TermsOf(spec.Find("selector"));
  if (decl.select.empty()) return "it selects every gateway";
  for (const Node& server : ListAt(spec, "servers")) {
    if (Reason reason = SayServer(server, decl); !reason.empty()) return reason;
  }
  dsl::AcceptClause all;
  all.all = true;
  decl.accepts.push_back(std::move(all));
  draft.WorkspaceOf(object.istio.ns);
  draft.gateways[{object.istio.ns, object.istio.name}] = draft.program.gateways.size();
  draft.program.gateways.push_back(std::move(decl));
  return "";
}

Reason SayServiceEntry(Draft& draft, const Object& object) {
  const Node& spec = object.istio.spec;
  static const std::vector<std::string> kKnown = {"hosts",      "ports",    "location",
                                                  "resolution", "exportTo", "endpoints"};
  if (const std::string more = Beyond(&spec, kKnown); !more.empty())
    return "`" + more + "` has no word";
  if (spec.StringOr("location", "MESH_EXTERNAL") != "MESH_EXTERNAL")
    return "it is inside of the mesh";
  if (!IsForAll(spec)) return "it is for some namespaces only";
  dsl::ExternalDecl decl{.header = HeaderFor(object.istio.name, object.istio.ns)};
  for (const Node& host : ListAt(spec, "hosts")) decl.hosts.push_back(Text(host.text));
  for (const Node& entry : ListAt(spec, "ports")) {
    dsl::ExternalPort port;
    const std::optional<dsl::Port> number = PortAt(entry, "number");
    const auto protocol = ProtocolOf(entry.StringOr("protocol", "TCP"));
    if (!number || !protocol) return "a port has no number or a protocol without a word";
    port.number = *number;
    port.protocol = *protocol;
    port.target = PortAt(entry, "targetPort");
    decl.ports.push_back(port);
  }
  for (const Node& entry : ListAt(spec, "endpoints")) {
    if (!Beyond(&entry, {"address", "locality"}).empty())
      return "an endpoint says more than its address";
    dsl::ExternalEndpoint endpoint{.address = Text(entry.StringOr("address", ""))};
    const std::string place = entry.StringOr("locality", "");
    const std::size_t slash = place.find('/');
    if (!place.empty()) endpoint.region = Text(place.substr(0, slash));
    if (slash != std::string::npos) endpoint.zone = Text(place.substr(slash + 1));
    decl.endpoints.push_back(std::move(endpoint));
  }
  draft.WorkspaceOf(object.istio.ns);
  for (const dsl::Str& host : decl.hosts)
    draft.externals[host.value] = draft.program.externals.size();
  draft.program.externals.push_back(std::move(decl));
  return "";
}

Reason SayDestinationRule(Draft& draft, const Object& object) {
  const Node& spec = object.istio.spec;
  if (const std::string more = Beyond(&spec, {"host", "trafficPolicy", "subsets", "exportTo"});
      !more.empty()) {
    return "`" + more + "` has no word";
  }
  if (!IsForAll(spec)) return "it is for some namespaces only";
  const std::string host = spec.StringOr("host", "");
  const Node* policy = spec.Find("trafficPolicy");
  if (const auto external = draft.externals.find(host); external != draft.externals.end()) {
    dsl::ExternalDecl& decl = draft.program.externals[external->second];
    if (!ListAt(spec, "subsets").empty()) return "subsets of an external service have no word";
    return policy == nullptr ? "" : SayPolicy(*policy, decl.items, &decl.ports);
  }
  const std::optional<Key> key = draft.HostAsService(host, object.istio.ns);
  if (!key) return "its host `" + host + "` is no service here";
  if (key->first != object.istio.ns) return "it is said in another namespace than its host's";
  if (!draft.ruled.insert(*key).second) return "there are two for one host";
  dsl::ServiceDecl& decl = draft.Declare(*key);
  if (policy != nullptr) {
    if (Reason reason = SayPolicy(*policy, decl.items, nullptr); !reason.empty()) return reason;
  }
  for (const Node& entry : ListAt(spec, "subsets")) {
    dsl::SubsetDecl subset;
    const std::string name = entry.StringOr("name", "");
    if (WordOf(name) != name || !Beyond(&entry, {"name", "labels", "trafficPolicy"}).empty()) {
      return "subset `" + name + "` has no word";
    }
    subset.name = {name, {}};
    subset.labels = TermsOf(entry.Find("labels"));
    if (const Node* own = entry.Find("trafficPolicy")) {
      if (Reason reason = SayPolicy(*own, subset.items, nullptr); !reason.empty()) return reason;
    }
    decl.subsets.push_back(std::move(subset));
  }
  return "";
}

}  // namespace weft::cli::istio
