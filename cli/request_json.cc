#include "cli/request_json.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "dsl/overloaded.h"
#include "engine/hosts.h"
#include "engine/lower.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;
using engine::Model;
using engine::Outcome;
using engine::Request;

const char* LayerText(engine::Layer layer) {
  switch (layer) {
    case engine::Layer::kHttp:
      return "http";
    case engine::Layer::kTls:
      return "tls";
    case engine::Layer::kTcp:
      return "tcp";
  }
  return "";
}

const char* ProtocolText(engine::PortProtocol protocol) {
  switch (protocol) {
    case engine::PortProtocol::kHttp:
      return "http";
    case engine::PortProtocol::kHttp2:
      return "http2";
    case engine::PortProtocol::kGrpc:
      return "grpc";
    case engine::PortProtocol::kHttps:
      return "https";
    case engine::PortProtocol::kTcp:
      return "tcp";
    case engine::PortProtocol::kTls:
      return "tls";
    case engine::PortProtocol::kUdp:
      return "udp";
    case engine::PortProtocol::kUnknown:
      return "unknown";
  }
  return "";
}

Json SourceJson(const Model& model, const Request& request) {
  if (request.source.IsNone()) return nullptr;
  const engine::Workload& w = model[request.source];
  return {{"namespace", w.ns},
          {"workload", w.name},
          {"serviceAccount", w.account},
          {"sidecar", w.sidecar}};
}

const char* LocationText(engine::JwtProvider::Location::Kind kind) {
  using Kind = engine::JwtProvider::Location::Kind;
  switch (kind) {
    case Kind::kHeader:
      return "header";
    case Kind::kQuery:
      return "query";
    case Kind::kCookie:
      return "cookie";
  }
  return "";
}

Json TokenJson(const Model& model, const engine::Token& token) {
  const engine::JwtProvider& provider = model[token.provider];
  Json locations = Json::array();
  for (const auto& location : provider.locations) {
    locations.push_back({{"in", LocationText(location.kind)},
                         {"name", location.name},
                         {"prefix", location.prefix}});
  }
  return {{"provider", provider.name},       {"issuer", provider.issuer},
          {"audiences", provider.audiences}, {"valid", token.valid},
          {"claims", token.claims},          {"locations", std::move(locations)}};
}

Json LostJson(const Model& model, const Request& request) {
  Json clusters = Json::array();
  for (const engine::ClusterId id : request.lost_clusters) clusters.push_back(model[id].name);
  return {{"clusters", std::move(clusters)},
          {"regions", request.lost_regions},
          {"zones", request.lost_zones}};
}

// What the host of a request inside the mesh means, and how its port is spoken.
Json AddressJson(const Model& model, const Request& request) {
  if (!request.gateway.IsNone()) return nullptr;
  const std::string ns = request.source.IsNone() ? "" : model[request.source].ns;
  const auto target = engine::ResolveHost(model, request.host, ns, request.cluster);
  if (!target) return nullptr;
  Json json;
  const auto add_port = [&](const engine::ServicePort& port) {
    if (port.number == request.port) json["protocol"] = ProtocolText(port.protocol);
  };
  std::visit(
      Overloaded{
          [&](engine::ServiceId id) {
            json = {{"kind", "service"},
                    {"namespace", model[id].ns},
                    {"name", model[id].name},
                    {"protocol", nullptr}};
            const engine::ServiceInstance* here = model[id].In(request.cluster);
            if (here == nullptr) return;
            for (const engine::ServicePort& port : here->ports) add_port(port);
          },
          [&](engine::DestinationId id) {
            json = {{"kind", "destination"}, {"name", model[id].name}, {"protocol", nullptr}};
            for (const engine::ServicePort& port : model[id].ports) add_port(port);
          },
          [&](engine::ExternalId id) {
            json = {{"kind", "external"}, {"name", model[id].name}, {"protocol", nullptr}};
            for (const auto& port : model[id].ports) add_port(port.port);
          },
      },
      *target);
  return json;
}

// The workloads of a service in one cluster that a subset selects and that are ready.
Json WorkloadsJson(const Model& model, engine::ServiceId id, const engine::Backend& backend) {
  Json names = Json::array();
  const engine::ServiceInstance* instance = model[id].In(backend.cluster);
  if (instance == nullptr) return names;
  const engine::Labels* wanted = nullptr;
  for (const engine::Subset& subset : model[id].subsets) {
    if (subset.name == backend.subset) wanted = &subset.labels;
  }
  for (const engine::WorkloadId w : instance->workloads) {
    const bool chosen = wanted == nullptr || engine::Selects(*wanted, model[w].labels);
    if (chosen && model[w].ready > 0) names.push_back(model[w].name);
  }
  return names;
}

Json BackendJson(const Model& model, const engine::Backend& backend) {
  Json json = {{"cluster", model[backend.cluster].name}};
  std::visit(Overloaded{
                 [&](engine::ServiceId id) {
                   json["namespace"] = model[id].ns;
                   json["service"] = model[id].name;
                   json["workloads"] = WorkloadsJson(model, id, backend);
                 },
                 [&](engine::ExternalId id) { json["external"] = model[id].name; },
             },
             backend.service);
  return json;
}

