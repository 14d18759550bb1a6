#include "emit/check/server.h"

#include <algorithm>

#include "emit/check/authorization.h"
#include "emit/check/filters.h"
#include "emit/check/tokens.h"

namespace weft::emit::check {
namespace {

using engine::Request;

// The payload that a valid token leaves for the filters behind. Claims of a request are known by
// their joined path; a dot behind a backslash is one of the name.
nlohmann::json PayloadOf(const engine::Token& token, const std::string& issuer) {
  nlohmann::json payload = nlohmann::json::object();
  for (const auto& [path, values] : token.claims) {
    nlohmann::json value = values;
    if (values.size() == 1) value = values.front();
    nlohmann::json* at = &payload;
    std::string step;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i] == '\\' && i + 1 < path.size() && path[i + 1] == '.') {
        step += path[++i];
      } else if (path[i] == '.') {
        at = &(*at)[step];
        if (!at->is_object()) *at = nlohmann::json::object();
        step.clear();
      } else {
        step += path[i];
      }
    }
    (*at)[step] = value;
  }
  payload["iss"] = issuer;
  if (!payload.contains("sub")) payload["sub"] = "somebody";
  return payload;
}

bool Applies(const Mesh& mesh, const IstioObject& object, const Proxy& proxy) {
  if (object.ns != proxy.ns && object.ns != mesh.world.root_namespace) return false;
  return SelectorFits(object, proxy.labels);
}

// STRICT, PERMISSIVE or DISABLE: the narrowest object that says something.
std::string MtlsMode(const Mesh& mesh, const Proxy& proxy, std::uint16_t port) {
  std::string mesh_wide, ns_wide, own;
  for (const IstioObject* object : OfKind(mesh, proxy.cluster, "PeerAuthentication")) {
    const bool selects = object->spec.Find("selector") != nullptr;
    const yaml::Node* mtls = object->spec.Find("mtls");
    const std::string mode = mtls == nullptr ? "" : mtls->StringOr("mode", "");
    if (!selects && object->ns == mesh.world.root_namespace) mesh_wide = mode;
    if (object->ns != proxy.ns) continue;
    if (!selects) {
      ns_wide = mode;
    } else if (SelectorFits(*object, proxy.labels)) {
      own = mode;
      const yaml::Node* ports = object->spec.Find("portLevelMtls");
      const yaml::Node* level = ports == nullptr ? nullptr : ports->Find(std::to_string(port));
      if (level != nullptr) return level->StringOr("mode", mode);
    }
  }
  for (const std::string& mode : {own, ns_wide, mesh_wide}) {
    if (!mode.empty() && mode != "UNSET") return mode;
  }
  return "PERMISSIVE";
}

// Issuers the workload's RequestAuthentications trust.
std::vector<std::string> Issuers(const Mesh& mesh, const Proxy& proxy) {
  std::vector<std::string> issuers;
  for (const IstioObject* object : OfKind(mesh, proxy.cluster, "RequestAuthentication")) {
    if (!Applies(mesh, *object, proxy)) continue;
    const yaml::Node* rules = object->spec.Find("jwtRules");
    if (rules == nullptr) continue;
    for (const yaml::Node& rule : rules->items) issuers.push_back(rule.StringOr("issuer", ""));
  }
  return issuers;
}

// Those of the proxy that ask an authorizer (CUSTOM), or all the others.
std::vector<const IstioObject*> Policies(const Mesh& mesh, const Proxy& proxy, bool custom) {
  std::vector<const IstioObject*> policies;
  for (const IstioObject* object : OfKind(mesh, proxy.cluster, "AuthorizationPolicy")) {
    const bool asks = object->spec.StringOr("action", "ALLOW") == "CUSTOM";
    if (asks == custom && Applies(mesh, *object, proxy)) policies.push_back(object);
  }
  return policies;
}

std::optional<Refusal> CheckRules(const Mesh& mesh, const Proxy& proxy, const Call& call) {
  const int status = call.http ? 403 : 0;
  const AuthorizationContext context{.trust_domains = {mesh.world[proxy.cluster].trust_domain},
                                     .providers = {}};
  switch (Authorize(Policies(mesh, proxy, false), call, context).kind) {
    case Verdict::Kind::kAllowed:
      return std::nullopt;
    case Verdict::Kind::kDenied:
      return Refusal{"denied", status};
    case Verdict::Kind::kNotAllowed:
      return Refusal{"not-allowed", status};
  }
  return std::nullopt;
}

