#include "emit/mesh_config.h"

#include <set>

#include "emit/istio/emitter.h"
#include "emit/istio/external_authorization.h"
#include "emit/object.h"

namespace weft::emit {
namespace {

// MeshConfig.ExtensionProvider.EnvoyExternalAuthorization{Grpc,Http}Provider.
Value ProviderOf(const engine::Model& model, const engine::Cluster& cluster,
                 const engine::Authorizer& authorizer) {
  Value settings;
  settings["service"] =
      model[authorizer.service].ns + "/" + model[authorizer.service].Fqdn(cluster);
  settings["port"] = authorizer.port;
  settings["timeout"] = istio::DurationText(authorizer.timeout);
  settings["failOpen"] = authorizer.allow_on_failure;
  settings["statusOnError"] = std::to_string(authorizer.status_on_error);
  if (authorizer.reroute) settings["clearRouteCache"] = true;
  if (authorizer.body_limit) {
    Value& body = settings["includeRequestBodyInCheck"];
    body["maxRequestBytes"] = *authorizer.body_limit;
    body["allowPartialMessage"] = authorizer.partial_body;
    if (authorizer.body_as_bytes) body["packAsBytes"] = true;
  }
  if (authorizer.http) {
    if (!authorizer.path_prefix.empty()) settings["pathPrefix"] = authorizer.path_prefix;
    if (!authorizer.include_headers.empty()) {
      settings["includeRequestHeadersInCheck"] = authorizer.include_headers;
    }
    if (!authorizer.add_headers.empty()) {
      settings["includeAdditionalHeadersInCheck"] = authorizer.add_headers;
    }
    if (!authorizer.upstream_headers.empty()) {
      settings["headersToUpstreamOnAllow"] = authorizer.upstream_headers;
    }
    if (!authorizer.client_headers.empty()) {
      settings["headersToDownstreamOnDeny"] = authorizer.client_headers;
    }
  }
  Value provider;
  provider["name"] = istio::ProviderName(authorizer);
  provider[authorizer.http ? "envoyExtAuthzHttp" : "envoyExtAuthzGrpc"] = std::move(settings);
  return provider;
}

// Authorizers some proxy of the cluster asks.
std::set<engine::AuthorizerId> Asked(const engine::Model& model, engine::ClusterId cluster) {
  std::set<engine::AuthorizerId> asked;
  for (const engine::Guard& guard : model.guards) {
    if (guard.cluster != cluster) continue;
    for (const auto& one : guard.authorization) asked.insert(one.provider);
  }
  for (const engine::Table& table : model.tables) {
    for (const engine::RouteRule& rule : table.rules) {
      for (const auto& one : rule.modifiers.authorization) asked.insert(one.provider);
    }
  }
  return asked;
}

}  // namespace

std::map<std::string, std::string> MeshConfigs(const engine::Model& model) {
  std::map<std::string, std::string> fragments;
  for (std::uint32_t c = 0; c < model.clusters.size(); ++c) {
    Value config;
    for (const engine::AuthorizerId id : Asked(model, {c})) {
      const engine::Authorizer& authorizer = model[id];
      if (authorizer.service.IsNone() || model[authorizer.service].In({c}) == nullptr) continue;
      config["extensionProviders"].push_back(ProviderOf(model, model.clusters[c], authorizer));
    }
    if (config.empty()) continue;
    fragments[model.clusters[c].name] =
        "# A part of MeshConfig, to be merged into that of the installation.\n"
        "# app.kubernetes.io/managed-by: weft\n" +
        YamlText(config);
  }
  return fragments;
}

}  // namespace weft::emit
