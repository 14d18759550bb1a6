// networking.istio.io/v1 Gateway; istio/api networking/v1/gateway.proto
#include <algorithm>
#include <set>

#include "emit/istio/emitter.h"

namespace weft::emit::istio {
namespace {

std::string Protocol(const engine::Listener& listener) {
  switch (listener.protocol) {
    case engine::PortProtocol::kHttp:
      return listener.tls ? "HTTPS" : "HTTP";
    case engine::PortProtocol::kHttp2:
      return listener.tls ? "HTTPS" : "HTTP2";
    case engine::PortProtocol::kGrpc:
      return listener.tls ? "HTTPS" : "GRPC";
    case engine::PortProtocol::kHttps:
      return "HTTPS";
    case engine::PortProtocol::kTls:
      return "TLS";
    case engine::PortProtocol::kTcp:
    case engine::PortProtocol::kUdp:
    case engine::PortProtocol::kUnknown:
      return "TCP";
  }
  return "TCP";
}

std::string TlsModeText(engine::TlsMode mode) {
  switch (mode) {
    case engine::TlsMode::kSimple:
      return "SIMPLE";
    case engine::TlsMode::kMutual:
      return "MUTUAL";
    case engine::TlsMode::kPassthrough:
      return "PASSTHROUGH";
    case engine::TlsMode::kAutoPassthrough:
      return "AUTO_PASSTHROUGH";
    case engine::TlsMode::kIstioMutual:
      return "ISTIO_MUTUAL";
  }
  return "SIMPLE";
}

std::string VersionText(engine::TlsVersion version) {
  switch (version) {
    case engine::TlsVersion::kTls10:
      return "TLSV1_0";
    case engine::TlsVersion::kTls11:
      return "TLSV1_1";
    case engine::TlsVersion::kTls12:
      return "TLSV1_2";
    case engine::TlsVersion::kTls13:
      return "TLSV1_3";
  }
  return "TLSV1_2";
}

Value Tls(const engine::Listener& listener) {
  Value tls = Value::object();
  if (listener.redirect_https) tls["httpsRedirect"] = true;
  if (!listener.tls) return tls;
  tls["mode"] = TlsModeText(*listener.tls);
  if (!listener.certificate.empty()) tls["credentialName"] = listener.certificate;
  if (!listener.ca.empty()) tls["caCertCredentialName"] = listener.ca;
  if (!listener.sans.empty()) tls["subjectAltNames"] = listener.sans;
  if (listener.min_version) tls["minProtocolVersion"] = VersionText(*listener.min_version);
  if (listener.max_version) tls["maxProtocolVersion"] = VersionText(*listener.max_version);
  return tls;
}

Value Server(const engine::Listener& listener, std::size_t index) {
  const std::string protocol = Protocol(listener);
  std::string name;
  for (const char c : protocol) name += static_cast<char>(c - 'A' + 'a');
  if (protocol == "HTTP2") name = "http2";
  Value server;
  server["port"]["number"] = listener.port;
  // Port names must differ between the servers of one Gateway.
  server["port"]["name"] =
      name + "-" + std::to_string(listener.port) + (index == 0 ? "" : "-" + std::to_string(index));
  server["port"]["protocol"] = protocol;
  // `./`: only VirtualServices of this namespace, which weft writes, may bind.
  for (const std::string& host : listener.hosts) server["hosts"].push_back("./" + host);
  if (listener.hosts.empty()) server["hosts"].push_back("./*");
  const Value tls = Tls(listener);
  if (!tls.empty()) server["tls"] = tls;
  return server;
}

// The gateway other networks enter by, opened for the hosts of destinations that are backed here.
void EmitEastWest(Emitter& e) {
  const engine::Cluster& here = e.model[e.cluster];
  if (here.east_west.empty() || here.east_west_selector.empty()) return;
  std::set<std::string> hosts;
  for (const engine::Destination& d : e.model.destinations) {
    const bool backed = std::any_of(d.backings.begin(), d.backings.end(),
                                    [&](const auto& b) { return b.cluster == e.cluster; });
    const bool remote = std::any_of(e.model.clusters.begin(), e.model.clusters.end(),
                                    [&](const auto& c) { return c.network != here.network; });
    if (backed && remote) hosts.insert(d.hosts.begin(), d.hosts.end());
  }
  if (hosts.empty()) return;
  const std::string ns = here.east_west_ns.empty() ? e.model.root_namespace : here.east_west_ns;
  Object& object = e.Add("networking.istio.io/v1", "Gateway", ns, "weft-east-west", {}, here.span);
  object.spec["selector"] = here.east_west_selector;
  Value server;
  server["port"]["number"] = here.east_west.front().port;
  server["port"]["name"] = "tls-east-west";
  server["port"]["protocol"] = "TLS";
  for (const std::string& host : hosts) server["hosts"].push_back("*/" + host);
  server["tls"]["mode"] = "AUTO_PASSTHROUGH";
  object.spec["servers"].push_back(std::move(server));
}

}  // namespace

void EmitGateways(Emitter& e) {
  for (const engine::Gateway& gateway : e.model.gateways) {
    const auto& in = gateway.clusters;
    if (std::find(in.begin(), in.end(), e.cluster) == in.end() || gateway.listeners.empty()) {
      continue;
    }
    Object& object = e.Add("networking.istio.io/v1", "Gateway", gateway.ns, gateway.name,
                           gateway.workspace, gateway.span);
    object.spec["selector"] = gateway.selector;
    std::map<std::uint16_t, std::size_t> seen;
    for (const engine::Listener& listener : gateway.listeners) {
      object.spec["servers"].push_back(Server(listener, seen[listener.port]++));
      object.sources.push_back(listener.span);
    }
  }
  EmitEastWest(e);
}

}  // namespace weft::emit::istio
