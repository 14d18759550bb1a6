// Gateway, and what it has in common with a Sidecar.
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

void CheckCertificates(const Node& tls, const std::string& mode, Report& report) {
  const auto set = [&](const Node& node, const char* field) { return !Text(node, field).empty(); };
  if (mode != "SIMPLE" && set(tls, "caCertificates") == false) {
    report.Broken(tls, "`" + mode + "` needs `caCertificates`",
                  "MUTUAL TLS requires a client CA bundle");
  }
  const std::vector<Node>& several = Items(tls, "tlsCertificates");
  const std::string name = mode == "SIMPLE" ? "SIMPLE" : "MUTUAL";
  const auto check = [&](const Node& certificate) {
    if (!set(certificate, "serverCertificate")) {
      report.Broken(certificate,
                    "`" + mode +
                        "` needs a certificate: `credentialName` or "
                        "`serverCertificate`",
                    name + " TLS requires a server certificate");
    } else if (!set(certificate, "privateKey")) {
      report.Broken(certificate, "`" + mode + "` needs a `privateKey`",
                    name + " TLS requires a private key");
    }
  };
  if (several.empty()) check(tls);
  for (const Node& certificate : several) check(certificate);
}

// The server of a Gateway and its TLS.
void CheckServer(const Node& server, Report& report) {
  if (Items(server, "hosts").empty()) {
    report.Broken(server, "the server has no host", "server config must contain at least one host");
  }
  for (const Node& host : Items(server, "hosts")) CheckScopedHost(host, true, report);
  CheckBind(server, report);
  const Node& port = *server.Find("port");
  const Protocol protocol = ProtocolOf(Text(port, "protocol"));
  const bool socket = Text(server, "bind").starts_with(kUnix);
  const std::int64_t number = Number(port, "number");
  if (protocol == Protocol::kUnknown) {
    report.Broken(*port.Find("protocol"), "`" + Text(port, "protocol") + "` is no protocol",
                  "invalid protocol");
  }
  if (socket ? number != 0 : !IsPort(number)) {
    report.Broken(*port.Find("number"),
                  socket ? "a socket has no port" : "the port is between 1 and 65535",
                  "port number must be in the range 1..65535");
  }
  if (Number(port, "targetPort") > 0) {
    report.Broken(*port.Find("targetPort"), "a gateway has no `targetPort`",
                  "targetPort has no impact on Gateways");
  }
  if (Text(port, "name").empty()) {
    report.Broken(port, "the port has no name", "port name must be set");
  }
  const Node* tls = server.Find("tls");
  const bool has_tls = tls != nullptr && !tls->IsNull();
  if (has_tls) CheckServerTls(*tls, report);
  const bool encrypted = protocol == Protocol::kHttps || protocol == Protocol::kTls;
  if (encrypted && !has_tls) {
    report.Broken(server, "a port of `" + Text(port, "protocol") + "` needs `tls`",
                  "server must have TLS settings for HTTPS/TLS protocols");
  }
  if (encrypted || !has_tls || protocol == Protocol::kUnknown) return;
  const std::string mode = tls->StringOr("mode", "PASSTHROUGH");
  const bool passes = (mode == "PASSTHROUGH" || mode == "AUTO_PASSTHROUGH") &&
                      Text(*tls, "caCertificates").empty() && Text(*tls, "privateKey").empty() &&
                      Text(*tls, "serverCertificate").empty();
  if (protocol != Protocol::kHttp || !passes) {
    report.Broken(*tls, "a port of `" + Text(port, "protocol") + "` has no TLS but the redirect",
                  protocol == Protocol::kHttp
                      ? "server cannot have TLS settings for plain text HTTP ports"
                      : "server cannot have TLS settings for non HTTPS/TLS ports");
  }
}

}  // namespace

