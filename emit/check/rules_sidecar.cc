// Sidecar.
#include <algorithm>
#include <cctype>
#include <set>

#include "emit/check/rules.h"
#include "emit/check/words.h"

namespace weft::emit::check {
namespace {

using yaml::Node;

constexpr std::string_view kUnix = "unix://";

bool IsPort(std::int64_t number) { return number >= 1 && number <= 65535; }

// Number, protocol and name of a port of a Sidecar, and the address it is bound to.
void CheckSidecarPort(const Node& listener, bool ingress, Report& report) {
  const Node& port = *listener.Find("port");
  const std::int64_t number = Number(port, "number");
  const bool socket = Text(listener, "bind").starts_with(kUnix);
  if (!Text(port, "name").empty()) CheckPortName(port, report);
  CheckProtocol(port, report);
  if (Number(port, "targetPort") > 0) {
    report.Broken(*port.Find("targetPort"), "a Sidecar has no `targetPort`",
                  "targetPort has no impact on Sidecars");
  }
  if (number == 0 && !ingress) {
    const std::string mode = listener.StringOr("captureMode", "DEFAULT");
    if (!socket) {
      report.Broken(port, "without a port a listener is bound to a socket",
                    "sidecar: ports with 0 value must have a unix domain socket bind address");
    } else if (mode == "IPTABLES") {
      report.Broken(listener, "a socket is not captured by iptables",
                    "sidecar: captureMode must be DEFAULT/NONE for unix domain socket listeners");
    } else {
      CheckBind(listener, report);
    }
    return;
  }
  if (!IsPort(number)) {
    report.Broken(port, "the port is between 1 and 65535",
                  "port number must be in the range 1..65535");
  }
  if (socket) {
    report.Broken(*listener.Find("bind"), "a port is bound to an address", "is not a valid IP");
  } else {
    CheckBind(listener, report);
  }
}

void CheckDefaultEndpoint(const Node& listener, Report& report) {
  const std::string endpoint = Text(listener, "defaultEndpoint");
  if (endpoint.empty()) return;
  const std::size_t colon = endpoint.rfind(':');
  bool fits = false;
  if (endpoint.starts_with(kUnix)) {
    fits = IsUnixAddress(std::string_view(endpoint).substr(kUnix.size()));
  } else if (colon != std::string::npos) {
    static const std::set<std::string> kHosts = {"", "127.0.0.1", "0.0.0.0", "[::1]", "[::]"};
    const std::string port = endpoint.substr(colon + 1);
    fits = kHosts.contains(endpoint.substr(0, colon)) && !port.empty() && port.size() < 6 &&
           std::all_of(port.begin(), port.end(),
                       [](unsigned char c) { return std::isdigit(c) != 0; }) &&
           IsPort(std::stol(port));
  }
  if (!fits) {
    report.Broken(*listener.Find("defaultEndpoint"),
                  "`defaultEndpoint` is a port of this host or a socket",
                  "sidecar: defaultEndpoint must be of form 127.0.0.1:<port>,0.0.0.0:<port>,"
                  "[::1]:port,[::]:port,unix://filepath or unset");
  }
}

void CheckIngressTls(const Node& listener, Report& report) {
  const Node* tls = listener.Find("tls");
  if (tls == nullptr || tls->IsNull()) return;
  for (const char* field :
       {"subjectAltNames", "credentialName", "credentialNames", "tlsCertificates"}) {
    if (!Items(*tls, field).empty() || !Text(*tls, field).empty()) {
      report.Broken(*tls->Find(field), "a Sidecar has no `" + std::string(field) + "`",
                    "sidecar: " + std::string(field) + " is not currently supported");
    }
  }
  if (IsTrue(*tls, "httpsRedirect")) {
    report.Broken(*tls->Find("httpsRedirect"), "a Sidecar cannot redirect",
                  "sidecar: httpsRedirect is not supported");
  }
  const std::string mode = Text(*tls, "mode");
  if (mode == "ISTIO_MUTUAL" || mode == "AUTO_PASSTHROUGH") {
    report.Broken(*tls->Find("mode"), "the mode of a Sidecar cannot be `" + mode + "`",
                  "configuration is invalid: cannot set mode in sidecar ingress tls");
  }
  const Protocol protocol = ProtocolOf(Text(*listener.Find("port"), "protocol"));
  if (protocol != Protocol::kHttps && protocol != Protocol::kTls) {
    report.Broken(*tls, "only a port of `HTTPS` or `TLS` has `tls`",
                  "server cannot have TLS settings for non HTTPS/TLS ports");
  }
  CheckServerTls(*tls, report);
}

void CheckIngress(const Node& spec, Report& report) {
  std::set<std::int64_t> ports;
  for (const Node& listener : Items(spec, "ingress")) {
    CheckSidecarPort(listener, true, report);
    if (!ports.insert(Number(*listener.Find("port"), "number")).second) {
      report.Broken(listener, "another listener has this port",
                    "sidecar: ports on IP bound listeners must be unique");
    }
    CheckDefaultEndpoint(listener, report);
    CheckIngressTls(listener, report);
    CheckConnectionPool(listener.Find("connectionPool"), report);
  }
}

void CheckEgress(const Node& spec, Report& report) {
  std::set<std::string> places;
  const std::vector<Node>& listeners = Items(spec, "egress");
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const Node& listener = listeners[i];
    if (!Has(listener, "port")) {
      if (i + 1 != listeners.size()) {
        report.Broken(listener, "the listener for every port is the last one",
                      "sidecar: the egress listener with empty port should be the last listener in "
                      "the list");
      }
    } else {
      CheckSidecarPort(listener, false, report);
      const std::int64_t number = Number(*listener.Find("port"), "number");
      if (!places.insert(number == 0 ? Text(listener, "bind") : std::to_string(number)).second) {
        report.Broken(listener, "another listener has this port",
                      "sidecar: ports on IP bound listeners must be unique");
      }
    }
    if (Items(listener, "hosts").empty()) {
      report.Broken(listener, "the listener has no host",
                    "sidecar: egress listener must contain at least one host");
    }
    for (const Node& host : Items(listener, "hosts")) CheckScopedHost(host, false, report);
  }
}

}  // namespace

void CheckSidecar(const IstioObject& object, Report& report) {
  const Node& spec = object.spec;
  CheckSelector(spec, "workloadSelector", "labels", report);
  if (Items(spec, "egress").empty() && Items(spec, "ingress").empty() &&
      !Has(spec, "outboundTrafficPolicy") && !Has(spec, "inboundConnectionPool")) {
    report.Broken(spec, "the Sidecar says nothing", "sidecar: empty configuration provided");
    return;
  }
  CheckIngress(spec, report);
  CheckEgress(spec, report);
  CheckConnectionPool(spec.Find("inboundConnectionPool"), report);
  const Node* proxy = spec.At("outboundTrafficPolicy.egressProxy");
  if (proxy == nullptr || proxy->IsNull()) return;
  if (Text(*spec.Find("outboundTrafficPolicy"), "mode") != "ALLOW_ANY") {
    report.Broken(*proxy, "an `egressProxy` needs the mode `ALLOW_ANY`",
                  "sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy "
                  "mode");
  } else if (!Has(*proxy, "port")) {
    report.Broken(*proxy, "the `egressProxy` has no port",
                  "sidecar: egress_proxy port must be non-nil");
  } else {
    CheckDestination(proxy, report);
  }
}

}  // namespace weft::emit::check
