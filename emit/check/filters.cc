#include "emit/check/filters.h"

#include <algorithm>
#include <map>

#include "emit/check/strings.h"
#include "engine/match.h"

namespace weft::emit::check {
namespace {

using engine::Request;
using Entries = std::vector<std::pair<std::string, std::string>>;

std::string TypeOf(const yaml::Node& config) {
  const std::string type = config.StringOr("@type", "");
  return type.substr(type.rfind('.') + 1);
}

// Service ports behind which the workload's port lies: Istio names inbound virtual hosts by them.
bool IsInboundHost(const Mesh& mesh, const Proxy& proxy, std::uint16_t port,
                   const std::string& name) {
  for (const engine::Service& service : mesh.world.services) {
    const engine::ServiceInstance* instance = service.In(proxy.cluster);
    if (instance == nullptr || service.ns != proxy.ns || instance->selector.empty() ||
        !engine::Selects(instance->selector, proxy.labels)) {
      continue;
    }
    for (const engine::ServicePort& p : instance->ports) {
      if (p.target == port && name == "inbound|http|" + std::to_string(p.number)) return true;
    }
  }
  return false;
}

bool HoldsHost(const Mesh& mesh, const Proxy& proxy, std::uint16_t port, const yaml::Node& match) {
  const yaml::Node* name = match.At("routeConfiguration.vhost.name");
  if (name == nullptr) return true;
  return !proxy.gateway && IsInboundHost(mesh, proxy, port, name->text);
}

// ---- descriptors

std::optional<std::string> HeaderOf(const Request& request, const std::string& name) {
  if (name == ":method") return request.method;
  if (name == ":authority") return request.host;
  if (name == ":path") {
    std::string path = request.path;
    char separator = '?';
    for (const auto& [key, value] : request.query) {
      path += separator + key + "=" + value;
      separator = '&';
    }
    return path;
  }
  const auto at = request.headers.find(name);
  if (at == request.headers.end()) return std::nullopt;
  return at->second;
}

// StringMatcher of Envoy: only regular expressions are written.
bool FitsText(const yaml::Node& matcher, const std::string& value) {
  const yaml::Node* regex = matcher.At("string_match.safe_regex.regex");
  return regex != nullptr && MatchesRegex(regex->text, value);
}

bool FitsHeader(const yaml::Node& matcher, const Request& request) {
  const auto value = HeaderOf(request, matcher.StringOr("name", ""));
  const bool fits = value && FitsText(matcher, *value);
  const yaml::Node* invert = matcher.Find("invert_match");
  return fits != (invert != nullptr && invert->AsBool() == true);
}

bool FitsQuery(const yaml::Node& matcher, const Request& request) {
  const auto at = request.query.find(matcher.StringOr("name", ""));
  return at != request.query.end() && FitsText(matcher, at->second);
}

template <typename Fits>
bool AllOf(const yaml::Node& action, const char* list, Fits fits) {
  const yaml::Node* items = action.Find(list);
  return items != nullptr && std::all_of(items->items.begin(), items->items.end(), fits);
}

// `payload.<claim>` of any good token.
std::optional<std::string> ClaimOf(const yaml::Node& metadata, const Request& request) {
  const yaml::Node* path = metadata.At("metadata_key.path");
  if (path == nullptr || path->items.size() < 2) return std::nullopt;
  std::string claim;
  for (std::size_t i = 1; i < path->items.size(); ++i) {
    claim += (claim.empty() ? "" : ".") + WithoutDots(path->items[i].StringOr("key", ""));
  }
  for (const engine::Token& token : request.tokens) {
    const auto at = token.claims.find(claim);
    if (token.valid && at != token.claims.end() && !at->second.empty()) return at->second.front();
  }
  return std::nullopt;
}

std::optional<std::string> ExpressionOf(const std::string& text, const Request& request,
                                        const std::optional<engine::Identity>& peer) {
  if (text == "request.url_path") return request.path;
  if (text == "connection.uri_san_peer_certificate" && peer) return peer->Uri();
  return std::nullopt;
}

// The entry an action sends; nullopt when the whole descriptor is dropped.
std::optional<std::pair<std::string, std::string>> EntryOf(
    const yaml::Node& action, const Request& request, const std::optional<engine::Identity>& peer) {
  if (const yaml::Node* a = action.Find("generic_key")) {
    return std::pair(a->StringOr("descriptor_key", "generic_key"),
                     a->StringOr("descriptor_value", ""));
  }
  if (const yaml::Node* a = action.Find("header_value_match")) {
    if (!AllOf(*a, "headers", [&](const yaml::Node& m) { return FitsHeader(m, request); })) {
      return std::nullopt;
    }
    return std::pair(a->StringOr("descriptor_key", "header_match"),
                     a->StringOr("descriptor_value", ""));
  }
  if (const yaml::Node* a = action.Find("query_parameter_value_match")) {
    if (!AllOf(*a, "query_parameters",
               [&](const yaml::Node& m) { return FitsQuery(m, request); })) {
      return std::nullopt;
    }
    return std::pair(a->StringOr("descriptor_key", "query_match"),
                     a->StringOr("descriptor_value", ""));
  }
  std::optional<std::string> value;
  std::string key;
  if (const yaml::Node* a = action.Find("request_headers")) {
    key = a->StringOr("descriptor_key", "");
    value = HeaderOf(request, a->StringOr("header_name", ""));
  } else if (action.Find("remote_address") != nullptr) {
    key = "remote_address";
    value = request.remote_ip.empty() ? request.source_ip : request.remote_ip;
  } else if (const yaml::Node* m = action.Find("metadata")) {
    key = m->StringOr("descriptor_key", "");
    value = ClaimOf(*m, request);
  } else if (const yaml::Node* config = action.At("extension.typed_config")) {
    key = config->StringOr("descriptor_key", "");
    value = ExpressionOf(config->StringOr("text", ""), request, peer);
  }
  if (!value) return std::nullopt;
  return std::pair(key, *value);
}

std::optional<Entries> DescriptorOf(const yaml::Node& rate_limit, const Request& request,
                                    const std::optional<engine::Identity>& peer) {
  Entries entries;
  const yaml::Node* actions = rate_limit.Find("actions");
  if (actions == nullptr) return std::nullopt;
  for (const yaml::Node& action : actions->items) {
    auto entry = EntryOf(action, request, peer);
    if (!entry) return std::nullopt;
    entries.push_back(std::move(*entry));
  }
  return entries;
}

// The rate the limiter's configuration gives the descriptor: at each step the entry with the value,
// else the one without; only the last step counts.
const yaml::Node* RateOf(const yaml::Node& config, const Entries& entries) {
  const yaml::Node* level = config.Find("descriptors");
  const yaml::Node* found = nullptr;
  for (const auto& [key, value] : entries) {
    found = nullptr;
    if (level == nullptr) return nullptr;
    for (const bool exact : {true, false}) {
      for (const yaml::Node& candidate : level->items) {
        const yaml::Node* wanted = candidate.Find("value");
        const bool fits = exact ? wanted != nullptr && wanted->text == value : wanted == nullptr;
        if (found == nullptr && fits && candidate.StringOr("key", "") == key) found = &candidate;
      }
    }
    if (found == nullptr) return nullptr;
    level = found->Find("descriptors");
  }
  return found == nullptr ? nullptr : found->Find("rate_limit");
}

engine::Millis UnitOf(const std::string& unit) {
  if (unit == "second") return engine::Millis(1'000);
  if (unit == "minute") return engine::Millis(60'000);
  if (unit == "hour") return engine::Millis(3'600'000);
  return engine::Millis(86'400'000);
}

// The limit of the world that has the name, when the configuration gives it its rate.
bool IsExhausted(const Mesh& mesh, const std::string& name, std::int64_t requests,
                 engine::Millis unit, const Request& request) {
  for (std::uint32_t i = 0; i < mesh.world.limits.size(); ++i) {
    const engine::Limit& limit = mesh.world.limits[i];
    if (limit.name != name) continue;
    const bool same = limit.requests == requests && limit.unit == unit;
    return same && request.exhausted.contains({i});
  }
  return false;
}

const yaml::Node* ConfigurationOf(const Mesh& mesh, engine::ClusterId cluster,
                                  const std::string& domain) {
  for (const IstioObject* object : OfKind(mesh, cluster, "ConfigMap")) {
    if (object->spec.StringOr("domain", "") == domain) return &object->spec;
  }
  return nullptr;
}

bool IsSilent(const Mesh& mesh, const std::string& domain, const Request& request) {
  for (std::uint32_t i = 0; i < mesh.world.limiters.size(); ++i) {
    if (mesh.world.limiters[i].domain == domain && request.silent.contains({i})) return true;
  }
  return false;
}

// Rate limits of the route, and of its virtual host where the route has none or asks for both.
std::vector<const yaml::Node*> RateLimits(const Patches& patches, const std::string& filter) {
  std::vector<const yaml::Node*> limits;
  for (const yaml::Node* route : patches.routes) {
    const yaml::Node* own = route->At("route.rate_limits");
    if (own == nullptr) continue;
    for (const yaml::Node& one : own->items) limits.push_back(&one);
  }
  const yaml::Node* settings = PerRoute(patches, filter);
  const bool both =
      settings != nullptr && settings->StringOr("vh_rate_limits", "OVERRIDE") == "INCLUDE";
  if (!limits.empty() && !both) return limits;
  for (const yaml::Node* host : patches.hosts) {
    const yaml::Node* own = host->Find("rate_limits");
    if (own == nullptr) continue;
    for (const yaml::Node& one : own->items) limits.push_back(&one);
  }
  return limits;
}

std::optional<Refusal> AskLimiter(const Mesh& mesh, const Proxy& proxy, const Patches& patches,
                                  const std::string& name, const yaml::Node& filter,
                                  const Request& request,
                                  const std::optional<engine::Identity>& peer) {
  const std::string domain = filter.StringOr("domain", "");
  const yaml::Node* stage_node = filter.Find("stage");
  const std::int64_t stage = stage_node == nullptr ? 0 : stage_node->AsInt().value_or(0);
  const yaml::Node* deny = filter.Find("failure_mode_deny");
  const yaml::Node* configuration = ConfigurationOf(mesh, proxy.cluster, domain);
  for (const yaml::Node* rate_limit : RateLimits(patches, name)) {
    const yaml::Node* own = rate_limit->Find("stage");
    if ((own == nullptr ? 0 : own->AsInt().value_or(0)) != stage) continue;
    const std::optional<Entries> entries = DescriptorOf(*rate_limit, request, peer);
    if (!entries || entries->empty()) continue;
    if (IsSilent(mesh, domain, request)) {
      if (deny != nullptr && deny->AsBool() == true) return Refusal{"rate-limited", 500};
      continue;
    }
    const yaml::Node* rate = configuration == nullptr ? nullptr : RateOf(*configuration, *entries);
    if (rate == nullptr) continue;
    const yaml::Node* requests = rate->Find("requests_per_unit");
    if (requests != nullptr &&
        IsExhausted(mesh, entries->front().second, requests->AsInt().value_or(0),
                    UnitOf(rate->StringOr("unit", "")), request)) {
      return Refusal{"rate-limited", 429};
    }
  }
  return std::nullopt;
}

std::optional<Refusal> AskBucket(const Mesh& mesh, const std::string& name,
                                 const yaml::Node& config, const Request& request) {
  const yaml::Node* fill = config.At("token_bucket.tokens_per_fill");
  const std::string interval = [&] {
    const yaml::Node* node = config.At("token_bucket.fill_interval");
    return node == nullptr ? std::string() : node->text;
  }();
  if (fill == nullptr || !interval.ends_with('s')) return std::nullopt;
  const engine::Millis unit(std::stoll(interval) * 1000);
  const std::string limit = name.starts_with("weft.") ? name.substr(5) : name;
  if (!IsExhausted(mesh, limit, fill->AsInt().value_or(0), unit, request)) return std::nullopt;
  return Refusal{"rate-limited", 429};
}

const yaml::Node* ProviderNamed(const Mesh& mesh, engine::ClusterId cluster,
                                const std::string& name) {
  const auto config = mesh.config.find(mesh.world[cluster].name);
  if (config == mesh.config.end()) return nullptr;
  const yaml::Node* providers = config->second.Find("extensionProviders");
  if (providers == nullptr) return nullptr;
  for (const yaml::Node& provider : providers->items) {
    if (provider.StringOr("name", "") != name) continue;
    const yaml::Node* grpc = provider.Find("envoyExtAuthzGrpc");
    return grpc != nullptr ? grpc : provider.Find("envoyExtAuthzHttp");
  }
  return nullptr;
}

// The authorizer of the world that runs behind the provider's service and port.
engine::AuthorizerId Behind(const Mesh& mesh, engine::ClusterId cluster,
                            const yaml::Node& provider) {
  const yaml::Node* port = provider.Find("port");
  for (std::uint32_t i = 0; i < mesh.world.authorizers.size(); ++i) {
    const engine::Authorizer& authorizer = mesh.world.authorizers[i];
    if (authorizer.service.IsNone() || port == nullptr || port->AsInt() != authorizer.port) {
      continue;
    }
    const engine::Service& service = mesh.world[authorizer.service];
    if (provider.StringOr("service", "") == service.ns + "/" + service.Fqdn(mesh.world[cluster])) {
      return {i};
    }
  }
  return {};
}

bool HasFilter(const Patches& patches, const std::string& name) {
  return std::any_of(patches.filters.begin(), patches.filters.end(), [&](const yaml::Node* p) {
    const yaml::Node* value = p->At("patch.value");
    return value != nullptr && value->StringOr("name", "") == name;
  });
}

// Envoy takes the host and port of `origin`, else of `referer`.
std::string SourceOrigin(const Request& request) {
  for (const char* name : {"origin", "referer"}) {
    const auto at = request.headers.find(name);
    if (at == request.headers.end() || at->second.empty()) continue;
    std::string url = at->second;
    if (const std::size_t scheme = url.find("://"); scheme != std::string::npos) {
      url.erase(0, scheme + 3);
    }
    return url.substr(0, url.find('/'));
  }
  return {};
}

bool IsForeign(const yaml::Node& csrf, const Request& request) {
  static constexpr const char* kChanging[] = {"POST", "PUT", "DELETE", "PATCH"};
  if (std::find(std::begin(kChanging), std::end(kChanging), request.method) ==
      std::end(kChanging)) {
    return false;
  }
  const yaml::Node* share = csrf.At("filter_enabled.default_value.numerator");
  if (share == nullptr || share->AsInt().value_or(0) < 1'000'000) return false;
  const std::string origin = SourceOrigin(request);
  if (!origin.empty() && origin == request.host) return false;
  const yaml::Node* more = csrf.Find("additional_origins");
  return origin.empty() || more == nullptr ||
         std::none_of(more->items.begin(), more->items.end(), [&](const yaml::Node& m) {
           const yaml::Node* regex = m.At("safe_regex.regex");
           return regex != nullptr && MatchesRegex(regex->text, origin);
         });
}

std::int64_t PriorityOf(const IstioObject& object) {
  const yaml::Node* priority = object.spec.Find("priority");
  return priority == nullptr ? 0 : priority->AsInt().value_or(0);
}

}  // namespace

const yaml::Node* PerRoute(const Patches& patches, const std::string& filter) {
  const yaml::Node* found = nullptr;
  for (const auto* list : {&patches.hosts, &patches.routes}) {
    for (const yaml::Node* value : *list) {
      const yaml::Node* settings = value->Find("typed_per_filter_config");
      const yaml::Node* own = settings == nullptr ? nullptr : settings->Find(filter);
      if (own != nullptr) found = own;
    }
  }
  return found;
}

std::optional<Refusal> AskContent(const Patches& patches, const Request& request) {
  const std::string csrf_filter = "envoy.filters.http.csrf";
  const yaml::Node* csrf = PerRoute(patches, csrf_filter);
  if (csrf != nullptr && HasFilter(patches, csrf_filter) && IsForeign(*csrf, request)) {
    return Refusal{"foreign-origin", 403};
  }
  const std::string buffer_filter = "envoy.filters.http.buffer";
  const yaml::Node* buffer = PerRoute(patches, buffer_filter);
  const yaml::Node* most = buffer == nullptr ? nullptr : buffer->At("buffer.max_request_bytes");
  if (most != nullptr && HasFilter(patches, buffer_filter) &&
      request.body_bytes > most->AsInt().value_or(0)) {
    return Refusal{"body-too-large", 413};
  }
  return std::nullopt;
}

Patches PatchesFor(const Mesh& mesh, const Proxy& proxy, std::uint16_t port) {
  Patches patches;
  const std::string context = proxy.gateway ? "GATEWAY" : "SIDECAR_INBOUND";
  std::vector<const IstioObject*> objects = OfKind(mesh, proxy.cluster, "EnvoyFilter");
  std::stable_sort(objects.begin(), objects.end(), [](const IstioObject* a, const IstioObject* b) {
    return PriorityOf(*a) < PriorityOf(*b);
  });
  for (const IstioObject* object : objects) {
    if (object->ns != proxy.ns && object->ns != mesh.world.root_namespace) continue;
    const yaml::Node* labels = object->spec.At("workloadSelector.labels");
    const bool fits =
        labels == nullptr ||
        std::all_of(labels->entries.begin(), labels->entries.end(), [&](const auto& entry) {
          const auto at = proxy.labels.find(entry.key);
          return at != proxy.labels.end() && at->second == entry.value.text;
        });
    const yaml::Node* list = object->spec.Find("configPatches");
    if (!fits || list == nullptr) continue;
    for (const yaml::Node& patch : list->items) {
      const yaml::Node* match = patch.Find("match");
      const yaml::Node* value = patch.At("patch.value");
      if (match == nullptr || value == nullptr || match->StringOr("context", "") != context) {
        continue;
      }
      const std::string to = patch.StringOr("applyTo", "");
      if (to == "HTTP_FILTER") patches.filters.push_back(&patch);
      if (to == "VIRTUAL_HOST" && HoldsHost(mesh, proxy, port, *match)) {
        patches.hosts.push_back(value);
      }
      const yaml::Node* route = match->At("routeConfiguration.vhost.route.name");
      if (to == "HTTP_ROUTE" && route != nullptr && !proxy.route.empty() &&
          route->text == proxy.route) {
        patches.routes.push_back(value);
      }
    }
  }
  return patches;
}

std::optional<Refusal> AskLimits(const Mesh& mesh, const Proxy& proxy, const Patches& patches,
                                 bool first, const Request& request,
                                 const std::optional<engine::Identity>& peer) {
  for (const yaml::Node* patch : patches.filters) {
    const yaml::Node* operation = patch->At("patch.operation");
    if (operation == nullptr || (operation->text == "INSERT_FIRST") != first) continue;
    const yaml::Node* config = patch->At("patch.value.typed_config");
    if (config == nullptr) continue;
    const std::string type = TypeOf(*config);
    const std::string name = patch->At("patch.value")->StringOr("name", "");
    std::optional<Refusal> refusal;
    if (type == "RateLimit") {
      refusal = AskLimiter(mesh, proxy, patches, name, *config, request, peer);
    } else if (type == "LocalRateLimit") {
      refusal = AskBucket(mesh, name, *config, request);
    }
    if (refusal) return refusal;
  }
  return std::nullopt;
}

std::map<std::string, Provider> ProvidersOf(const Mesh& mesh, engine::ClusterId cluster) {
  std::map<std::string, Provider> providers;
  const auto config = mesh.config.find(mesh.world[cluster].name);
  if (config == mesh.config.end()) return providers;
  const yaml::Node* list = config->second.Find("extensionProviders");
  if (list == nullptr) return providers;
  for (const yaml::Node& one : list->items) {
    const std::string name = one.StringOr("name", "");
    const yaml::Node* definition = ProviderNamed(mesh, cluster, name);
    if (definition == nullptr) continue;
    const engine::AuthorizerId id = Behind(mesh, cluster, *definition);
    const yaml::Node* open = definition->Find("failOpen");
    providers[name] = {.usable = !id.IsNone(),
                       .tcp = one.Find("envoyExtAuthzGrpc") != nullptr,
                       .authorizer = id,
                       .open = open != nullptr && open->AsBool() == true};
  }
  return providers;
}

std::optional<Refusal> AskProvider(const Mesh& mesh, const Proxy& proxy, const Patches& patches,
                                   const std::string& name, const Request& request) {
  const yaml::Node* settings = PerRoute(patches, "envoy.filters.http.ext_authz");
  const yaml::Node* disabled = settings == nullptr ? nullptr : settings->Find("disabled");
  if (disabled != nullptr && disabled->AsBool() == true) return std::nullopt;
  const Refusal denied{"external-authorization", 403};
  // A provider that MeshConfig does not have fails closed.
  const yaml::Node* provider = ProviderNamed(mesh, proxy.cluster, name);
  if (provider == nullptr) return denied;
  const engine::AuthorizerId id = Behind(mesh, proxy.cluster, *provider);
  const auto at = request.answers.find(id);
  if (id.IsNone()) return denied;
  if (at == request.answers.end() || at->second == engine::Answer::kAllow) return std::nullopt;
  if (at->second == engine::Answer::kDeny) return denied;
  const yaml::Node* open = provider->Find("failOpen");
  if (open != nullptr && open->AsBool() == true) return std::nullopt;
  const std::string status = provider->StringOr("statusOnError", "403");
  return Refusal{"external-authorization", std::stoi(status)};
}

}  // namespace weft::emit::check
