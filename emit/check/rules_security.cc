// AuthorizationPolicy, PeerAuthentication, RequestAuthentication.
#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "emit/check/rules.h"
#include "emit/check/words.h"

namespace weft::emit::check {
namespace {

using yaml::Node;

void CheckTargetRef(const Node& ref, Report& report) {
  const std::string group = Text(ref, "group"), kind = Text(ref, "kind");
  if (!Text(ref, "namespace").empty()) {
    report.Broken(ref, "a target in another namespace is not possible",
                  "cross namespace referencing is not currently supported");
  }
  const bool known =
      ((group.empty() || group == "core") && kind == "Service") ||
      (group == "networking.istio.io" && kind == "ServiceEntry") ||
      (group == "gateway.networking.k8s.io" && (kind == "Gateway" || kind == "GatewayClass"));
  if (!known) {
    report.Broken(ref,
                  "a target is a Service, ServiceEntry, Gateway or GatewayClass, and this is `" +
                      group + "/" + kind + "`",
                  "targetRef must be to one of Service, ServiceEntry, Gateway, GatewayClass");
  }
}

void CheckTargets(const Node& spec, Report& report) {
  const int set = static_cast<int>(Has(spec, "selector")) +
                  static_cast<int>(Has(spec, "targetRef")) +
                  static_cast<int>(Has(spec, "targetRefs"));
  if (set > 1) {
    report.Broken(spec, "only one of `selector`, `targetRef` and `targetRefs` can be set",
                  "only one of targetRefs or selector can be set");
  }
  CheckSelector(spec, "selector", "matchLabels", report);
  if (Has(spec, "targetRef")) CheckTargetRef(*spec.Find("targetRef"), report);
  for (const Node& ref : Items(spec, "targetRefs")) CheckTargetRef(ref, report);
}

bool IsBlock(const std::string& text) {
  return text.find('/') == std::string::npos ? IsIp(text) : IsSubnet(text);
}

bool IsPort(const std::string& text) {
  return !text.empty() && text.size() < 10 &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; }) &&
         std::stol(text) <= 65535;
}

// A star at one end only, or alone.
bool HasOneStar(const std::string& text) {
  const auto stars = std::count(text.begin(), text.end(), '*');
  return stars == 0 || (stars == 1 && (text.front() == '*' || text.back() == '*'));
}

bool IsServiceAccount(const std::string& text) {
  const std::size_t slash = text.find('/');
  return text.find('*') == std::string::npos && slash != 0 && slash + 1 != text.size() &&
         std::count(text.begin(), text.end(), '/') < 2;
}

// Whole segments `{*}`, and one `{**}` behind them, in a path of plain characters.
bool IsPathTemplate(const std::string& path) {
  const bool templated =
      path.find("{*}") != std::string::npos || path.find("{**}") != std::string::npos;
  constexpr std::string_view kLiteral = "-._~%!$&'()+,;:@=";
  std::size_t begin = path.find_first_not_of('/');
  const std::size_t end = path.find_last_not_of('/') + 1;
  if (begin == std::string::npos) return true;
  bool rest = false;
  while (begin <= end) {
    const std::size_t slash = std::min(path.find('/', begin), end);
    const std::string part = path.substr(begin, slash - begin);
    begin = slash + 1;
    if (part == "{*}" || part == "{**}") {
      if (rest) return false;
      rest = part == "{**}";
      continue;
    }
    if (part.find_first_of("{}") != std::string::npos) return false;
    if (templated && (part.empty() || !std::all_of(part.begin(), part.end(), [&](unsigned char c) {
                        return std::isalnum(c) != 0 ||
                               kLiteral.find(static_cast<char>(c)) != kLiteral.npos;
                      }))) {
      return false;
    }
  }
  return true;
}

// Checks each value of a field and of its negation.
template <typename Fits>
void CheckValues(const Node& node, const std::string& field, Fits fits, const std::string& expected,
                 Report& report) {
  std::string negated = "not" + field;
  negated[3] = static_cast<char>(std::toupper(static_cast<unsigned char>(negated[3])));
  for (const std::string& name : {field, negated}) {
    for (const Node& value : Items(node, name)) {
      if (value.text.empty()) {
        report.Broken(value, "`" + name + "` has an empty value", "empty value not allowed");
      } else if (!fits(value.text)) {
        report.Broken(value, "`" + value.text + "` in `" + name + "` is no " + expected);
      }
    }
  }
}

bool Anything(const std::string&) { return true; }

