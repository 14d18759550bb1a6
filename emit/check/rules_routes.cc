// VirtualService.
#include <algorithm>

#include "emit/check/rules.h"
#include "emit/check/words.h"

namespace weft::emit::check {
namespace {

using yaml::Node;

bool AtGateway(const Node& spec) {
  const std::vector<Node>& gateways = Items(spec, "gateways");
  return std::any_of(gateways.begin(), gateways.end(),
                     [](const Node& g) { return g.text != "mesh"; });
}

void CheckTlsMatch(const Node& match, const Node& spec, Report& report) {
  if (Items(match, "sniHosts").empty()) {
    report.Broken(match, "a TLS match needs a name", "TLS match must have at least one SNI host");
  }
  for (const Node& sni : Items(match, "sniHosts")) {
    if (IsIp(sni.text)) continue;
    const bool generated = AtGateway(spec) && sni.text.starts_with("outbound_.");
    if (!generated && !IsWildcardDomain(sni.text)) {
      report.Broken(sni, "`" + sni.text + "` is no host", "domain name invalid");
      continue;
    }
    const std::vector<Node>& hosts = Items(spec, "hosts");
    if (std::none_of(hosts.begin(), hosts.end(),
                     [&](const Node& h) { return HostWithin(sni.text, h.text); })) {
      report.Broken(sni, "`" + sni.text + "` is none of the hosts of the VirtualService",
                    "SNI host is not a compatible subset of any of the virtual service hosts");
    }
  }
}

void CheckRawRoute(const Node& route, const Node& spec, bool tls, Report& report) {
  if (tls && Items(route, "match").empty()) {
    report.Broken(route, "a TLS route needs a match",
                  "TLS route must have at least one match condition");
  }
  for (const Node& match : Items(route, "match")) {
    if (tls) CheckTlsMatch(match, spec, report);
    for (const Node& subnet : Items(match, "destinationSubnets")) {
      if (!IsSubnet(subnet.text)) {
        report.Broken(subnet, "`" + subnet.text + "` is no address or block",
                      "is not a valid CIDR block");
      }
    }
    CheckPortNumber(match, report);
    CheckLabels(match.Find("sourceLabels"), report);
    CheckGatewayNames(match, report);
  }
  if (Items(route, "route").empty()) {
    report.Broken(route, "the route has no destination",
                  std::string(tls ? "TLS" : "TCP") + " route is required");
  }
  CheckWeights(route, false, report);
}

bool HasTls(const Node& spec) {
  const std::vector<Node>& routes = Items(spec, "tls");
  return std::any_of(routes.begin(), routes.end(),
                     [](const Node& route) { return !Items(route, "match").empty(); });
}

void CheckHosts(const Node& spec, bool gateway, Report& report) {
  const std::vector<Node>& hosts = Items(spec, "hosts");
  bool valid = true;
  for (const Node& host : hosts) {
    const bool generated = gateway && HasTls(spec) && host.text.starts_with("outbound_.");
    if (!generated && !IsWildcardDomain(host.text) && !IsIp(host.text)) {
      report.Broken(host, "`" + host.text + "` is no host", "domain name invalid");
      valid = false;
    } else if (!gateway && host.text == "*") {
      report.Broken(
          host, "in the mesh no VirtualService is for every host",
          "wildcard host * is not allowed for virtual services bound to the mesh gateway");
      valid = false;
    }
  }
  for (std::size_t i = 0; valid && i < hosts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (HostsMeet(hosts[i].text, hosts[j].text)) {
        report.Broken(hosts[i], "`" + hosts[i].text + "` and `" + hosts[j].text + "` overlap",
                      "duplicate hosts in virtual service");
      }
    }
  }
}

}  // namespace

void CheckRoutes(const IstioObject& object, Report& report) {
  const Node& spec = object.spec;
  const bool table = Items(spec, "hosts").empty();
  for (const char* field : {"gateways", "tls", "tcp"}) {
    if (table && !Items(spec, field).empty()) {
      report.Broken(
          *spec.Find(field),
          "a VirtualService without hosts is delegated to and has no `" + std::string(field) + "`",
          "delegate virtual service must have no " + std::string(field));
    }
  }
  const bool gateway = AtGateway(spec);
  CheckGatewayNames(spec, report);
  CheckHosts(spec, gateway, report);
  if (Items(spec, "http").empty() && Items(spec, "tcp").empty() && Items(spec, "tls").empty()) {
    report.Broken(spec, "a VirtualService needs `http`, `tls` or `tcp`",
                  "http, tcp or tls must be provided in virtual service");
  }
  for (const Node& route : Items(spec, "http")) CheckHttpRoute(route, table, gateway, report);
  for (const Node& route : Items(spec, "tls")) CheckRawRoute(route, spec, true, report);
  for (const Node& route : Items(spec, "tcp")) CheckRawRoute(route, spec, false, report);
  CheckExportTo(object, report);
}

void CheckGatewayNames(const Node& node, Report& report) {
  for (const Node& name : Items(node, "gateways")) {
    const std::size_t slash = name.text.find('/');
    const bool fits = slash == std::string::npos ? IsFqdn(name.text)
                                                 : IsDnsLabel(name.text.substr(0, slash)) &&
                                                       IsDnsLabel(name.text.substr(slash + 1));
    if (!fits) {
      report.Broken(name,
                    "`" + name.text + "` is no name of a gateway (`name` or `namespace/name`)",
                    "invalid value for gateway name");
    }
    // Istio reads no further than a name without a namespace.
    if (slash == std::string::npos) return;
  }
}

void CheckPortNumber(const Node& node, Report& report) {
  const Node* port = node.Find("port");
  if (port != nullptr && port->AsInt().value_or(0) > 65535) {
    report.Broken(*port, "`" + port->text + "` is no port",
                  "port number must be in the range 1..65535");
  }
}

void CheckWeights(const Node& route, bool http, Report& report) {
  const std::vector<Node>& targets = Items(route, "route");
  std::int64_t total = 0;
  for (const Node& target : targets) {
    const std::int64_t weight = Number(target, "weight");
    total += weight;
    if (weight < 0) {
      report.Broken(*target.Find("weight"), "`weight` is negative", "weight < 0");
    }
    CheckDestination(target.Find("destination"), report);
    if (http) CheckHeaders(target, report);
  }
  if (targets.size() > 1 && total == 0) {
    report.Broken(*route.Find("route"), "the weights add up to nothing",
                  "total destination weight = 0");
  }
}

}  // namespace weft::emit::check
