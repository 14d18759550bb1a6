// How requests are sent to what a route names: settings of DestinationRules, and who is preferred
// when clusters are lost.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "engine/hosts.h"
#include "prove/route_effect.h"
#include "prove/work.h"
#include "verifier/server_study.h"

namespace weft::prove {
namespace {

using emit::check::SendDecision;
using emit::check::Settings;

std::string Ms(engine::Millis time) { return fmt::format("{}ms", time.count()); }

// ---- the policy's settings, by the names Istio has for them

void Put(Settings& out, const std::string& key, const std::optional<std::int64_t>& number) {
  if (number) out[key] = std::to_string(*number);
}
void Put(Settings& out, const std::string& key, const std::optional<engine::Millis>& time) {
  if (time) out[key] = Ms(*time);
}

void PutConnections(const engine::ConnectionPool& pool, Settings& out) {
  const std::string tcp = "connectionPool.tcp.", http = "connectionPool.http.";
  Put(out, tcp + "maxConnections", pool.max_connections);
  Put(out, tcp + "connectTimeout", pool.connect_timeout);
  Put(out, tcp + "tcpKeepalive.time", pool.keepalive);
  Put(out, tcp + "tcpKeepalive.interval", pool.keepalive_interval);
  Put(out, tcp + "tcpKeepalive.probes", pool.keepalive_probes);
  Put(out, http + "http1MaxPendingRequests", pool.max_pending);
  Put(out, http + "http2MaxRequests", pool.max_requests);
  Put(out, http + "maxRequestsPerConnection", pool.requests_per_connection);
  Put(out, http + "maxRetries", pool.max_retries);
  Put(out, http + "idleTimeout", pool.idle_timeout);
}

void PutOutlier(const engine::Outlier& outlier, Settings& out) {
  const std::string of = "outlierDetection.";
  const std::string gateway = of + "consecutiveGatewayErrors";
  out[outlier.gateway_errors ? gateway : of + "consecutive5xxErrors"] =
      std::to_string(outlier.errors);
  Put(out, gateway, outlier.or_gateway_errors);
  out[of + "interval"] = Ms(outlier.interval);
  out[of + "baseEjectionTime"] = Ms(outlier.base_time);
  out[of + "maxEjectionPercent"] = std::to_string(std::lround(outlier.max_share));
}

void PutBalance(const engine::LoadBalance& balance, Settings& out) {
  using Kind = engine::LoadBalance::Kind;
  const std::string of = "loadBalancer.", hash = of + "consistentHash.";
  Put(out, of + "warmup.duration", balance.warm_up);
  switch (balance.kind) {
    case Kind::kRoundRobin:
      out[of + "simple"] = "ROUND_ROBIN";
      break;
    case Kind::kLeastRequest:
      out[of + "simple"] = "LEAST_REQUEST";
      break;
    case Kind::kRandom:
      out[of + "simple"] = "RANDOM";
      break;
    case Kind::kPassthrough:
      out[of + "simple"] = "PASSTHROUGH";
      break;
    case Kind::kHashHeader:
      out[hash + "httpHeaderName"] = balance.key;
      break;
    case Kind::kHashQuery:
      out[hash + "httpQueryParameterName"] = balance.key;
      break;
    case Kind::kHashSourceIp:
      out[hash + "useSourceIp"] = "true";
      break;
    case Kind::kHashCookie:
      out[hash + "httpCookie.name"] = balance.key;
      if (!balance.cookie_path.empty()) out[hash + "httpCookie.path"] = balance.cookie_path;
      out[hash + "httpCookie.ttl"] = Ms(balance.ttl.value_or(engine::Millis{0}));
      break;
    case Kind::kDefault:
      break;
  }
}

void PutTls(const engine::ClientTls& tls, Settings& out) {
  using Mode = engine::ClientTls::Mode;
  std::erase_if(out, [](const auto& entry) { return entry.first.starts_with("tls."); });
  switch (tls.mode) {
    case Mode::kOff:
      out["tls.mode"] = "DISABLE";
      return;
    case Mode::kIstioMutual:
      out["tls.mode"] = "ISTIO_MUTUAL";
      return;
    case Mode::kSimple:
      out["tls.mode"] = "SIMPLE";
      break;
    case Mode::kMutual:
      out["tls.mode"] = "MUTUAL";
      break;
  }
  const std::string& secret =
      tls.certificate_secret.empty() ? tls.ca_secret : tls.certificate_secret;
  if (!secret.empty()) out["tls.credentialName"] = secret;
  for (const std::string& san : std::set<std::string>(tls.sans.begin(), tls.sans.end())) {
    out["tls.subjectAltNames"] += san + "; ";
  }
  if (!tls.sni.empty()) out["tls.sni"] = tls.sni;
  if (tls.skip_verify) out["tls.insecureSkipVerify"] = "true";
}

// Shares of regions. Orders of preference are compared by what they do.
void PutShares(const engine::Failover& failover, Settings& out) {
  std::map<std::string, std::map<std::string, long>> from;
  for (const engine::Failover::Mapping& m : failover.mappings) {
    if (m.weight) from[m.from][m.to] = std::lround(*m.weight);
  }
  for (const auto& [region, to] : from) {
    std::string& text = out["loadBalancer.localityLbSetting.distribute"];
    text += "from=" + region + "/* ";
    for (const auto& [there, share] : to) text += fmt::format("to.{}/*={} ", there, share);
    text += "; ";
  }
}

void Put(const engine::DestinationPolicy& policy, Settings& out) {
  if (policy.connections) PutConnections(*policy.connections, out);
  if (policy.balance) PutBalance(*policy.balance, out);
  if (policy.outlier) PutOutlier(*policy.outlier, out);
  if (policy.failover) PutShares(*policy.failover, out);
  if (policy.tls) PutTls(*policy.tls, out);
}

// A subset's own section stands for the whole of the service's.
void PutOver(const engine::DestinationPolicy& policy, Settings& out) {
  const auto replace = [&](bool given, std::string_view section) {
    if (!given) return;
    std::erase_if(out, [&](const auto& entry) { return entry.first.starts_with(section); });
  };
  replace(policy.connections.has_value(), "connectionPool.");
  replace(policy.balance.has_value() || policy.failover.has_value(), "loadBalancer.");
  replace(policy.outlier.has_value(), "outlierDetection.");
  Put(policy, out);
}

class Sending {
 public:
  explicit Sending(Work& work) : work_(work), model_(work.model) {}

