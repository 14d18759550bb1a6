#include "emit/istio/limits.h"

#include <algorithm>
#include <map>
#include <set>

#include "dsl/overloaded.h"
#include "emit/codes.h"
#include "emit/istio/cases.h"
#include "emit/istio/envoy_filter.h"
#include "emit/istio/path_header.h"
#include "engine/match.h"

namespace weft::emit::istio {
namespace {

using engine::Limit;
using engine::LimitId;

// One step of a descriptor: what Envoy sends, and under which key the limiter finds it.
struct Step {
  Value action;
  std::string key;
  std::string value;  // "" = any
};

std::string AnyOf(const std::vector<Pattern>& patterns) {
  std::string regex;
  for (const Pattern& pattern : patterns) {
    regex += (regex.empty() ? "" : "|") + ("(?:" + engine::ToRegex(pattern) + ")");
  }
  return regex;
}

// envoy.config.route.v3.HeaderMatcher.
Value HeaderMatcher(const std::string& name, const std::string& regex, bool negated) {
  Value matcher;
  matcher["name"] = name;
  matcher["string_match"]["safe_regex"]["regex"] = regex;
  if (negated) matcher["invert_match"] = true;
  return matcher;
}

class StepWriter {
 public:
  StepWriter(Emitter& e, const Limit& limit) : e_(e), limit_(limit) {}

  // Empty when the limit never counts or cannot be said.
  std::vector<Step> Write() {
    const auto cases = CasesOf(limit_.when);
    if (!cases || cases->size() > 1) {
      e_.Refuse(codes::kInexpressible, limit_.span,
                "a limiter would count a request for which two alternatives hold twice; use lists "
                "of values, or one limit for each alternative");
      return {};
    }
    if (cases->empty()) return {};
    steps_.push_back(
        {{{"generic_key", {{"descriptor_key", "weft"}, {"descriptor_value", limit_.name}}}},
         "weft",
         limit_.name});
    for (const Literal& literal : cases->front()) AddCondition(literal);
    AddMatches();
    for (const engine::LimitKey& key : limit_.per) AddKey(key);
    return failed_ ? std::vector<Step>{} : std::move(steps_);
  }

 private:
  void Refuse(Span span, const std::string& what) {
    failed_ = true;
    e_.Refuse(codes::kInexpressible, span, "a limiter cannot count by " + what);
  }

  void AddCondition(const Literal& literal) {
    const bool negated = literal.negated;
    std::visit(Overloaded{
                   [&](const engine::MethodMatch& m) {
                     std::vector<Pattern> patterns;
                     for (const std::string& method : m.any_of)
                       patterns.emplace_back(Exact{method});
                     headers_.push_back(HeaderMatcher(":method", AnyOf(patterns), negated));
                   },
                   [&](const engine::PathMatch& m) {
                     const auto regex = PathHeaderRegex(m.any_of);
                     if (!regex) {
                       return Refuse(literal.span,
                                     "this expression on a path, since Envoy also matches the "
                                     "query");
                     }
                     headers_.push_back(HeaderMatcher(":path", *regex, negated));
                   },
                   [&](const engine::HostMatch& m) {
                     headers_.push_back(HeaderMatcher(
                         ":authority", "(?i)(?:" + AnyOf(m.any_of) + ")(?::\\d+)?", negated));
                   },
                   [&](const engine::HeaderMatch& m) {
                     headers_.push_back(HeaderMatcher(m.name, AnyOf(m.any_of), negated));
                   },
                   [&](const engine::QueryMatch& m) { AddQuery(m, literal); },
                   [&](const auto&) {
                     Refuse(literal.span, "callers, addresses, ports or tokens in a condition");
                   },
               },
               *literal.matcher);
  }

  void AddQuery(const engine::QueryMatch& m, const Literal& literal) {
    if (literal.negated) return Refuse(literal.span, "the absence of a query parameter");
    Value parameter;
    parameter["name"] = m.name;
    parameter["string_match"]["safe_regex"]["regex"] = AnyOf(m.any_of);
    Value action;
    action["query_parameter_value_match"] = {{"descriptor_key", "query"},
                                             {"descriptor_value", "yes"},
                                             {"query_parameters", Value::array({parameter})}};
    steps_.push_back({std::move(action), "query", "yes"});
  }