// CUSTOM policies ask their provider about the requests their rules fit, before tokens are known.
// Where the provider cannot be asked, they refuse.
std::optional<Refusal> AskCustom(const Mesh& mesh, const Proxy& proxy, const Patches& patches,
                                 const Call& call, const Request& request) {
  const AuthorizationContext context{.trust_domains = {mesh.world[proxy.cluster].trust_domain},
                                     .providers = ProvidersOf(mesh, proxy.cluster)};
  const Verdict verdict = Authorize(Policies(mesh, proxy, true), call, context);
  if (verdict.kind != Verdict::Kind::kAllowed) return Refusal{"external-authorization", 403};
  for (const std::string& name : verdict.asked) {
    if (auto refusal = AskProvider(mesh, proxy, patches, name, request)) return refusal;
  }
  return std::nullopt;
}

}  // namespace

std::vector<const IstioObject*> OfKind(const Mesh& mesh, engine::ClusterId cluster,
                                       std::string_view kind) {
  std::vector<const IstioObject*> found;
  const auto at = mesh.objects.find(mesh.world[cluster].name);
  if (at == mesh.objects.end()) return found;
  for (const IstioObject& object : at->second) {
    if (object.kind == kind) found.push_back(&object);
  }
  return found;
}

bool SelectorFits(const IstioObject& object, const engine::Labels& labels) {
  const yaml::Node* wanted = object.spec.At("selector.matchLabels");
  if (wanted == nullptr) return true;
  return std::all_of(wanted->entries.begin(), wanted->entries.end(), [&](const auto& entry) {
    const auto at = labels.find(entry.key);
    return at != labels.end() && at->second == entry.value.text;
  });
}

std::optional<Refusal> AskProxy(const Mesh& mesh, const Proxy& proxy, const Request& request,
                                std::optional<engine::Identity> peer, std::uint16_t port) {
  if (!proxy.gateway) {
    const std::string mode = MtlsMode(mesh, proxy, port);
    if (mode == "STRICT" && !peer) return Refusal{"mtls", 0};
    if (mode == "DISABLE") peer.reset();
  }
  Call call{.http = request.layer == engine::Layer::kHttp,
            .peer = peer ? peer->Uri() : "",
            .source_ip = request.source_ip,
            .remote_ip = request.remote_ip.empty() ? request.source_ip : request.remote_ip,
            .destination_ip = "",
            .port = port,
            .sni = request.sni,
            .host = request.host,
            .method = request.method,
            .path = request.path,
            .headers = request.headers,
            .tokens = {},
            .metadata = {}};
  const Patches patches = call.http ? PatchesFor(mesh, proxy, port) : Patches{};
  // What filters of one place say, token filters in front of those that count or behind them.
  const auto ask = [&](bool first) -> std::optional<Refusal> {
    const bool tokens_before = TokensBeforeLimits(patches, first);
    if (tokens_before) {
      if (auto refusal = AskTokens(mesh, patches, first, request)) return refusal;
    }
    if (auto refusal = AskLimits(mesh, proxy, patches, first, request, peer)) return refusal;
    if (tokens_before) return std::nullopt;
    return AskTokens(mesh, patches, first, request);
  };
  if (auto refusal = ask(true)) return refusal;
  if (auto refusal = AskCustom(mesh, proxy, patches, call, request)) return refusal;
  if (call.http) {
    const std::vector<std::string> issuers = Issuers(mesh, proxy);
    bool invalid = false;
    for (const engine::Token& token : request.tokens) {
      const std::string& issuer = mesh.world[token.provider].issuer;
      if (std::find(issuers.begin(), issuers.end(), issuer) == issuers.end()) continue;
      if (token.valid) {
        call.tokens.push_back(PayloadOf(token, issuer));
      } else {
        invalid = true;
      }
    }
    if (invalid && call.tokens.empty()) return Refusal{"authentication", 401};
  }
  if (auto refusal = CheckRules(mesh, proxy, call)) return refusal;
  if (auto refusal = ask(false)) return refusal;
  return AskContent(patches, request);
}

}  // namespace weft::emit::check
