#include "emit/check/same.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace weft::emit::check {
namespace {

using engine::Request;
using yaml::Node;

// What the objects speak of.
struct Words {
  std::set<std::string> paths{"/", "/elsewhere"};
  std::set<std::string> methods{"GET", "POST"};
  std::set<std::string> hosts;
  std::map<std::string, std::set<std::string>> headers, queries;
  std::set<std::string> addresses{"10.0.0.1", "203.0.113.9"};
};

bool IsMethod(const std::string& text) {
  static const std::set<std::string> kMethods = {"GET",   "HEAD",    "POST",  "PUT",
                                                 "PATCH", "OPTIONS", "DELETE"};
  return kMethods.contains(text);
}

void AddPath(std::string text, Words& words) {
  while (text.ends_with('*')) text.pop_back();
  if (!text.starts_with('/')) return;
  words.paths.insert({text, text + "x"});
  words.paths.insert(text + (text.ends_with('/') ? "x" : "/x"));
}

void AddValues(const Node& map, std::map<std::string, std::set<std::string>>& of) {
  for (const Node::Entry& entry : map.entries) {
    std::set<std::string>& values = of[entry.key];
    values.insert("other");
    for (const char* kind : {"exact", "prefix"}) {
      const std::string text = entry.value.StringOr(kind, "");
      if (!text.empty()) values.insert({text, text + "x"});
    }
  }
}

void AddWhen(const Node& when, Words& words) {
  const std::string key = when.StringOr("key", "");
  const std::string prefix = "request.headers[";
  if (!key.starts_with(prefix)) return;
  std::set<std::string>& values =
      words.headers[key.substr(prefix.size(), key.size() - prefix.size() - 1)];
  values.insert("other");
  for (const char* field : {"values", "notValues"}) {
    const Node* list = when.Find(field);
    if (list == nullptr) continue;
    for (const Node& value : list->items) values.insert(value.text);
  }
}

void Collect(const Node& node, Words& words) {
  if (node.kind == yaml::Kind::kString) {
    AddPath(node.text, words);
    if (IsMethod(node.text)) words.methods.insert(node.text);
  }
  for (const char* field : {"headers", "withoutHeaders"}) {
    if (const Node* map = node.Find(field)) AddValues(*map, words.headers);
  }
  if (const Node* map = node.Find("queryParams")) AddValues(*map, words.queries);
  if (node.Find("key") != nullptr) AddWhen(node, words);
  for (const char* field : {"ipBlocks", "notIpBlocks", "remoteIpBlocks"}) {
    const Node* list = node.Find(field);
    if (list == nullptr) continue;
    for (const Node& block : list->items) {
      words.addresses.insert(block.text.substr(0, block.text.find('/')));
    }
  }
  for (const Node& item : node.items) Collect(item, words);
  for (const Node::Entry& entry : node.entries) Collect(entry.value, words);
}

// A name under the pattern.
std::string SampleOf(const std::string& host) {
  const std::string name =
      host.substr(host.find('/') == std::string::npos ? 0 : host.find('/') + 1);
  if (name == "*") return "somewhere.example";
  return name.starts_with("*.") ? "x" + name.substr(1) : name;
}

void CollectHosts(const std::vector<IstioObject>& objects, Words& words) {
  for (const IstioObject& object : objects) {
    if (const Node* hosts = object.spec.Find("hosts")) {
      for (const Node& host : hosts->items) words.hosts.insert(SampleOf(host.text));
    }
    if (const Node* servers = object.spec.Find("servers")) {
      for (const Node& server : servers->items) {
        const Node* hosts = server.Find("hosts");
        if (hosts == nullptr) continue;
        for (const Node& host : hosts->items) words.hosts.insert(SampleOf(host.text));
      }
    }
  }
}

// Where a request can be sent: before path, method and headers are chosen.
std::vector<Request> Doors(const Mesh& mesh, const Words& words) {
  std::vector<Request> doors;
  std::vector<Request> targets;
  for (std::uint32_t c = 0; c < mesh.world.clusters.size(); ++c) {
    for (const engine::Service& service : mesh.world.services) {
      const engine::ServiceInstance* instance = service.In({c});
      if (instance == nullptr) continue;
      for (const engine::ServicePort& port : instance->ports) {
        Request request;
        request.cluster = {c};
        request.layer = port.IsHttp() ? engine::Layer::kHttp : engine::Layer::kTcp;
        request.host = service.Fqdn(mesh.world.clusters[c]);
        request.port = port.number;
        targets.push_back(std::move(request));
      }
    }
    for (const std::string& host : words.hosts) {
      for (const std::uint16_t port : std::vector<std::uint16_t>{80, 443, 8080, 9080}) {
        Request request;
        request.cluster = {c};
        request.host = host;
        request.port = port;
        targets.push_back(std::move(request));
      }
    }
  }
  std::set<std::tuple<engine::ClusterId, std::string, std::string, engine::Labels>> seen;
  for (std::uint32_t w = 0; w < mesh.world.workloads.size(); ++w) {
    const engine::Workload& workload = mesh.world.workloads[w];
    if (!seen.insert({workload.cluster, workload.ns, workload.account, workload.labels}).second) {
      continue;
    }
    for (Request request : targets) {
      if (request.cluster != workload.cluster) continue;
      request.source = {w};
      doors.push_back(request);
      if (w != 0) continue;
      request.plaintext = true;
      doors.push_back(std::move(request));
    }
  }
  for (std::uint32_t g = 0; g < mesh.world.gateways.size(); ++g) {
    const engine::Gateway& gateway = mesh.world.gateways[g];
    for (const engine::ClusterId cluster : gateway.clusters) {
      for (const engine::Listener& listener : gateway.listeners) {
        for (const std::string& host : words.hosts) {
          Request request;
          request.gateway = {g};
          request.cluster = cluster;
          request.port = listener.port;
          request.tls = listener.tls.has_value();
          request.host = host;
          request.plaintext = true;
          if (request.tls) request.sni = host;
          doors.push_back(std::move(request));
        }
      }
    }
  }
  return doors;
}

// The n-th way to fill in a request: small numbers vary everything at once.
Request Filled(Request request, const Words& words, std::size_t n) {
  const auto pick = [&n](const auto& of) {
    auto at = of.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(n % of.size()));
    n = n / of.size() + n * 7919;
    return *at;
  };
  request.path = pick(words.paths);
  request.method = pick(words.methods);
  request.source_ip = pick(words.addresses);
  for (const auto& [name, values] : words.headers) {
    if (n++ % 3 != 0) request.headers[name] = pick(values);
  }
  for (const auto& [name, values] : words.queries) {
    if (n++ % 3 != 0) request.query[name] = pick(values);
  }
  return request;
}

