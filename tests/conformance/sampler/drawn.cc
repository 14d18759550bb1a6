#include "tests/conformance/sampler/drawn.h"

#include <algorithm>
#include <iterator>

#include "engine/path.h"
#include "verifier/work.h"

namespace weft::lab {

using engine::Request;

RandomRequests::RandomRequests(const engine::Model& model, const Palette& palette,
                               const std::vector<verifier::Candidate>& strangers, unsigned seed)
    : model_(model), palette_(palette), random_(seed) {
  for (std::uint32_t w = 0; w < model.workloads.size(); ++w) {
    const engine::Workload& workload = model.workloads[w];
    if (!workload.sidecar || workload.ready == 0 || IsGateway(model, {w})) continue;
    callers_.push_back({.source = {w},
                        .identity = engine::Identity{model[workload.cluster].trust_domain,
                                                     workload.ns, workload.account},
                        .cluster = workload.cluster,
                        .workspace = workload.workspace});
  }
  for (const verifier::Candidate& stranger : strangers) {
    if (stranger.source.IsNone()) strangers_.push_back(stranger);
  }
  AddServices();
  AddOthers();
  AddGateways();
}

void RandomRequests::AddTarget(const std::string& host, const engine::ServicePort& port,
                               engine::ClusterId cluster, bool service) {
  const engine::Layer layer = verifier::LayerOf(port);
  if (layer == engine::Layer::kTls || host.starts_with("*")) return;
  Target target{.base = {}, .cluster = cluster, .service = service};
  target.base.host = host;
  target.base.port = port.number;
  target.base.layer = layer;
  targets_.push_back(std::move(target));
}

void RandomRequests::AddServices() {
  for (const engine::Service& service : model_.services) {
    for (const engine::ServiceInstance& instance : service.instances) {
      const auto& behind = instance.workloads;
      if (std::all_of(behind.begin(), behind.end(),
                      [&](engine::WorkloadId w) { return IsGateway(model_, w); })) {
        continue;
      }
      for (const engine::ServicePort& port : instance.ports) {
        AddTarget(service.name + "." + service.ns, port, instance.cluster, true);
        AddTarget(service.Fqdn(model_[instance.cluster]), port, instance.cluster, true);
      }
    }
  }
}

// Destinations and externals, which every cluster knows.
void RandomRequests::AddOthers() {
  for (std::uint32_t c = 0; c < model_.clusters.size(); ++c) {
    for (const engine::Destination& destination : model_.destinations) {
      for (const std::string& host : destination.hosts) {
        for (const engine::ServicePort& port : destination.ports) AddTarget(host, port, {c}, false);
      }
    }
    for (const engine::External& external : model_.externals) {
      for (const std::string& host : external.hosts) {
        for (const auto& port : external.ports) AddTarget(host, port.port, {c}, false);
      }
    }
  }
}

void RandomRequests::AddGateways() {
  for (std::uint32_t g = 0; g < model_.gateways.size(); ++g) {
    for (const engine::Listener& listener : model_.gateways[g].listeners) {
      const bool ends_tls = !listener.tls || *listener.tls == engine::TlsMode::kSimple;
      const bool speaks_http = listener.protocol != engine::PortProtocol::kTcp &&
                               listener.protocol != engine::PortProtocol::kTls;
      if (!ends_tls || !speaks_http) continue;
      for (const engine::ClusterId cluster : model_.gateways[g].clusters) {
        Request request;
        request.gateway = {g};
        request.cluster = cluster;
        request.plaintext = true;
        request.tls = listener.tls.has_value();
        request.port = listener.port;
        gateways_.push_back(std::move(request));
      }
    }
  }
}

Request RandomRequests::Next() {
  const bool enters = targets_.empty() || (!gateways_.empty() && Below(3) == 0);
  Request request = enters ? Enter() : Call();
  if (request.layer == engine::Layer::kHttp) AddHttp(request);
  return request;
}

// From a workload through its proxy, or from a stranger straight to a server.
Request RandomRequests::Call() {
  const Target& target = Pick(targets_);
  Request request = target.base;
  request.cluster = target.cluster;
  std::vector<verifier::Candidate> near;
  std::copy_if(callers_.begin(), callers_.end(), std::back_inserter(near),
               [&](const verifier::Candidate& c) { return c.cluster == target.cluster; });
  const bool stranger = target.service && !strangers_.empty() && Below(4) == 0;
  if (!stranger && near.empty()) {
    // Nobody of the cluster calls: clear text from outside is left.
    return SentBy(model_, std::move(request),
                  {.source = {}, .identity = {}, .cluster = {}, .workspace = {}});
  }
  const verifier::Candidate& caller = Pick(stranger ? strangers_ : near);
  request = SentBy(model_, std::move(request), caller);
  request.cluster = target.cluster;
  if (request.source.IsNone() && Below(2) == 0 && !palette_.addresses.empty()) {
    request.source_ip = Pick(palette_.addresses);
  }
  return request;
}

Request RandomRequests::Enter() {
  Request request = Pick(gateways_);
  request.host = palette_.hosts.empty() ? Word() + ".example" : Pick(palette_.hosts);
  if (request.tls) request.sni = request.host;
  if (!palette_.addresses.empty()) request.source_ip = Pick(palette_.addresses);
  return request;
}

void RandomRequests::AddHttp(Request& request) {
  static const std::vector<std::string> kMethods = {"GET", "HEAD",  "POST",   "PUT",
                                                    "GET", "PATCH", "DELETE", "OPTIONS"};
  const bool own = !palette_.methods.empty() && Below(2) == 0;
  request.method = Pick(own ? palette_.methods : kMethods);
  request.path = engine::NormalizePath(Path(), model_.normalization);
  for (const auto& [name, values] : palette_.headers) {
    if (Below(3) == 0) request.headers[name] = ValueOf(values);
  }
  if (Below(4) == 0) request.headers["x-drawn"] = Word();
  for (const auto& [name, values] : palette_.queries) {
    if (Below(3) == 0) request.query[name] = ValueOf(values);
  }
  if (Below(6) == 0) request.query["drawn"] = Word();
  if (palette_.providers.empty() || Below(2) == 0) return;
  engine::Token token{.provider = Pick(palette_.providers), .valid = Below(5) != 0, .claims = {}};
  for (const auto& [claim, values] : palette_.claims) {
    if (claim.first == token.provider && Below(2) == 0) {
      token.claims[claim.second] = {ValueOf(values)};
    }
  }
  request.tokens = {std::move(token)};
}

std::string RandomRequests::Path() {
  if (palette_.paths.empty() || Below(3) == 0) {
    std::string path;
    for (std::size_t i = 1 + Below(4); i > 0; --i) path += "/" + Word();
    return path;
  }
  std::string path = Pick(palette_.paths);
  switch (Below(4)) {
    case 0:
      return path;
    case 1:
      return path + (path.ends_with('/') ? "" : "/") + Word();
    case 2:
      return path + Pick(palette_.paths);
    case 3:
      break;
  }
  return Changed(std::move(path));
}

// One character more, less or other, or a way to the same place that is not the shortest.
std::string RandomRequests::Changed(std::string path) {
  const std::size_t at = 1 + Below(std::max<std::size_t>(path.size() - 1, 1));
  switch (Below(6)) {
    case 0:
      path.insert(std::min(at, path.size()), 1, 'q');
      break;
    case 1:
      if (at < path.size()) path.erase(at, 1);
      break;
    case 2:
      if (at < path.size() && path[at] >= 'a' && path[at] <= 'z') {
        path[at] = static_cast<char>(path[at] - 'a' + 'A');
      }
      break;
    case 3:
      path.insert(0, "/" + Word() + "/..");
      break;
    case 4:
      path.insert(0, "/.");
      break;
    case 5:
      path += "/";
      break;
  }
  return path;
}

std::string RandomRequests::Word() {
  std::string word;
  for (std::size_t i = 1 + Below(6); i > 0; --i) {
    word += static_cast<char>('a' + static_cast<char>(Below(26)));
  }
  return word;
}

std::string RandomRequests::ValueOf(const std::vector<std::string>& values) {
  if (values.empty() || Below(4) == 0) return Word();
  std::string value = Pick(values);
  return Travels(value) ? value : Word();
}

}  // namespace weft::lab