  // All header conditions are one step: it is sent when all of them hold.
  void AddMatches() {
    if (headers_.empty()) return;
    Value action;
    action["header_value_match"] = {
        {"descriptor_key", "match"}, {"descriptor_value", "yes"}, {"headers", headers_}};
    steps_.push_back({std::move(action), "match", "yes"});
  }

  void AddExpression(const std::string& key, const std::string& text) {
    Value config;
    config["@type"] =
        "type.googleapis.com/envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor";
    config["descriptor_key"] = key;
    config["text"] = text;
    Value action;
    action["extension"] = {{"name", "envoy.rate_limit_descriptors.expr"},
                           {"typed_config", std::move(config)}};
    steps_.push_back({std::move(action), key, ""});
  }

  void AddHeader(const std::string& key, const std::string& header) {
    Value action;
    action["request_headers"] = {{"header_name", header}, {"descriptor_key", key}};
    steps_.push_back({std::move(action), key, ""});
  }

  void AddKey(const engine::LimitKey& key) {
    using Kind = engine::LimitKey::Kind;
    switch (key.kind) {
      case Kind::kSourceIdentity:
        return AddExpression("identity", "connection.uri_san_peer_certificate");
      case Kind::kSourceIp:
        return Refuse(limit_.span, "`source.ip`, which Envoy sends with its port; use `remote.ip`");
      case Kind::kRemoteIp:
        steps_.push_back({{{"remote_address", Value::object()}}, "remote_address", ""});
        return;
      case Kind::kPath:
        return AddExpression("path", "request.url_path");
      case Kind::kMethod:
        return AddHeader("method", ":method");
      case Kind::kHeader:
        return AddHeader("header." + key.name, key.name);
      case Kind::kClaim:
        return AddClaim(key);
    }
  }

  // Istio keeps the payload of a good token there.
  void AddClaim(const engine::LimitKey& key) {
    if (limit_.before_authorization) {
      return Refuse(limit_.span, "claims before tokens are checked; drop `phase before …`");
    }
    Value path = Value::array({{{"key", "payload"}}});
    for (const std::string& step : engine::ClaimSteps(key.name)) {
      path.push_back({{"key", engine::ClaimInToken(step)}});
    }
    Value action;
    action["metadata"] = {
        {"descriptor_key", "claim." + key.name},
        {"metadata_key", {{"key", "envoy.filters.http.jwt_authn"}, {"path", std::move(path)}}}};
    steps_.push_back({std::move(action), "claim." + key.name, ""});
  }

  Emitter& e_;
  const Limit& limit_;
  std::vector<Step> steps_;
  Value headers_ = Value::array();
  bool failed_ = false;
};

// ---- what a proxy asks

Value GlobalFilter(const Emitter& e, const engine::Limiter& limiter, bool deny, bool before) {
  const engine::Service& service = e.model[limiter.service];
  const std::string host = service.Fqdn(e.model[e.cluster]);
  Value config;
  config["@type"] = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit";
  config["domain"] = limiter.domain;
  config["stage"] = before ? 1 : 0;
  config["timeout"] = DurationText(limiter.timeout);
  config["failure_mode_deny"] = deny;
  Value& grpc = config["rate_limit_service"]["grpc_service"];
  grpc["envoy_grpc"]["cluster_name"] = "outbound|" + std::to_string(limiter.port) + "||" + host;
  grpc["envoy_grpc"]["authority"] = host;
  config["rate_limit_service"]["transport_api_version"] = "V3";
  return config;
}

Value Always() {
  return {{"runtime_key", "weft.limits"},
          {"default_value", {{"numerator", 100}, {"denominator", "HUNDRED"}}}};
}

Value LocalFilter(const Limit& limit) {
  Value config;
  config["@type"] =
      "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
  config["stat_prefix"] = "weft";
  config["token_bucket"] = {{"max_tokens", limit.requests + limit.burst.value_or(0)},
                            {"tokens_per_fill", limit.requests},
                            {"fill_interval", DurationText(limit.unit)}};
  config["filter_enabled"] = Always();
  config["filter_enforced"] = Always();
  return config;
}

class ServerLimits {
 public:
  ServerLimits(Emitter& e, const Attachment& attachment, PatchContext context)
      : e_(e), attachment_(attachment), context_(context) {}