  void Run() {
    for (std::uint32_t c = 0; c < model_.clusters.size(); ++c) {
      CollectClients({c});
      for (std::uint32_t i = 0; i < model_.services.size(); ++i) {
        const engine::ServiceInstance* instance = model_.services[i].In({c});
        if (instance != nullptr) CompareService({c}, {i}, instance->ports);
      }
      for (std::uint32_t i = 0; i < model_.destinations.size(); ++i) {
        CompareAny({c}, engine::DestinationId{i}, model_.destinations[i].ports);
      }
      for (std::uint32_t i = 0; i < model_.externals.size(); ++i) {
        std::vector<engine::ServicePort> ports;
        for (const auto& port : model_.externals[i].ports) ports.push_back(port.port);
        CompareAny({c}, engine::ExternalId{i}, ports);
      }
    }
  }

 private:
  // A namespace with proxies that send, and one of them for each place they are at.
  struct Client {
    std::string ns;
    engine::WorkspaceId workspace;
    std::vector<engine::WorkloadId> at;
  };

  void CollectClients(engine::ClusterId cluster) {
    clients_.clear();
    std::set<std::tuple<std::string, engine::Locality>> seen;
    for (std::uint32_t w = 0; w < model_.workloads.size(); ++w) {
      const engine::Workload& workload = model_.workloads[w];
      if (workload.cluster != cluster || !workload.sidecar) continue;
      auto client = std::find_if(clients_.begin(), clients_.end(),
                                 [&](const Client& one) { return one.ns == workload.ns; });
      if (client == clients_.end()) {
        clients_.push_back({workload.ns, workload.workspace, {}});
        client = std::prev(clients_.end());
      }
      const engine::Locality place =
          engine::SidecarSender(model_, {w}, cluster, std::nullopt).locality;
      if (seen.insert({workload.ns, place}).second) client->at.push_back({w});
    }
  }

