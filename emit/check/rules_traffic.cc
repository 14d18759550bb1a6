// DestinationRule, and the destinations of routes.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "emit/check/rules.h"
#include "emit/check/words.h"

namespace weft::emit::check {
namespace {

using yaml::Node;

bool IsPrime(std::int64_t number) {
  if (number == 1) return true;  // for Istio it is one
  if (number < 1) return false;
  for (std::int64_t i = 2; i * i <= number; ++i) {
    if (number % i == 0) return false;
  }
  return true;
}

void CheckPercent(const Node& node, std::string_view field, Report& report) {
  const std::int64_t number = Number(node, field);
  if (number < 0 || number > 100) {
    report.Broken(*node.Find(field), "`" + std::string(field) + "` is a percentage",
                  "percentage is not in range 0..100");
  }
}

void CheckOutlier(const Node* outlier, Report& report) {
  if (outlier == nullptr) return;
  if (!IsTrue(*outlier, "splitExternalLocalOriginErrors") &&
      Number(*outlier, "consecutiveLocalOriginFailures") > 0) {
    report.Broken(*outlier->Find("consecutiveLocalOriginFailures"),
                  "local failures are counted only with `splitExternalLocalOriginErrors`",
                  "outlier detection consecutive local origin failures is specified, but split "
                  "external local origin errors is set to false");
  }
  CheckPercent(*outlier, "maxEjectionPercent", report);
  CheckPercent(*outlier, "minHealthPercent", report);
}

void CheckHash(const Node* hash, Report& report) {
  if (hash == nullptr) return;
  if (const Node* cookie = hash->Find("httpCookie")) {
    std::set<std::string> names;
    if (Text(*cookie, "name").empty()) {
      report.Broken(*cookie, "the cookie has no name", "name required for HttpCookie");
    }
    for (const Node& attribute : Items(*cookie, "attributes")) {
      const std::string name = Text(attribute, "name");
      if (name.empty() || !names.insert(name).second) {
        report.Broken(attribute, "each attribute of a cookie has a name of its own",
                      "duplicate cookie attribute name");
      }
    }
  }
  if (Number(*hash, "minimumRingSize") != 0 && (Has(*hash, "ringHash") || Has(*hash, "maglev"))) {
    report.Broken(*hash, "the ring has two sizes",
                  "only one of MinimumRingSize or Maglev/Ringhash can be specified");
  }
  if (const Node* maglev = hash->Find("maglev")) {
    const std::int64_t size = Number(*maglev, "tableSize");
    if (size >= 5'000'011 || !IsPrime(size)) {
      report.Broken(*maglev, "`tableSize` is a prime number below 5000011",
                    "tableSize must be a prime number for maglev");
    }
  }
}

// Localities with a star at the end at most, none of which holds another.
void CheckLocalities(const std::vector<std::pair<std::string, const Node*>>& list, Report& report) {
  std::vector<std::string> seen;
  for (const auto& named : list) {
    const std::string& locality = named.first;
    const Node* node = named.second;
    const std::size_t star = locality.find('*');
    if (star != std::string::npos && star + 1 != locality.size()) {
      report.Broken(*node, "a star stands at the end of a locality",
                    "locality wildcard '*' number can not exceed 1 and must be in the end");
      return;
    }
    if (locality.empty() || locality.front() == '/' || locality.back() == '/' ||
        locality.find("//") != std::string::npos) {
      report.Broken(*node, "`" + locality + "` has an empty part",
                    "locality must not contain empty region/zone/subzone info");
      return;
    }
    const bool overlaps = std::any_of(seen.begin(), seen.end(), [&](const std::string& other) {
      const auto within = [](const std::string& a, const std::string& b) {
        return a == b || b == "*" || a.starts_with(b + "/");
      };
      return within(locality, other) || (locality != "*" && within(other, locality));
    });
    if (overlaps) {
      report.Broken(*node, "`" + locality + "` overlaps with another locality",
                    "locality overlap with previous specified ones");
      return;
    }
    seen.push_back(locality);
  }
}

void CheckFailover(const Node& setting, Report& report) {
  for (const Node& failover : Items(setting, "failover")) {
    const std::string from = Text(failover, "from"), to = Text(failover, "to");
    if (from == to) {
      report.Broken(failover, "a region fails over to another one",
                    "locality lb failover settings must specify different regions");
    }
    if ((from + to).find_first_of("/*") != std::string::npos) {
      report.Broken(failover, "failover is between regions",
                    "locality lb failover only specify region");
    }
  }
  static const std::set<std::string> kTopology = {
      "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"};
  for (const Node& label : Items(setting, "failoverPriority")) {
    if (!Items(setting, "failover").empty() && kTopology.contains(label.text)) {
      report.Broken(label, "`failover` and a priority by locality exclude one another",
                    "can not simultaneously set 'failover' and topology label in "
                    "'failover_priority'");
    }
  }
}

void CheckLocalityShares(const Node& setting, Report& report) {
  std::vector<std::pair<std::string, const Node*>> sources;
  for (const Node& share : Items(setting, "distribute")) {
    std::vector<std::pair<std::string, const Node*>> targets;
    sources.emplace_back(Text(share, "from"), &share);
    std::int64_t total = 0;
    bool bad = false;
    for (const Node::Entry& to : Entries(share, "to")) {
      const std::int64_t weight = to.value.AsInt().value_or(0);
      targets.emplace_back(to.key, &to.value);
      total += weight;
      if (weight < 1 || weight > 100) {
        bad = true;
        report.Broken(to.value, "a share is between 1 and 100",
                      "locality weight must be in range [1, 100]");
      }
    }
    if (!bad && total != 100) {
      report.Broken(share, "the shares add up to " + std::to_string(total) + " and not to 100",
                    "total locality weight != 100");
    }
    CheckLocalities(targets, report);
  }
  CheckLocalities(sources, report);
}

void CheckBalancer(const Node* balancer, Report& report) {
  if (balancer == nullptr) return;
  CheckHash(balancer->Find("consistentHash"), report);
  const Node* locality = balancer->Find("localityLbSetting");
  const Node* zone = balancer->Find("zoneAwareLbSetting");
  if (locality != nullptr && zone != nullptr) {
    report.Broken(*balancer, "only one of `localityLbSetting` and `zoneAwareLbSetting` can be set",
                  "only one of localityLbSetting and zoneAwareLbSetting can be set");
  }
  if (zone != nullptr) CheckFailover(*zone, report);
  if (locality != nullptr) {
    if (!Items(*locality, "distribute").empty() && !Items(*locality, "failover").empty()) {
      report.Broken(*locality, "only one of `distribute` and `failover` can be set",
                    "can not simultaneously specify 'distribute' and 'failover'");
    } else {
      CheckLocalityShares(*locality, report);
      CheckFailover(*locality, report);
    }
  }
  const Node* aggression = balancer->At("warmup.aggression");
  if (aggression != nullptr && !aggression->IsNull() &&
      std::fabs(std::strtod(aggression->text.c_str(), nullptr)) <= 0) {
    report.Broken(*aggression, "`aggression` is above 0", "aggression should be greater than 0");
  }
}

void CheckClientTls(const Node* tls, Report& report) {
  if (tls == nullptr) return;
  const std::string mode = tls->StringOr("mode", "DISABLE");
  const auto set = [&](const char* field) { return !Text(*tls, field).empty(); };
  if (IsTrue(*tls, "insecureSkipVerify")) {
    const bool checked = set("caCertificates") || Has(*tls, "subjectAltNames") ||
                         (mode == "SIMPLE" && set("credentialName"));
    if (checked && (mode == "SIMPLE" || mode == "MUTUAL")) {
      report.Broken(*tls, "what is not verified has no certificate or name to verify",
                    "cannot specify CaCertificates or CredentialName or SubjectAltNames when "
                    "InsecureSkipVerify is set true");
    }
  }
  if ((mode == "SIMPLE" || mode == "MUTUAL") && set("credentialName")) {
    if (set("clientCertificate") || set("caCertificates") || set("privateKey") || set("caCrl")) {
      report.Broken(*tls, "with `credentialName` no other certificate can be named",
                    "cannot specify client certificates or CA certificate or CA CRL If "
                    "credentialName is set");
    }
    return;
  }
  if (mode != "MUTUAL") return;
  if (!set("clientCertificate")) {
    report.Broken(*tls, "`MUTUAL` needs a `clientCertificate`",
                  "client certificate required for mutual tls");
  }
  if (!set("privateKey")) {
    report.Broken(*tls, "`MUTUAL` needs a `privateKey`", "private key required for mutual tls");
  }
}

void CheckShared(const Node& policy, Report& report) {
  CheckOutlier(policy.Find("outlierDetection"), report);
  CheckConnectionPool(policy.Find("connectionPool"), report);
  CheckBalancer(policy.Find("loadBalancer"), report);
  CheckClientTls(policy.Find("tls"), report);
}

void CheckPolicy(const Node* policy, Report& report) {
  if (policy == nullptr) return;
  const bool something = std::any_of(policy->entries.begin(), policy->entries.end(),
                                     [](const Node::Entry& e) { return !e.value.IsNull(); });
  if (!something) {
    report.Broken(*policy, "the traffic policy says nothing",
                  "traffic policy must have at least one field");
  }
  CheckShared(*policy, report);
  if (Has(*policy, "tunnel") && Has(*policy, "proxyProtocol")) {
    report.Broken(*policy, "only one of `tunnel` and `proxyProtocol` can be set",
                  "tunnel and proxyProtocol must not be set together");
  }
  for (const Node& port : Items(*policy, "portLevelSettings")) {
    if (!Has(port, "port")) {
      report.Broken(port, "the settings name no port", "portTrafficPolicy must have valid port");
    }
    if (!Has(port, "outlierDetection") && !Has(port, "connectionPool") &&
        !Has(port, "loadBalancer") && !Has(port, "tls")) {
      report.Broken(port, "the settings of the port say nothing",
                    "port traffic policy must have at least one field");
    }
    CheckShared(port, report);
  }
  const Node* tunnel = policy->Find("tunnel");
  if (tunnel == nullptr) return;
  const std::string protocol = Text(*tunnel, "protocol"), host = Text(*tunnel, "targetHost");
  if (!protocol.empty() && protocol != "CONNECT" && protocol != "POST") {
    report.Broken(*tunnel->Find("protocol"), "a tunnel is made by `CONNECT` or `POST`",
                  "tunnel protocol must be \"CONNECT\" or \"POST\"");
  }
  if (!IsFqdn(host) && !IsIp(host)) {
    report.Broken(*tunnel, "`" + host + "` is no host", "tunnel target host must be valid");
  }
  const std::int64_t port = Number(*tunnel, "targetPort");
  if (port < 1 || port > 65535) {
    report.Broken(*tunnel, "`targetPort` is no port", "tunnel target port is invalid");
  }
}

bool IsSubsetName(const std::string& name) { return IsDnsLabel(name); }

}  // namespace

void CheckConnectionPool(const Node* pool, Report& report) {
  if (pool == nullptr) return;
  const Node* http = pool->Find("http");
  const Node* tcp = pool->Find("tcp");
  if (http == nullptr && tcp == nullptr) {
    report.Broken(*pool, "`connectionPool` says nothing",
                  "connection pool must have at least one field");
  }
  for (const Node* part : {http, tcp}) {
    if (part == nullptr) continue;
    for (const Node::Entry& entry : part->entries) {
      if (entry.value.AsInt().value_or(0) < 0) {
        report.Broken(entry.value, "`" + entry.key + "` is negative",
                      entry.key + " must be non-negative");
      }
    }
  }
  const Node* idle = tcp == nullptr ? nullptr : tcp->Find("idleTimeout");
  const auto idle_for = idle == nullptr ? std::nullopt : ParseDuration(idle->text);
  if (idle_for && std::chrono::abs(*idle_for) >= std::chrono::milliseconds(1) &&
      (idle_for->count() < 0 ||
       *idle_for % std::chrono::milliseconds(1) != std::chrono::nanoseconds(0))) {
    report.Broken(*idle, "`idleTimeout` is in whole milliseconds, or 0 for none",
                  "only durations to ms precision are supported");
  }
  if (http == nullptr) return;
  if (Text(*http, "h2UpgradePolicy") == "UPGRADE" && IsTrue(*http, "useClientProtocol")) {
    report.Broken(*http, "`useClientProtocol` and `UPGRADE` exclude one another",
                  "use client protocol must not be true when H2UpgradePolicy is UPGRADE");
  }
  const Node* alive = http->Find("http2KeepAlive");
  for (const char* field : {"interval", "timeout"}) {
    if (alive != nullptr && !Has(*alive, field)) {
      report.Broken(*alive, "`http2KeepAlive` lacks `" + std::string(field) + "`",
                    "http2 keepalive " + std::string(field) + " is required");
    }
  }
}

void CheckDestination(const Node* destination, Report& report) {
  if (destination == nullptr) return;
  const std::string host = Text(*destination, "host"), subset = Text(*destination, "subset");
  if (host == "*" || !IsWildcardDomain(host)) {
    report.Broken(*destination, "`" + host + "` is no host of a destination",
                  "invalid destination host");
  }
  if (!subset.empty() && !IsSubsetName(subset)) {
    report.Broken(*destination->Find("subset"), "`" + subset + "` is no name of a subset",
                  "subset name is invalid");
  }
  const Node* port = destination->Find("port");
  if (port == nullptr || port->IsNull()) return;
  const std::int64_t number = Number(*port, "number");
  if (number < 1 || number > 65535) {
    report.Broken(*port, "the port of a destination is between 1 and 65535",
                  "port number must be in the range 1..65535");
  }
}

void CheckTraffic(const IstioObject& object, Report& report) {
  const Node& spec = object.spec;
  if (!IsWildcardDomain(Text(spec, "host"))) {
    report.Broken(*spec.Find("host"), "`" + Text(spec, "host") + "` is no host",
                  "domain name invalid");
  }
  CheckPolicy(spec.Find("trafficPolicy"), report);
  std::set<std::string> names;
  for (const Node& subset : Items(spec, "subsets")) {
    const std::string name = Text(subset, "name");
    if (!IsSubsetName(name)) {
      report.Broken(*subset.Find("name"), "`" + name + "` is no name of a subset",
                    "subset name is invalid");
    }
    if (!names.insert(name).second) {
      report.Broken(*subset.Find("name"), "there is another subset `" + name + "`",
                    "duplicate subset names");
    }
    CheckLabels(subset.Find("labels"), report);
    CheckPolicy(subset.Find("trafficPolicy"), report);
  }
  CheckExportTo(object, report);
  CheckSelector(spec, "workloadSelector", "matchLabels", report);
  if (!Has(spec, "workloadSelector")) return;
  for (const Node& item : Items(spec, "exportTo")) {
    if (item.text != "." && item.text != object.ns) {
      report.Broken(item, "with a `workloadSelector` the rule is for its own namespace",
                    "destination rule with workload selector cannot have exportTo beyond current "
                    "namespace");
    }
  }
}

}  // namespace weft::emit::check