  // `own` limits every request of the server; `of_routes` only tell which limiters are asked.
  void Emit(const std::vector<LimitId>& own, const std::vector<LimitId>& of_routes) {
    for (const LimitId id : own) {
      if (e_.model[id].limiter.IsNone()) AddLocal(id);
    }
    std::vector<LimitId> all = own;
    all.insert(all.end(), of_routes.begin(), of_routes.end());
    for (const LimitId id : all) {
      if (!e_.model[id].limiter.IsNone()) AddLimiter(id);
    }
    AddActions(own);
    if (patches_.empty()) return;
    Object& object =
        AddEnvoyFilter(e_, attachment_, "-limits", e_.model[all.front()].span, std::move(patches_));
    for (const LimitId id : all) object.sources.push_back(e_.model[id].span);
  }

 private:
  void AddLocal(LimitId id) {
    const Limit& limit = e_.model[id];
    if (!limit.per.empty() || limit.when.kind != engine::Condition::Kind::kTrue) {
      e_.Refuse(
          codes::kInexpressible, limit.span,
          "a proxy by itself counts all requests alike; declare a `limiter` to count by values "
          "or under conditions");
      return;
    }
    patches_.push_back(InsertFilter(context_, limit.before_authorization, "weft." + limit.name,
                                    LocalFilter(limit)));
  }

  void AddLimiter(LimitId id) {
    const Limit& limit = e_.model[id];
    const engine::Limiter& limiter = e_.model[limit.limiter];
    if (limiter.service.IsNone()) return;
    if (e_.model[limiter.service].In(e_.cluster) == nullptr) {
      e_.Refuse(codes::kNotHere, limit.span,
                "limiter `" + limiter.name + "` has no service in this cluster");
      return;
    }
    const std::pair key(limit.limiter, limit.before_authorization);
    const auto [at, inserted] = lenient_.try_emplace(key, limit.allow_on_error);
    if (!inserted) {
      if (at->second != limit.allow_on_error) {
        e_.Refuse(codes::kInexpressible, limit.span,
                  "Envoy treats all limits of one limiter alike when it does not answer; give them "
                  "the same `on error`");
      }
      return;
    }
    patches_.push_back(
        InsertFilter(context_, limit.before_authorization, LimiterFilter(limiter),
                     GlobalFilter(e_, limiter, !limit.allow_on_error, limit.before_authorization)));
  }

  void AddActions(const std::vector<LimitId>& own) {
    Value limits = RateLimitsOf(e_, own);
    if (limits.empty()) return;
    Value hosts;
    hosts["rate_limits"] = std::move(limits);
    if (context_ == PatchContext::kGateway) {
      patches_.push_back(MergeIntoHosts(context_, 0, std::move(hosts)));
      return;
    }
    for (const engine::ServicePort& port : attachment_.ports) {
      if (port.IsHttp()) patches_.push_back(MergeIntoHosts(context_, port.number, hosts));
    }
  }