  void CompareService(engine::ClusterId cluster, engine::ServiceId id,
                      const std::vector<engine::ServicePort>& ports) {
    const engine::Service& service = model_[id];
    const std::string host = service.Fqdn(model_[cluster]);
    const bool said =
        !service.policy.IsEmpty() || !service.subsets.empty() || !service.importers.empty();
    if (!said && !work_.destinations.IsRuled(cluster, host)) return;
    // Servers of an isolated workspace refuse all whom it shares nothing with, however they send.
    const std::set<engine::WorkspaceId> admitted = verifier::AdmittedTo(model_, id, cluster);
    const bool isolated = !service.workspace.IsNone() && model_[service.workspace].isolated;
    for (const Client& client : clients_) {
      if (isolated && !admitted.contains(client.workspace)) continue;
      Compare(cluster, client, id, host, "", ports);
      for (const engine::Subset& subset : service.subsets) {
        Compare(cluster, client, id, host, subset.name, ports);
      }
    }
  }

  template <typename Id>
  void CompareAny(engine::ClusterId cluster, Id id, const std::vector<engine::ServicePort>& ports) {
    for (const std::string& host : model_[id].hosts) {
      if (host.starts_with('*')) continue;
      for (const Client& client : clients_) {
        if (!engine::IsVisible(model_, client.workspace, id)) continue;
        Compare(cluster, client, id, host, "", ports);
        if constexpr (std::is_same_v<Id, engine::DestinationId>) {
          for (const engine::WorkloadId at : client.at) CompareOrder(cluster, at, id, host, ports);
        }
      }
    }
  }

  // What the owner says, or the workspace of the callers, of what is shared with it.
  [[nodiscard]] const engine::DestinationPolicy& PolicyFor(const engine::TargetRef& target,
                                                           engine::WorkspaceId callers) const {
    return *std::visit(
        [&](auto id) {
          const auto own = model_[id].importers.find(callers);
          return own == model_[id].importers.end() ? &model_[id].policy : &own->second;
        },
        target);
  }

  [[nodiscard]] Settings Wanted(const engine::TargetRef& target, const std::string& subset,
                                std::uint16_t port, engine::WorkspaceId callers) const {
    Settings wanted;
    Put(PolicyFor(target, callers), wanted);
    if (const auto* external = std::get_if<engine::ExternalId>(&target)) {
      for (const auto& one : model_[*external].ports) {
        if (one.port.number == port && one.tls) PutTls(*one.tls, wanted);
      }
    }
    if (subset.empty()) return wanted;
    for (const engine::Subset& one : model_[std::get<engine::ServiceId>(target)].subsets) {
      if (one.name != subset) continue;
      PutOver(one.policy, wanted);
      for (const auto& [key, value] : one.labels) wanted["labels." + key] = value;
    }
    return wanted;
  }

  void Compare(engine::ClusterId cluster, const Client& client, const engine::TargetRef& target,
               const std::string& host, const std::string& subset,
               const std::vector<engine::ServicePort>& ports) {
    const emit::check::Host* known = work_.registry.Named(cluster, host);
    if (known == nullptr) return;  // told with the routes
    for (const engine::ServicePort& port : ports) {
      SendDecision given = work_.destinations.Send(cluster, client.ns, *known, subset, port.number);
      for (const emit::check::Unsaid& unsaid : given.unsaid) {
        work_.Undecided(cluster, unsaid.object, unsaid.span, {}, unsaid.reason);
      }
      if (!given.unsaid.empty()) return;
      const std::string name = host + (subset.empty() ? "" : " subset " + subset);
      const Span line = LineOf(target, subset);
      if (!given.known) {
        return work_.Differs({.cluster = cluster,
                              .message = "what is emitted does not define `" + name +
                                         "`, to which "
                                         "the policy sends",
                              .policy = line,
                              .object = given.object,
                              .part = given.span});
      }
      std::erase_if(given.settings, [](const auto& entry) {
        return entry.first.starts_with("loadBalancer.localityLbSetting.") &&
               !entry.first.ends_with(".distribute");
      });
      Tell(cluster, name, Wanted(target, subset, port.number, client.workspace), given, line);
    }
  }

