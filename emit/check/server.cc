#include "emit/check/server.h"

#include <algorithm>

#include "emit/check/strings.h"
#include "engine/ip.h"

namespace weft::emit::check {
namespace {

using engine::Request;

// What the filters know of a request when RBAC runs.
struct Seen {
  const Request& request;
  std::optional<std::string> principal;                              // without spiffe://
  std::vector<std::pair<std::string, const engine::Token*>> tokens;  // (issuer, token), valid
  std::uint16_t port = 0;
  bool http = true;
};

std::vector<std::string> List(const yaml::Node& node, std::string_view field) {
  std::vector<std::string> values;
  if (const yaml::Node* list = node.Find(field)) {
    for (const yaml::Node& item : list->items) values.push_back(item.text);
  }
  return values;
}

template <typename Test>
bool Any(const std::vector<std::string>& values, Test test) {
  return std::any_of(values.begin(), values.end(), test);
}

// A field and its `not` twin: both are demands.
template <typename Test>
bool Field(const yaml::Node& node, const std::string& name, Test test) {
  const std::vector<std::string> wanted = List(node, name);
  if (!wanted.empty() && !Any(wanted, test)) return false;
  std::string twin = "not" + name;
  twin[3] = static_cast<char>(std::toupper(static_cast<unsigned char>(twin[3])));
  return !Any(List(node, twin), test);
}

bool InBlock(const std::string& block, const std::string& address) {
  const auto cidr = engine::Cidr::Parse(block);
  const auto ip = engine::Ip::Parse(address);
  return cidr && ip && cidr->Contains(*ip);
}

bool SourceFits(const yaml::Node& source, const Seen& seen) {
  const auto principal = [&](const std::string& value) {
    return seen.principal && (value == "*" || MatchesValue(value, *seen.principal));
  };
  const auto ns = [&](const std::string& value) {
    if (!seen.principal) return false;
    const std::size_t begin = seen.principal->find("/ns/");
    const std::size_t end = seen.principal->find("/sa/");
    return begin != std::string::npos && end != std::string::npos &&
           MatchesValue(value, seen.principal->substr(begin + 4, end - begin - 4));
  };
  // iss/sub; the subject of a token is not looked at by what weft writes.
  const auto request_principal = [&](const std::string& value) {
    return std::any_of(seen.tokens.begin(), seen.tokens.end(), [&](const auto& token) {
      return MatchesValue(value, token.first + "/somebody");
    });
  };
  const std::string& remote =
      seen.request.remote_ip.empty() ? seen.request.source_ip : seen.request.remote_ip;
  return Field(source, "principals", principal) && Field(source, "namespaces", ns) &&
         Field(source, "requestPrincipals", request_principal) &&
         Field(source, "ipBlocks",
               [&](const std::string& v) { return InBlock(v, seen.request.source_ip); }) &&
         Field(source, "remoteIpBlocks", [&](const std::string& v) { return InBlock(v, remote); });
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool OperationFits(const yaml::Node& operation, const Seen& seen, bool drop_http) {
  const auto port = [&](const std::string& v) { return v == std::to_string(seen.port); };
  if (!Field(operation, "ports", port)) return false;
  if (drop_http) return true;
  return Field(operation, "methods",
               [&](const std::string& v) { return MatchesValue(v, seen.request.method); }) &&
         Field(operation, "paths",
               [&](const std::string& v) { return MatchesPath(v, seen.request.path); }) &&
         Field(operation, "hosts", [&](const std::string& v) {
           return MatchesValue(Lower(v), Lower(seen.request.host));
         });
}

// Values of a `when` key: one for most, several for a list claim, none when absent.
std::vector<std::string> KeyValues(const std::string& key, const Seen& seen) {
  const auto inside = [&](const std::string& prefix) {
    return key.substr(prefix.size(), key.size() - prefix.size() - 1);
  };
  if (key.starts_with("request.headers[")) {
    const auto at = seen.request.headers.find(Lower(inside("request.headers[")));
    if (at == seen.request.headers.end()) return {};
    return {at->second};
  }
  if (key.starts_with("request.auth.claims[")) {
    std::string path;
    for (const char c : inside("request.auth.claims[")) {
      if (c == ']') continue;
      path += c == '[' ? '.' : c;
    }
    std::vector<std::string> values;
    for (const auto& [issuer, token] : seen.tokens) {
      const auto claim = token->claims.find(path);
      if (claim != token->claims.end()) {
        values.insert(values.end(), claim->second.begin(), claim->second.end());
      }
    }
    return values;
  }
  if (key == "source.principal" && seen.principal) return {*seen.principal};
  if (key == "connection.sni") return {seen.request.sni};
  return {};
}

bool IsHttpKey(const std::string& key) { return key.starts_with("request."); }

bool WhenFits(const yaml::Node& condition, const Seen& seen) {
  const std::vector<std::string> found = KeyValues(condition.StringOr("key", ""), seen);
  const auto holds = [&](const std::string& value) {
    return std::any_of(found.begin(), found.end(),
                       [&](const std::string& v) { return MatchesValue(value, v); });
  };
  const std::vector<std::string> wanted = List(condition, "values");
  return (wanted.empty() || Any(wanted, holds)) && !Any(List(condition, "notValues"), holds);
}

bool UsesHttp(const yaml::Node& rule) {
  const yaml::Node* to = rule.Find("to");
  if (to != nullptr) {
    for (const yaml::Node& item : to->items) {
      const yaml::Node* operation = item.Find("operation");
      for (const char* field :
           {"hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"}) {
        if (operation != nullptr && operation->Find(field) != nullptr) return true;
      }
    }
  }
  const yaml::Node* from = rule.Find("from");
  if (from != nullptr) {
    for (const yaml::Node& item : from->items) {
      const yaml::Node* source = item.Find("source");
      for (const char* field : {"requestPrincipals", "notRequestPrincipals"}) {
        if (source != nullptr && source->Find(field) != nullptr) return true;
      }
    }
  }
  const yaml::Node* when = rule.Find("when");
  return when != nullptr &&
         std::any_of(when->items.begin(), when->items.end(), [](const yaml::Node& condition) {
           return IsHttpKey(condition.StringOr("key", ""));
         });
}

// On a connection that is not HTTP an ALLOW rule with HTTP fields is dropped, and a DENY rule loses
// those fields (pilot/pkg/security/authz/builder buildTCP).
bool RuleFits(const yaml::Node& rule, const Seen& seen, bool deny) {
  const bool drop = !seen.http && UsesHttp(rule);
  if (drop && !deny) return false;
  const auto any_item = [&](const char* list, const char* field, auto test) {
    const yaml::Node* items = rule.Find(list);
    if (items == nullptr || items->items.empty()) return true;
    return std::any_of(items->items.begin(), items->items.end(), [&](const yaml::Node& item) {
      const yaml::Node* inner = item.Find(field);
      return inner != nullptr && test(*inner);
    });
  };
  if (!any_item("from", "source", [&](const yaml::Node& n) { return SourceFits(n, seen); })) {
    return false;
  }
  if (!any_item("to", "operation",
                [&](const yaml::Node& n) { return OperationFits(n, seen, drop); })) {
    return false;
  }
  const yaml::Node* when = rule.Find("when");
  if (when == nullptr) return true;
  return std::all_of(when->items.begin(), when->items.end(), [&](const yaml::Node& condition) {
    if (drop && IsHttpKey(condition.StringOr("key", ""))) return true;
    return WhenFits(condition, seen);
  });
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

std::optional<Refusal> CheckRules(const Mesh& mesh, const Proxy& proxy, const Seen& seen) {
  const int status = seen.http ? 403 : 0;
  bool closed = false;
  bool allowed = false;
  for (const IstioObject* object : OfKind(mesh, proxy.cluster, "AuthorizationPolicy")) {
    if (object->dry_run || !Applies(mesh, *object, proxy)) continue;
    const std::string action = object->spec.StringOr("action", "ALLOW");
    const yaml::Node* rules = object->spec.Find("rules");
    const bool deny = action == "DENY";
    if (action == "ALLOW") closed = true;
    if (rules == nullptr) continue;
    const bool fits = std::any_of(rules->items.begin(), rules->items.end(),
                                  [&](const yaml::Node& r) { return RuleFits(r, seen, deny); });
    if (fits && deny) return Refusal{"denied", status};
    if (fits && action == "ALLOW") allowed = true;
  }
  if (closed && !allowed) return Refusal{"not-allowed", status};
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
  Seen seen{.request = request, .principal = {}, .tokens = {}, .port = port};
  seen.http = request.layer == engine::Layer::kHttp;
  if (peer) seen.principal = peer->trust_domain + "/ns/" + peer->ns + "/sa/" + peer->account;
  if (seen.http) {
    const std::vector<std::string> issuers = Issuers(mesh, proxy);
    bool invalid = false;
    for (const engine::Token& token : request.tokens) {
      const std::string& issuer = mesh.world[token.provider].issuer;
      if (std::find(issuers.begin(), issuers.end(), issuer) == issuers.end()) continue;
      if (token.valid) {
        seen.tokens.emplace_back(issuer, &token);
      } else {
        invalid = true;
      }
    }
    if (invalid && seen.tokens.empty()) return Refusal{"authentication", 401};
  }
  return CheckRules(mesh, proxy, seen);
}

}  // namespace weft::emit::check
