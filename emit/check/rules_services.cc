// ServiceEntry and WorkloadEntry.
#include <algorithm>
#include <cctype>
#include <set>

#include "emit/check/rules.h"
#include "emit/check/words.h"

namespace weft::emit::check {
namespace {

using yaml::Node;

constexpr std::string_view kUnix = "unix://";

// Ports of a ServiceEntry; returns their names.
std::set<std::string> CheckEntryPorts(const Node& spec, Report& report) {
  std::set<std::string> names;
  std::set<std::int64_t> numbers;
  for (const Node& port : Items(spec, "ports")) {
    CheckPortName(port, report);
    CheckProtocol(port, report);
    if (!names.insert(Text(port, "name")).second) {
      report.Broken(port, "another port has the name `" + Text(port, "name") + "`",
                    "spec.ports: Duplicate value");
    } else if (!numbers.insert(Number(port, "number")).second) {
      report.Broken(port, "another port has this number", "port number cannot be duplicated");
    }
  }
  return names;
}

void CheckEndpoints(const IstioObject& object, const std::string& resolution,
                    const std::set<std::string>& ports, Report& report) {
  const std::vector<Node>& endpoints = Items(object.spec, "endpoints");
  if (resolution == "NONE" && Has(object.spec, "endpoints")) {
    report.Broken(*object.spec.Find("endpoints"), "resolution `NONE` knows no endpoints",
                  "NONE mode cannot set endpoints");
    return;
  }
  if (resolution == "DNS_ROUND_ROBIN" && endpoints.size() > 1) {
    report.Broken(endpoints[1], "resolution `DNS_ROUND_ROBIN` knows one endpoint",
                  "DNS_ROUND_ROBIN mode cannot have multiple endpoints");
  }
  for (const Node& endpoint : endpoints) {
    CheckWorkloadEntry(endpoint, resolution != "STATIC", report);
    const bool socket = Text(endpoint, "address").starts_with(kUnix);
    if (socket && resolution == "STATIC" && ports.size() != 1) {
      report.Broken(endpoint, "a socket serves one port",
                    "exactly 1 service port required for unix endpoints");
    }
    if (resolution != "STATIC" && (socket || Text(endpoint, "address").empty())) {
      report.Broken(endpoint, "the endpoint has no address",
                    "endpoint address is not a valid FQDN or an IP address");
    }
    for (const Node::Entry& port : Entries(endpoint, "ports")) {
      if (!ports.contains(port.key)) {
        report.Broken(port.value, "the ServiceEntry has no port `" + port.key + "`",
                      "endpoint port is not defined by the service entry");
      }
    }
  }
}

// Hosts, addresses and ports, each by what the resolution allows.
void CheckResolution(const Node& spec, const std::string& resolution, Report& report) {
  const bool dynamic = resolution == "DYNAMIC_DNS";
  const bool dns = resolution == "DNS" || resolution == "DNS_ROUND_ROBIN";
  for (const Node& host : Items(spec, "hosts")) {
    if (dynamic && !host.text.starts_with('*')) {
      report.Broken(host, "resolution `DYNAMIC_DNS` is for hosts with a star",
                    "host must be wildcarded for resolution mode DYNAMIC_DNS");
    }
    if (dns && Items(spec, "endpoints").empty() && !IsFqdn(host.text)) {
      report.Broken(host, "without endpoints `" + host.text + "` cannot be resolved",
                    "hosts must be FQDN if no endpoints are provided for resolution mode DNS");
      break;
    }
  }
  for (const Node& address : Items(spec, "addresses")) {
    const bool block = address.text.find('/') != std::string::npos;
    if (!IsSubnet(address.text)) {
      report.Broken(address, "`" + address.text + "` is no address or block",
                    "is not a valid CIDR block");
    } else if (dynamic) {
      report.Broken(address, "resolution `DYNAMIC_DNS` knows no addresses",
                    "addresses cannot be set for resolution type DYNAMIC_DNS");
    } else if (block && dns) {
      report.Broken(address, "a block of addresses needs the resolution `NONE` or `STATIC`",
                    "CIDR addresses are allowed only for NONE/STATIC resolution types");
    }
  }
  if (dynamic && !Items(spec, "endpoints").empty()) {
    report.Broken(*spec.Find("endpoints"), "resolution `DYNAMIC_DNS` knows no endpoints",
                  "endpoints cannot be set for resolution type DYNAMIC_DNS");
  }
  const bool many = Items(spec, "hosts").size() > 1 && resolution != "NONE";
  for (const Node& port : Items(spec, "ports")) {
    const std::string name = Text(port, "protocol");
    const Protocol protocol = ProtocolOf(name);
    if (dynamic &&
        !(protocol == Protocol::kTls || (protocol == Protocol::kHttp && name.size() < 6))) {
      report.Broken(port, "resolution `DYNAMIC_DNS` is for HTTP, TLS, gRPC and HTTP2",
                    "only HTTP, TLS, GRPC, and HTTP2 protocols are supported for resolution type "
                    "DYNAMIC_DNS");
    } else if (many && (protocol == Protocol::kTcp || protocol == Protocol::kUnknown)) {
      report.Broken(port, "several hosts share a port whose protocol does not tell them apart",
                    "multiple hosts provided with non-HTTP, non-TLS ports");
      break;
    }
  }
}

}  // namespace

void CheckWorkloadEntry(const Node& entry, bool host_names, Report& report) {
  const std::string address = Text(entry, "address");
  const bool socket = address.starts_with(kUnix);
  if (address.empty() && Text(entry, "network").empty()) {
    report.Broken(entry, "an `address` is needed, or a `network`", "Address is required");
  } else if (socket) {
    const std::string path = address.substr(kUnix.size());
    if (path.ends_with('/')) {
      report.Broken(*entry.Find("address"), "the path of a socket is no folder",
                    "UDS may not be a dir");
    } else if (!IsUnixAddress(path)) {
      report.Broken(*entry.Find("address"), "the path of a socket is absolute",
                    "UDS must be an absolute path or abstract socket");
    }
    if (Has(entry, "ports")) {
      report.Broken(*entry.Find("ports"), "a socket has no ports", "UDS may not include ports");
    }
  } else if (!address.empty() && !IsIp(address) && !(host_names && IsFqdn(address))) {
    report.Broken(*entry.Find("address"), "`" + address + "` is no address",
                  "endpoint address is not a valid FQDN or an IP address");
  }
  for (const Node::Entry& port : Entries(entry, "ports")) {
    if (port.key.size() > 62 || !IsDnsLabel(port.key)) {
      report.Broken(port.value, "`" + port.key + "` is no name of a port",
                    "spec.ports: Invalid value: port name must be valid");
    }
  }
  CheckLabels(entry.Find("labels"), report);
}

void CheckServiceEntry(const IstioObject& object, const Node& root, Report& report) {
  const Node& spec = object.spec;
  const std::string resolution = spec.StringOr("resolution", "NONE");
  for (const Node& host : Items(spec, "hosts")) {
    if (host.text == "*" || !IsWildcardDomain(host.text)) {
      report.Broken(host, "`" + host.text + "` is no host of a ServiceEntry",
                    host.text == "*" ? "hostname cannot be wildcard" : "domain name invalid");
    }
  }
  if (Has(spec, "workloadSelector") && Has(spec, "endpoints")) {
    report.Broken(spec, "only one of `workloadSelector` and `endpoints` can be set",
                  "only one of WorkloadSelector or Endpoints can be set");
  }
  CheckSelector(spec, "workloadSelector", "labels", report);
  const std::set<std::string> ports = CheckEntryPorts(spec, report);
  CheckEndpoints(object, resolution, ports, report);
  CheckResolution(spec, resolution, report);
  const Node* labels = root.At("metadata.labels");
  const std::string waypoint = labels == nullptr ? "" : Text(*labels, "istio.io/use-waypoint");
  if (resolution == "DYNAMIC_DNS" && Text(spec, "location") == "MESH_INTERNAL" &&
      !waypoint.empty() && waypoint != "none") {
    report.Broken(*spec.Find("location"), "behind a waypoint the hosts are `MESH_EXTERNAL`",
                  "location MESH_INTERNAL is not supported when using waypoints");
  }
  CheckExportTo(object, report);
}

}  // namespace weft::emit::check