  void Tell(engine::ClusterId cluster, const std::string& name, const Settings& wanted,
            const SendDecision& given, Span line) {
    std::set<std::string> keys;
    for (const Settings* settings : {&wanted, &given.settings}) {
      for (const auto& [key, unused] : *settings) keys.insert(key);
    }
    const auto of = [](const Settings& settings, const std::string& key) {
      const auto at = settings.find(key);
      return at == settings.end() ? std::string("nothing") : at->second;
    };
    for (const std::string& key : keys) {
      if (of(wanted, key) == of(given.settings, key)) continue;
      return work_.Differs(
          {.cluster = cluster,
           .message =
               "what is emitted sends to `" + name + "` with another `" + key + "` than the policy",
           .policy = line,
           .object = given.object,
           .part = given.span,
           .notes = {"  policy " + of(wanted, key), "  Istio  " + of(given.settings, key)}});
    }
  }

  [[nodiscard]] Span LineOf(const engine::TargetRef& target, const std::string& subset) const {
    if (const auto* service = std::get_if<engine::ServiceId>(&target)) {
      for (const engine::Subset& one : model_[*service].subsets) {
        if (one.name == subset) return one.span;
      }
    }
    return std::visit([&](auto id) { return model_[id].span; }, target);
  }

  // Who gets the requests, then who when those are lost, and so on.
  void CompareOrder(engine::ClusterId cluster, engine::WorkloadId from, engine::DestinationId id,
                    const std::string& host, const std::vector<engine::ServicePort>& ports) {
    if (ports.empty()) return;
    const engine::Workload& workload = model_[from];
    engine::Request request;
    request.source = from;
    request.cluster = cluster;
    request.host = host;
    request.port = ports.front().number;
    const engine::Identity identity{model_[cluster].trust_domain, workload.ns, workload.account};
    const engine::Sender sender = engine::SidecarSender(model_, from, cluster, identity);
    const emit::check::Client client{.cluster = cluster,
                                     .ns = workload.ns,
                                     .labels = workload.labels,
                                     .locality = sender.locality,
                                     .identity = identity};
    for (std::size_t step = 0; step <= model_.clusters.size(); ++step) {
      std::set<engine::ClusterId> wanted;
      const auto tiers = engine::TiersOf(model_, id, "", sender, request);
      if (!tiers.empty()) {
        for (const engine::Backend& backend : tiers.front().backends) {
          wanted.insert(backend.cluster);
        }
      }
      const auto given =
          emit::check::Send(work_.mesh, client, host, "", request.port, request).clusters;
      if (wanted != given) return TellOrder(cluster, id, client, host, request, wanted, given);
      if (wanted.empty()) return;
      request.lost_clusters.insert(wanted.begin(), wanted.end());
    }
  }

  [[nodiscard]] std::string Names(const std::set<engine::ClusterId>& clusters) const {
    std::string text;
    for (const engine::ClusterId id : clusters) {
      text += (text.empty() ? "" : ", ") + model_[id].name;
    }
    return text.empty() ? "nobody" : text;
  }

  void TellOrder(engine::ClusterId cluster, engine::DestinationId id,
                 const emit::check::Client& client, const std::string& host,
                 const engine::Request& request, const std::set<engine::ClusterId>& wanted,
                 const std::set<engine::ClusterId>& given) {
    std::vector<emit::check::Unsaid> unsaid;
    const emit::check::Host* known = work_.registry.Named(cluster, host);
    const auto& failover = model_[id].policy.failover;
    work_.Differs({.cluster = cluster,
                   .message = "what is emitted sends requests for `" + host +
                              "` to other clusters than the policy",
                   .policy = failover ? failover->span : model_[id].span,
                   .object = known == nullptr
                                 ? nullptr
                                 : work_.destinations.RuleFor(cluster, client.ns, *known, unsaid),
                   .notes = {"  policy " + Names(wanted), "  Istio  " + Names(given)},
                   .request = request,
                   .allowed = !given.empty()});
  }

  Work& work_;
  const engine::Model& model_;
  std::vector<Client> clients_;
};

}  // namespace

void CompareDestinations(Work& work) { Sending(work).Run(); }

}  // namespace weft::prove
