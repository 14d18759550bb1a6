#include "emit/istio/envoy_filter.h"

#include <algorithm>
#include <map>
#include <set>

#include "emit/codes.h"
#include "emit/istio/external_authorization.h"
#include "emit/istio/filters.h"
#include "emit/istio/limits.h"
#include "emit/istio/route_tokens.h"

namespace weft::emit::istio {
namespace {

const char* ContextName(PatchContext context) {
  switch (context) {
    case PatchContext::kInbound:
      return "SIDECAR_INBOUND";
    case PatchContext::kGateway:
      return "GATEWAY";
  }
  return "";
}

bool IsForward(const engine::RouteRule& rule) {
  return std::holds_alternative<std::vector<engine::Forward>>(rule.action);
}

void AddAuthorization(Emitter& e, const engine::RouteRule& rule, Value& patch) {
  const engine::RouteModifiers& m = rule.modifiers;
  Value& filter = patch["typed_per_filter_config"]["envoy.filters.http.ext_authz"];
  if (m.authorization.empty()) {
    filter = NotAsked();
    return;
  }
  filter = CheckSettings(m.authorization.front());
  for (const engine::ExternalAuthorization& asked : m.authorization) {
    if (asked.when.kind != engine::Condition::Kind::kTrue) {
      e.Refuse(
          codes::kInexpressible, asked.span,
          "Envoy asks an authorizer for a whole route; put the condition into the rule's `when`");
    }
  }
  if (m.authorization.size() > 1) {
    e.Refuse(codes::kInexpressible, m.authorization[1].span,
             "Istio asks one authorizer for a workload");
  }
}

}  // namespace

Value InsertFilter(PatchContext context, bool first, const std::string& name, Value typed_config) {
  Value patch;
  patch["applyTo"] = "HTTP_FILTER";
  patch["match"]["context"] = ContextName(context);
  Value& filter = patch["match"]["listener"]["filterChain"]["filter"];
  filter["name"] = "envoy.filters.network.http_connection_manager";
  if (!first) filter["subFilter"]["name"] = "envoy.filters.http.router";
  patch["patch"]["operation"] = first ? "INSERT_FIRST" : "INSERT_BEFORE";
  patch["patch"]["value"]["name"] = name;
  patch["patch"]["value"]["typed_config"] = std::move(typed_config);
  return patch;
}

Value MergeIntoHosts(PatchContext context, std::uint16_t port, Value value) {
  Value patch;
  patch["applyTo"] = "VIRTUAL_HOST";
  patch["match"]["context"] = ContextName(context);
  if (context == PatchContext::kInbound) {
    patch["match"]["routeConfiguration"]["vhost"]["name"] = "inbound|http|" + std::to_string(port);
  }
  patch["patch"]["operation"] = "MERGE";
  patch["patch"]["value"] = std::move(value);
  return patch;
}

Value MergeIntoRoutes(PatchContext context, const std::string& name, Value value) {
  Value patch;
  patch["applyTo"] = "HTTP_ROUTE";
  patch["match"]["context"] = ContextName(context);
  patch["match"]["routeConfiguration"]["vhost"]["route"]["name"] = name;
  patch["patch"]["operation"] = "MERGE";
  patch["patch"]["value"] = std::move(value);
  return patch;
}

Object& AddEnvoyFilter(Emitter& e, const Attachment& attachment, const std::string& suffix,
                       Span span, Value patches) {
  Object& object = e.Add("networking.istio.io/v1alpha3", "EnvoyFilter", attachment.ns,
                         attachment.name + suffix, attachment.workspace, span);
  object.spec["workloadSelector"]["labels"] = attachment.selector;
  // Patches relative to other filters need a place among the EnvoyFilters.
  object.spec["priority"] = 10;
  object.spec["configPatches"] = std::move(patches);
  return object;
}

RouteFilters RouteFiltersOf(Emitter& e, const engine::RouteRule& rule) {
  const engine::RouteModifiers& m = rule.modifiers;
  Value patch = Value::object();
  if (!m.authorization.empty() || m.without_authorization) AddAuthorization(e, rule, patch);
  if (!m.limits.empty()) {
    Value limits = RateLimitsOf(e, m.limits);
    if (IsForward(rule)) {
      if (!limits.empty()) patch["route"]["rate_limits"] = std::move(limits);
      for (const engine::Limiter& limiter : e.model.limiters) {
        patch["typed_per_filter_config"][LimiterFilter(limiter)] = WithLimitsOfHost();
      }
    } else {
      e.Refuse(codes::kInexpressible, e.model[m.limits.front()].span,
               "Envoy limits only requests that it forwards; put the limit on the gateway");
    }
  }
  Value content = Value::object();
  AddContentFilters(e, rule, content);
  AddTokenFilters(e, rule, content);
  for (auto& [filter, settings] : content.items()) {
    patch["typed_per_filter_config"][filter] = settings;
  }
  if (patch.empty()) return {};
  std::string name = "weft-" + Digest(patch.dump());
  if (!rule.name.empty()) name = NameOf(rule.name) + "-" + name;
  return {std::move(name), std::move(patch)};
}

void EmitRouteFilters(Emitter& e) {
  for (std::uint32_t g = 0; g < e.model.gateways.size(); ++g) {
    const engine::Gateway& gateway = e.model.gateways[g];
    const auto& here = gateway.clusters;
    if (std::find(here.begin(), here.end(), e.cluster) == here.end()) continue;
    const Attachment attachment{gateway.ns, gateway.name, gateway.selector, gateway.workspace, {}};
    std::set<std::string> made;
    std::map<std::string, Value> base;
    for (const engine::Table& table : e.model.tables) {
      const auto& bound = table.gateways;
      if (std::find(bound.begin(), bound.end(), engine::GatewayId{g}) == bound.end()) continue;
      for (const engine::RouteRule& rule : table.rules) {
        RouteFilters filters = RouteFiltersOf(e, rule);
        if (filters.name.empty() || !made.insert(filters.name).second) continue;
        if (filters.patch.contains("typed_per_filter_config")) {
          base.merge(BaseFilters(filters.patch["typed_per_filter_config"]));
        }
        AddEnvoyFilter(e, attachment, "-" + filters.name, rule.span,
                       Value::array({MergeIntoRoutes(PatchContext::kGateway, filters.name,
                                                     std::move(filters.patch))}));
      }
    }
    Value patches = Value::array();
    for (auto& [name, config] : base) {
      Value patch = InsertFilter(PatchContext::kGateway, false, name, std::move(config));
      // A buffer of any size would hold back every request.
      if (name == "envoy.filters.http.buffer") patch["patch"]["value"]["disabled"] = true;
      patches.push_back(std::move(patch));
    }
    if (!patches.empty()) {
      AddEnvoyFilter(e, attachment, "-route-filters", gateway.span, std::move(patches));
    }
  }
}

}  // namespace weft::emit::istio