void CheckSource(const Node& source, Report& report) {
  const bool accounts = Has(source, "serviceAccounts") || Has(source, "notServiceAccounts");
  const bool others = Has(source, "principals") || Has(source, "notPrincipals") ||
                      Has(source, "namespaces") || Has(source, "notNamespaces");
  if (accounts && others) {
    report.Broken(source, "`serviceAccounts` cannot stand beside `namespaces` or `principals`",
                  "Cannot set serviceAccounts with namespaces or principals");
  }
  for (const char* field : {"ipBlocks", "remoteIpBlocks"}) {
    CheckValues(source, field, IsBlock, "address or block", report);
  }
  for (const char* field : {"principals", "requestPrincipals", "namespaces"}) {
    CheckValues(source, field, Anything, "value", report);
  }
  CheckValues(source, "serviceAccounts", IsServiceAccount,
              "service account (`name` or "
              "`namespace/name`)",
              report);
  const auto domain = [](const std::string& text) {
    return HasOneStar(text) && text.find('/') == std::string::npos;
  };
  CheckValues(source, "trustDomains", domain, "trust domain with a star at one end at most",
              report);
}

void CheckOperation(const Node& operation, Report& report) {
  CheckValues(operation, "ports", IsPort, "port", report);
  CheckValues(operation, "paths", IsPathTemplate, "path or template", report);
  CheckValues(operation, "methods", Anything, "value", report);
  CheckValues(operation, "hosts", Anything, "value", report);
}

bool IsEmptyNode(const Node* node) {
  return node == nullptr || std::all_of(node->entries.begin(), node->entries.end(),
                                        [](const Node::Entry& e) { return e.value.items.empty(); });
}

// What a value of the key must be; nullptr when there is no such key.
using Test = bool (*)(const std::string&);
Test TestOf(const std::string& key) {
  for (const char* address : {"source.ip", "remote.ip", "destination.ip"}) {
    if (key == address) return IsBlock;
  }
  if (key == "destination.port") return IsPort;
  if (key == "source.serviceAccount") return IsServiceAccount;
  if (key == "source.trustDomain") return HasOneStar;
  for (const char* text : {"source.namespace", "source.principal", "request.auth.principal",
                           "request.auth.audiences", "request.auth.presenter", "connection.sni"}) {
    if (key == text) return Anything;
  }
  for (const char* prefix : {"request.headers", "request.auth.claims", "experimental."}) {
    if (key.starts_with(prefix)) return Anything;
  }
  return nullptr;
}

bool HasBrackets(const std::string& key) {
  const std::size_t open = key.find('[');
  return key.ends_with(']') && open != std::string::npos && open > 0 && open + 2 < key.size();
}

void CheckCondition(const Node& condition, Report& report) {
  const std::string key = Text(condition, "key");
  const Test test = TestOf(key);
  if (key.empty()) {
    report.Broken(condition, "`key` is empty", "`key` must not be empty");
    return;
  }
  if (Items(condition, "values").empty() && Items(condition, "notValues").empty()) {
    report.Broken(condition, "`" + key + "` has neither `values` nor `notValues`",
                  "at least one of `values` or `notValues` must be set");
    return;
  }
  if (test == nullptr) {
    report.Broken(*condition.Find("key"), "`" + key + "` is no attribute",
                  "unknown attribute: " + key);
    return;
  }
  const bool mapped = key.starts_with("request.headers") ||
                      key.starts_with("request.auth.claims") || key.starts_with("experimental.");
  if (mapped && !HasBrackets(key)) {
    report.Broken(*condition.Find("key"), "`" + key + "` needs a name in brackets, as in `a[b]`",
                  "bad key: should have format a[b]");
  }
  CheckValues(condition, "values", test, "value of `" + key + "`", report);
}

// An external authorizer is asked before tokens and identities are known.
void CheckCustomRule(const Node& rule, Report& report) {
  for (const Node& from : Items(rule, "from")) {
    const Node* source = from.Find("source");
    if (source == nullptr) continue;
    for (const Node::Entry& entry : source->entries) {
      const bool allowed = entry.key.ends_with("pBlocks");
      if (!allowed && !entry.value.items.empty()) {
        report.Broken(entry.value, "`" + entry.key + "` cannot be asked for in a CUSTOM policy",
                      "is currently not supported with CUSTOM action");
      }
    }
  }
  for (const Node& condition : Items(rule, "when")) {
    const std::string key = Text(condition, "key");
    if (key == "source.namespace" || key == "source.serviceAccount" ||
        key == "source.trustDomain" || key == "source.principal" ||
        key.starts_with("request.auth.")) {
      report.Broken(condition, "`" + key + "` cannot be asked for in a CUSTOM policy",
                    key + " is currently not supported with CUSTOM action");
    }
  }
}

void CheckRule(const Node& rule, Report& report) {
  for (const auto& [list, inner, check] : {std::tuple{"from", "source", &CheckSource},
                                           std::tuple{"to", "operation", &CheckOperation}}) {
    for (const Node& item : Items(rule, list)) {
      const Node* node = item.Find(inner);
      if (IsEmptyNode(node)) {
        const std::string name = std::string(list) + "." + inner;
        report.Broken(item, "`" + name + "` is empty", "`" + name + "` must not be empty");
      } else {
        check(*node, report);
      }
    }
  }
  for (const Node& condition : Items(rule, "when")) CheckCondition(condition, report);
}