  Emitter& e_;
  const Attachment& attachment_;
  PatchContext context_;
  Value patches_ = Value::array();
  std::map<std::pair<engine::LimiterId, bool>, bool> lenient_;
};

std::vector<LimitId> LimitsOfRoutes(const Emitter& e, engine::GatewayId gateway) {
  std::vector<LimitId> limits;
  for (const engine::Table& table : e.model.tables) {
    const auto& bound = table.gateways;
    if (std::find(bound.begin(), bound.end(), gateway) == bound.end()) continue;
    for (const engine::RouteRule& rule : table.rules) {
      for (const LimitId id : rule.modifiers.limits) {
        if (e.model[id].limiter.IsNone()) continue;
        limits.push_back(id);
      }
    }
  }
  return limits;
}

// ---- what a limiter reads

const char* UnitName(engine::Millis unit) {
  if (unit == engine::Millis(1'000)) return "second";
  if (unit == engine::Millis(60'000)) return "minute";
  if (unit == engine::Millis(3'600'000)) return "hour";
  return "day";
}

Value Descriptor(const std::vector<Step>& steps, std::size_t at, const Limit& limit) {
  Value descriptor;
  descriptor["key"] = steps[at].key;
  if (!steps[at].value.empty()) descriptor["value"] = steps[at].value;
  if (at + 1 < steps.size()) {
    descriptor["descriptors"].push_back(Descriptor(steps, at + 1, limit));
  } else {
    descriptor["rate_limit"] = {{"unit", UnitName(limit.unit)},
                                {"requests_per_unit", limit.requests}};
  }
  return descriptor;
}

void EmitConfiguration(Emitter& e, engine::LimiterId id) {
  const engine::Limiter& limiter = e.model[id];
  if (limiter.service.IsNone() || e.model[limiter.service].In(e.cluster) == nullptr) return;
  Value config;
  config["domain"] = limiter.domain;
  for (const Limit& limit : e.model.limits) {
    if (limit.limiter != id) continue;
    const std::vector<Step> steps = StepWriter(e, limit).Write();
    if (!steps.empty()) config["descriptors"].push_back(Descriptor(steps, 0, limit));
  }
  if (!config.contains("descriptors")) return;
  const engine::Service& service = e.model[limiter.service];
  Object& object = e.Add("v1", "ConfigMap", service.ns, "weft-limits-" + limiter.name,
                         service.workspace, limiter.span);
  object.data["config.yaml"] = YamlText(config);
}

void RefuseOnSidecars(Emitter& e) {
  for (const engine::Table& table : e.model.tables) {
    for (const engine::RouteRule& rule : table.rules) {
      const engine::RouteModifiers& m = rule.modifiers;
      if (table.on_sidecars && (m.csrf || m.body_limit || !m.code.empty())) {
        e.Refuse(codes::kInexpressible, rule.span,
                 "`csrf`, `body at most` and `lua` of a route are for gateways");
      }
      for (const LimitId id : rule.modifiers.limits) {
        if (table.on_sidecars) {
          e.Refuse(codes::kInexpressible, e.model[id].span,
                   "callers' own proxies enforce no limits; say `limit` at the service");
        } else if (e.model[id].limiter.IsNone()) {
          e.Refuse(codes::kInexpressible, e.model[id].span,
                   "a limit of a route needs a `limiter` that counts it");
        }
      }
    }
  }
}

}  // namespace

std::string LimiterFilter(const engine::Limiter& limiter) { return "weft.limits." + limiter.name; }

Value WithLimitsOfHost() {
  Value value;
  value["@type"] =
      "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute";
  value["vh_rate_limits"] = "INCLUDE";
  return value;
}

Value RateLimitsOf(Emitter& e, const std::vector<LimitId>& limits) {
  Value list = Value::array();
  for (const LimitId id : limits) {
    const Limit& limit = e.model[id];
    if (limit.limiter.IsNone()) continue;
    if (limit.burst) {
      e.Refuse(codes::kInexpressible, limit.span,
               "a limiter counts whole units of time and knows no `burst`");
    }
    Value rate_limit;
    if (limit.before_authorization) rate_limit["stage"] = 1;
    for (Step& step : StepWriter(e, limit).Write()) {
      rate_limit["actions"].push_back(std::move(step.action));
    }
    if (rate_limit.contains("actions")) list.push_back(std::move(rate_limit));
  }
  return list;
}

void EmitLimits(Emitter& e) {
  RefuseOnSidecars(e);
  for (const engine::Guard& guard : e.model.guards) {
    if (std::holds_alternative<engine::GatewayId>(guard.target) || guard.limits.empty()) continue;
    const std::optional<Attachment> attachment = AttachmentOf(e, guard);
    if (attachment) {
      ServerLimits(e, *attachment, PatchContext::kInbound).Emit(guard.limits, {});
    }
  }
  for (std::uint32_t g = 0; g < e.model.gateways.size(); ++g) {
    const engine::Gateway& gateway = e.model.gateways[g];
    const auto& here = gateway.clusters;
    if (std::find(here.begin(), here.end(), e.cluster) == here.end()) continue;
    const engine::Guard* guard = e.model.GuardOf(engine::GatewayId{g}, e.cluster);
    const std::vector<LimitId> own = guard == nullptr ? std::vector<LimitId>{} : guard->limits;
    const std::vector<LimitId> of_routes = LimitsOfRoutes(e, {g});
    if (own.empty() && of_routes.empty()) continue;
    const Attachment attachment{gateway.ns, gateway.name, gateway.selector, gateway.workspace, {}};
    ServerLimits(e, attachment, PatchContext::kGateway).Emit(own, of_routes);
  }
  for (std::uint32_t i = 0; i < e.model.limiters.size(); ++i) EmitConfiguration(e, {i});
}

}  // namespace weft::emit::istio