Json BlockJson(const engine::Block& block) {
  return {{"stage", engine::StageName(block.stage)}, {"status", block.status}};
}

Json BranchJson(const Model& model, const engine::Branch& branch) {
  Json tiers = Json::array();
  for (const engine::Tier& tier : branch.tiers) {
    Json backends = Json::array();
    for (const engine::Backend& b : tier.backends) backends.push_back(BackendJson(model, b));
    tiers.push_back(std::move(backends));
  }
  return {{"weight", branch.weight},
          {"subset", branch.subset},
          {"blocked", branch.blocked ? BlockJson(*branch.blocked) : Json()},
          {"tiers", std::move(tiers)}};
}

Json HeaderOpJson(const engine::HeaderOp& op) {
  const auto kind = [&] {
    switch (op.kind) {
      case engine::HeaderOp::Kind::kSet:
        return "set";
      case engine::HeaderOp::Kind::kAdd:
        return "add";
      case engine::HeaderOp::Kind::kRemove:
        return "remove";
    }
    return "";
  };
  return {{"of", op.side == engine::HeaderOp::Side::kRequest ? "request" : "response"},
          {"do", kind()},
          {"name", op.name},
          {"value", op.value}};
}

void AddAnswer(const Request& request, const Outcome& outcome, Json& json) {
  std::visit(Overloaded{
                 [&](const engine::Redirect& redirect) {
                   json["status"] = redirect.code;
                   json["location"] = engine::Location(redirect, request);
                 },
                 [&](const engine::Respond& respond) {
                   json["status"] = respond.status;
                   json["body"] = respond.body;
                 },
             },
             *outcome.answered);
}

Json Milliseconds(const std::optional<engine::Millis>& time) {
  return time ? Json(time->count()) : Json();
}

void AddDelivery(const Model& model, const Outcome& outcome, Json& json) {
  json["path"] = outcome.path;
  json["host"] = outcome.host;
  json["timeoutMs"] = Milliseconds(outcome.timeout);
  const auto& delay = outcome.rule == nullptr ? std::nullopt : outcome.rule->modifiers.delay;
  json["delayMs"] = delay && delay->share >= 100 ? Json(delay->delay.count()) : Json();
  json["retries"] = nullptr;
  if (outcome.retries) {
    json["retries"] = {{"attempts", outcome.retries->attempts},
                       {"perTryMs", Milliseconds(outcome.retries->per_try)}};
  }
  json["headers"] = Json::array();
  for (const engine::HeaderOp& op : outcome.headers) json["headers"].push_back(HeaderOpJson(op));
  json["branches"] = Json::array();
  for (const engine::Branch& branch : outcome.branches) {
    json["branches"].push_back(BranchJson(model, branch));
  }
}

}  // namespace

Json RequestJson(const Model& model, const Request& request) {
  Json json;
  json["layer"] = LayerText(request.layer);
  json["cluster"] = request.cluster.IsNone() ? Json() : Json(model[request.cluster].name);
  json["source"] = SourceJson(model, request);
  json["identity"] = request.identity ? Json(request.identity->Uri()) : Json();
  json["gateway"] = nullptr;
  if (!request.gateway.IsNone()) {
    const engine::Gateway& gateway = model[request.gateway];
    json["gateway"] = {{"name", gateway.name}, {"namespace", gateway.ns}};
  }
  json["plaintext"] = request.plaintext;
  json["direct"] = request.direct;
  json["tls"] = request.tls;
  json["sni"] = request.sni;
  json["host"] = request.host;
  json["port"] = request.port;
  json["address"] = AddressJson(model, request);
  json["sourceIp"] = request.source_ip;
  json["remoteIp"] = request.remote_ip;
  json["method"] = request.method;
  json["path"] = request.path;
  json["query"] = request.query;
  json["headers"] = request.headers;
  json["tokens"] = Json::array();
  for (const engine::Token& token : request.tokens) {
    json["tokens"].push_back(TokenJson(model, token));
  }
  json["lost"] = LostJson(model, request);
  return json;
}

Json ResultJson(const Model& model, const Request& request, const Outcome& outcome) {
  Json json;
  json["text"] = engine::OutcomeText(model, outcome);
  if (outcome.blocked) {
    json["outcome"] = "blocked";
    json.update(BlockJson(*outcome.blocked));
  } else if (outcome.answered) {
    json["outcome"] = "answered";
    AddAnswer(request, outcome, json);
  } else {
    json["outcome"] = "served";
    AddDelivery(model, outcome, json);
  }
  return json;
}

Json ClustersJson(const Model& model) {
  Json clusters = Json::array();
  for (const engine::Cluster& cluster : model.clusters) {
    clusters.push_back({{"name", cluster.name},
                        {"trustDomain", cluster.trust_domain},
                        {"network", cluster.network},
                        {"domain", cluster.domain}});
  }
  return clusters;
}

}  // namespace weft::cli