void CheckJwks(const Node& jwks, Report& report) {
  if (jwks.text.empty()) return;
  const nlohmann::json keys = nlohmann::json::parse(jwks.text, nullptr, false);
  const bool fits =
      keys.is_object() && (keys.contains("keys") ? keys["keys"].is_array() : keys.contains("kty"));
  if (!fits) {
    report.Broken(jwks, "`jwks` is no set of keys in JSON", "jwks parse error");
  }
}

bool HasHttpScheme(const std::string& url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string::npos || url.find(' ') != std::string::npos) return false;
  std::string scheme = url.substr(0, colon);
  for (char& c : scheme) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return scheme == "http" || scheme == "https";
}

void CheckJwtRule(const Node& rule, Report& report) {
  int keys = 0;
  for (const char* field : {"jwksUri", "jwks_uri", "jwks"}) keys += Has(rule, field) ? 1 : 0;
  if (keys > 1) {
    report.Broken(rule, "only one of `jwks` and `jwksUri` can be set",
                  "only one of jwks or jwksUri can be set");
  }
  for (const char* field : {"jwksUri", "jwks_uri"}) {
    if (Has(rule, field) && !HasHttpScheme(Text(rule, field))) {
      report.Broken(*rule.Find(field), "`" + std::string(field) + "` is no URL of http or https",
                    "url must have scheme http:// or https://");
    }
  }
  if (Text(rule, "issuer").empty() && !Has(rule, "jwksUri") && !Has(rule, "jwks_uri")) {
    report.Broken(rule, "a rule needs an `issuer` or a `jwksUri`",
                  "issuer or jwksUri must be non-empty string");
  }
  if (Has(rule, "jwks")) CheckJwks(*rule.Find("jwks"), report);
  for (const Node& claim : Items(rule, "outputClaimToHeaders")) {
    const std::string header = Text(claim, "header");
    const bool fits = std::all_of(header.begin(), header.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
    if (!fits) {
      report.Broken(claim, "`" + header + "` is no name of a header",
                    "header in body should match '^[-_A-Za-z0-9]+$'");
    }
  }
}

}  // namespace

void CheckAuthorization(const IstioObject& object, Report& report) {
  const Node& spec = object.spec;
  const std::string action = spec.StringOr("action", "ALLOW");
  CheckTargets(spec, report);
  if ((action == "DENY" || action == "CUSTOM") && Items(spec, "rules").empty()) {
    report.Broken(spec, "`" + action + "` without rules never takes effect",
                  action + " action without `rules` is meaningless as it will never be triggered");
  } else if (action == "CUSTOM" &&
             (!Has(spec, "provider") || Text(*spec.Find("provider"), "name").empty())) {
    report.Broken(spec, "a CUSTOM policy needs a provider", "`provider.name` must not be empty");
  }
  if (Has(spec, "provider") && action != "CUSTOM") {
    report.Broken(*spec.Find("provider"), "only a CUSTOM policy has a provider",
                  "`provider` must not be with non CUSTOM action, found " + action);
  }
  for (const Node& rule : Items(spec, "rules")) {
    if (action == "CUSTOM") CheckCustomRule(rule, report);
    CheckRule(rule, report);
  }
}

void CheckAuthentication(const IstioObject& object, Report& report) {
  const Node& spec = object.spec;
  if (object.kind == "RequestAuthentication") {
    CheckTargets(spec, report);
    for (const Node& rule : Items(spec, "jwtRules")) CheckJwtRule(rule, report);
    return;
  }
  CheckSelector(spec, "selector", "matchLabels", report);
  const Node* labels = spec.At("selector.matchLabels");
  if (Has(spec, "portLevelMtls") && (labels == nullptr || labels->entries.empty())) {
    report.Broken(*spec.Find("portLevelMtls"),
                  "`portLevelMtls` is for chosen workloads and needs a selector",
                  "portLevelMtls requires selector");
  }
  for (const Node::Entry& port : Entries(spec, "portLevelMtls")) {
    const bool number =
        !port.key.empty() && std::all_of(port.key.begin(), port.key.end(),
                                         [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!number) {
      report.Broken(port.value, "`" + port.key + "` is no port",
                    "spec.portLevelMtls: type conversion error from 'string' to 'int'");
    } else if (!IsPort(port.key) || std::stol(port.key) == 0) {
      report.Broken(port.value, "`" + port.key + "` is no port",
                    "spec.portLevelMtls: port must be between 1-65535");
    }
  }
}

}  // namespace weft::emit::check