void CheckServerTls(const Node& tls, Report& report) {
  const std::string mode = tls.StringOr("mode", "PASSTHROUGH");
  const auto set = [&](const char* field) {
    return !Text(tls, field).empty() || !Items(tls, field).empty();
  };
  if (mode == "ISTIO_MUTUAL") {
    for (const char* field : {"serverCertificate", "privateKey", "caCertificates",
                              "tlsCertificates", "credentialName", "credentialNames"}) {
      if (set(field)) {
        report.Broken(*tls.Find(field), "`ISTIO_MUTUAL` has no `" + std::string(field) + "`",
                      "ISTIO_MUTUAL TLS cannot have associated " + std::string(field));
      }
    }
    return;
  }
  const int sources = (set("serverCertificate") && set("privateKey") ? 1 : 0) +
                      (set("credentialName") || set("credentialNames") ? 1 : 0) +
                      (set("tlsCertificates") ? 1 : 0);
  if (sources > 1) {
    report.Broken(tls, "the certificate is named twice",
                  "only one of credential_name, credential_names, server_certificate/private_key, "
                  "tls_certificates should be specified");
  }
  const bool terminates = mode == "SIMPLE" || mode == "MUTUAL" || mode == "OPTIONAL_MUTUAL";
  if (terminates && (set("credentialName") || set("credentialNames"))) return;
  if (terminates) CheckCertificates(tls, mode, report);
  if (!set("caCrl")) return;
  if (set("credentialName")) {
    report.Broken(*tls.Find("caCrl"), "with `credentialName` the list belongs into the secret",
                  "CRL is not supported with credentialName");
  }
  if (mode == "SIMPLE") {
    report.Broken(*tls.Find("caCrl"), "`SIMPLE` revokes no client certificates",
                  "CRL is not supported with SIMPLE TLS");
  }
}

void CheckGateway(const IstioObject& object, Report& report) {
  const Node& spec = object.spec;
  if (!IsDnsLabel(object.name)) {
    report.Broken(spec, "a Gateway is named by a DNS label, which `" + object.name + "` is not",
                  "invalid gateway name");
  }
  if (Items(spec, "servers").empty()) {
    report.Broken(spec, "the Gateway has no server", "gateway must have at least one server");
  }
  std::set<std::string> names;
  for (const Node& server : Items(spec, "servers")) {
    CheckServer(server, report);
    const Node& port = *server.Find("port");
    if (!names.insert(Text(port, "name")).second) {
      report.Broken(port, "another server has the port name `" + Text(port, "name") + "`",
                    "port names in servers must be unique: duplicate name");
    }
  }
}

// `namespace/host` of a Gateway or Sidecar; a Gateway may leave the namespace out.
void CheckScopedHost(const Node& node, bool gateway, Report& report) {
  const std::size_t slash = node.text.find('/');
  if (slash == std::string::npos && !gateway) {
    report.Broken(node, "`" + node.text + "` is not `namespace/host`",
                  "host must be of form namespace/dnsName");
    return;
  }
  const std::string host = slash == std::string::npos ? node.text : node.text.substr(slash + 1);
  if (slash != std::string::npos) {
    std::string ns = node.text.substr(0, slash);
    const bool empty = ns.empty();
    if (!gateway && ns.starts_with('~')) ns = ns.substr(1);
    const bool may_be_empty = !gateway && !empty;
    if (empty || (ns != "*" && ns != "." && !(ns.empty() && may_be_empty) && !IsDnsLabel(ns))) {
      report.Broken(node, "`" + node.text.substr(0, slash) + "` is no namespace",
                    "invalid namespace value");
      return;
    }
  }
  if (host != "*" && host.find('.') == std::string::npos) {
    report.Broken(node, "`" + host + "` is a short name; the whole one is needed",
                  "short names (non FQDN) are not allowed");
  } else if (!IsWildcardDomain(host) && !(gateway && IsIp(host))) {
    report.Broken(node, "`" + host + "` is no host", "domain name invalid");
  } else if (IsPartialWildcard(host)) {
    report.Broken(node, "in `" + host + "` the star does not stand for whole labels",
                  "partial wildcard is not allowed");
  }
}

void CheckBind(const Node& node, Report& report) {
  const std::string bind = Text(node, "bind");
  if (bind.empty()) return;
  const bool socket = bind.starts_with(kUnix);
  if (socket ? !IsUnixAddress(std::string_view(bind).substr(kUnix.size())) : !IsIp(bind)) {
    report.Broken(*node.Find("bind"), "`" + bind + "` is no address",
                  socket ? "is not an absolute path to a file" : bind + " is not a valid IP");
  }
}

void CheckPortName(const Node& port, Report& report) {
  if (!IsDnsLabel(Text(port, "name"))) {
    report.Broken(port, "`" + Text(port, "name") + "` is no name of a port", "invalid port name");
  }
}

void CheckProtocol(const Node& port, Report& report) {
  const std::string protocol = Text(port, "protocol");
  if (!protocol.empty() && ProtocolOf(protocol) == Protocol::kUnknown) {
    report.Broken(*port.Find("protocol"), "`" + protocol + "` is no protocol",
                  "unsupported protocol: " + protocol);
  }
}

}  // namespace weft::emit::check