std::string ShareText(const Decision::Share& share) {
  std::string clusters;
  for (const engine::ClusterId id : share.clusters) clusters += std::to_string(id.value) + ",";
  return fmt::format("{}|{}|{}|{}", share.host, share.subset, clusters,
                     share.blocked ? std::to_string(share.status) : "ok");
}

// What a caller sees of a decision.
std::string AsSeen(const Decision& decision) {
  switch (decision.kind) {
    case Decision::Kind::kBlocked:
      return fmt::format("refused {}", decision.status);
    case Decision::Kind::kAnswered:
      return fmt::format("answered {} {}", decision.status, decision.location);
    case Decision::Kind::kForwarded:
      break;
  }
  std::map<std::string, double> shares;
  for (const Decision::Share& share : decision.shares) shares[ShareText(share)] += share.weight;
  std::string text = "sent to";
  for (const auto& [share, weight] : shares)
    text += fmt::format(" {}={}", share, std::lround(weight));
  return text;
}

std::string Named(const Mesh& mesh, const Request& request) {
  const std::string from = !request.gateway.IsNone() ? "gateway " + mesh.world[request.gateway].name
                           : request.source.IsNone() ? std::string("nobody")
                                                     : mesh.world[request.source].ns + "/" +
                                                           mesh.world[request.source].name;
  std::string text = fmt::format("{} http://{}:{}{} from {}", request.method, request.host,
                                 request.port, request.path, from);
  for (const auto& [name, value] : request.headers) text += fmt::format(" {}: {}", name, value);
  return text + (request.plaintext ? " in clear text" : "");
}

}  // namespace

Sample RequestsAbout(const Mesh& mesh, std::size_t limit) {
  Words words;
  for (const auto& [cluster, objects] : mesh.objects) {
    for (const IstioObject& object : objects) Collect(object.spec, words);
    CollectHosts(objects, words);
  }
  const std::vector<Request> doors = Doors(mesh, words);
  Sample sample;
  if (doors.empty()) return sample;
  const std::size_t ways = words.paths.size() * words.methods.size() * 4;
  const std::size_t each = std::max<std::size_t>(4, std::min(limit / doors.size(), ways));
  sample.wanted = doors.size() * ways;
  const std::size_t step =
      std::max<std::size_t>(1, doors.size() * each / std::max<std::size_t>(limit, 1));
  for (std::size_t d = 0; d < doors.size(); d += step) {
    for (std::size_t n = 0; n < each; ++n)
      sample.requests.push_back(Filled(doors[d], words, n * 31 + d));
  }
  return sample;
}

std::optional<std::string> FirstDifference(const Mesh& before, const Mesh& after,
                                           const std::vector<Request>& requests) {
  for (const Request& request : requests) {
    const std::string was = AsSeen(Interpret(before, request));
    const std::string is = AsSeen(Interpret(after, request));
    if (was != is) {
      return fmt::format("{}\n  the objects  {}\n  the text     {}", Named(before, request), was,
                         is);
    }
  }
  return std::nullopt;
}

}  // namespace weft::emit::check
