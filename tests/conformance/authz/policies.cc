#include "tests/conformance/authz/policies.h"

#include <nlohmann/json.hpp>
#include <vector>

namespace weft::conformance {
namespace {

using nlohmann::json;
using Random = std::mt19937_64;
using Values = std::vector<std::string>;

std::size_t Below(std::size_t bound, Random& random) { return random() % bound; }

struct FieldValues {
  const char* field;
  const char* not_field;
  Values values;
};

const std::vector<FieldValues>& SourceFields() {
  static const std::vector<FieldValues> fields = {
      {"principals",
       "notPrincipals",
       {"*", "td1/ns/foo/sa/a", "cluster.local/ns/foo/sa/a", "old-td/ns/bar/sa/b", "*/ns/foo/sa/a",
        "*td/ns/foo/sa/a", "td1/ns/foo/*", "*/sa/a", "*.a+b", "other/ns/foo/sa/a", "sa/x",
        "td*/ns/foo/sa/a"}},
      {"requestPrincipals",
       "notRequestPrincipals",
       {"*", "https://id.example/me", "https://id.example/*", "*/me", "https://id.example/m*",
        "*.example/me", "id*", "*me", "plain", "*/"}},
      {"namespaces", "notNamespaces", {"foo", "fo*", "*oo", "*", "b.r", "f*o"}},
      {"serviceAccounts", "notServiceAccounts", {"a", "foo/a", "bar/b", "b.c"}},
      {"trustDomains", "notTrustDomains", {"td1", "old-td", "*", "td*", "*-td", "cluster.local"}},
      {"ipBlocks",
       "notIpBlocks",
       {"10.0.0.0/8", "10.0.0.1", "192.168.1.0/24", "2001:db8::/32", "0.0.0.0/0", "broken"}},
      {"remoteIpBlocks", "notRemoteIpBlocks", {"172.16.0.0/12", "203.0.113.7", "::1", "::/0"}}};
  return fields;
}

const std::vector<FieldValues>& OperationFields() {
  static const std::vector<FieldValues> fields = {
      {"hosts", "notHosts", {"*", "a.com", "*.a.com", "A.com:*", "a.*", "b.com:8080"}},
      {"methods", "notMethods", {"GET", "*", "P*", "*ST"}},
      {"paths",
       "notPaths",
       {"*", "/", "/api", "/api/*", "*/info", "/v/{*}/x", "/{**}", "/v/{**}/end", "/a?b", "/{*}"}},
      {"ports", "notPorts", {"80", "8080", "0", "65535", "0080", "70000"}}};
  return fields;
}

const std::vector<FieldValues>& Keys() {
  static const Values words = {"v", "v*", "*v", "*"};
  static const std::vector<FieldValues> keys = {
      {"request.headers[X-Token]", "", words},
      {"request.headers[:method]", "", {"GET", "*"}},
      {"request.headers[broken", "", words},
      {"request.auth.claims[role]", "", words},
      {"request.auth.claims[realm][roles]", "", words},
      {"request.auth.claims[https://x.example/[odd]", "", words},
      {"request.auth.audiences", "", words},
      {"request.auth.presenter", "", words},
      {"request.auth.principal", "", {"https://id.example/me", "*"}},
      {"source.ip", "", {"10.1.0.0/16", "10.0.0.1"}},
      {"remote.ip", "", {"172.16.0.0/12", "172.16.10.10"}},
      {"destination.ip", "", {"10.0.0.0/8", "2001:db8::1"}},
      {"destination.port", "", {"8080", "9000", "x"}},
      {"source.namespace", "", {"foo", "*r"}},
      {"source.principal", "", {"td1/ns/foo/sa/a", "*"}},
      {"source.serviceAccount", "", {"a", "bar/b"}},
      {"source.trustDomain", "", {"td1", "*-td"}},
      {"connection.sni", "", {"a.com", "*.a.com", "*"}},
      {"experimental.envoy.filters.http.x[k]", "", {"v", "[v]", "[v*]", "*"}},
      {"experimental.envoy.filters.nokey", "", words},
      {"no.such.key", "", words}};
  return keys;
}

json Some(const Values& values, Random& random) {
  json list = json::array();
  for (std::size_t i = 1 + Below(3, random); i > 0; --i) {
    list.push_back(values[Below(values.size(), random)]);
  }
  return list;
}

json Fields(const std::vector<FieldValues>& fields, Random& random) {
  json node = json::object();
  for (std::size_t i = 1 + Below(2, random); i > 0; --i) {
    const FieldValues& field = fields[Below(fields.size(), random)];
    node[Below(3, random) == 0 ? field.not_field : field.field] = Some(field.values, random);
  }
  return node;
}

json RandomRule(Random& random) {
  json rule = json::object();
  if (Below(2, random) == 0) {
    for (std::size_t i = 1 + Below(2, random); i > 0; --i) {
      rule["from"].push_back({{"source", Fields(SourceFields(), random)}});
    }
  }
  if (Below(2, random) == 0) {
    for (std::size_t i = 1 + Below(2, random); i > 0; --i) {
      rule["to"].push_back({{"operation", Fields(OperationFields(), random)}});
    }
  }
  for (std::size_t i = Below(3, random); i > 1; --i) {
    const FieldValues& key = Keys()[Below(Keys().size(), random)];
    json condition = {{"key", key.field}};
    const std::size_t which = Below(4, random);
    if (which != 0) condition["values"] = Some(key.values, random);
    if (which < 2) condition["notValues"] = Some(key.values, random);
    rule["when"].push_back(condition);
  }
  return rule;
}

json RandomPolicy(std::size_t number, Random& random) {
  static const Values actions = {"ALLOW", "ALLOW", "DENY", "DENY", "AUDIT", "CUSTOM"};
  static const Values providers = {"grpc", "grpc", "http", "http", "broken", "nowhere"};
  static const Values dry = {"true", "false", "1", "TRUE", "yes"};
  json policy = {{"apiVersion", "security.istio.io/v1"}, {"kind", "AuthorizationPolicy"}};
  policy["metadata"] = {{"name", "p" + std::to_string(number)}, {"namespace", "foo"}};
  if (Below(4, random) == 0) {
    policy["metadata"]["annotations"]["istio.io/dry-run"] = dry[Below(dry.size(), random)];
  }
  const std::string action = actions[Below(actions.size(), random)];
  policy["spec"]["action"] = action;
  if (action == "CUSTOM") {
    policy["spec"]["provider"]["name"] = providers[Below(providers.size(), random)];
  }
  for (std::size_t i = Below(4, random); i > 0; --i) {
    policy["spec"]["rules"].push_back(RandomRule(random));
  }
  return policy;
}

json Settings(Random& random) {
  json settings = {{"filter", Below(3, random) == 0 ? "tcp" : "http"}};
  if (Below(2, random) == 0) settings["trustDomain"] = "td1";
  if (settings.contains("trustDomain") && Below(2, random) == 0) {
    settings["trustDomainAliases"] = {"old-td", "cluster.local"};
  }
  settings["services"] = {{{"namespace", "foo"}, {"host", "authz.foo.svc.cluster.local"}}};
  const auto provider = [](const char* name, const char* type, const char* service) {
    return json{{"name", name}, {type, {{"service", service}, {"port", 9000}}}};
  };
  settings["mesh"]["extensionProviders"] = {
      provider("grpc", "envoyExtAuthzGrpc", "foo/authz.foo.svc.cluster.local"),
      provider("http", "envoyExtAuthzHttp", "foo/authz.foo.svc.cluster.local"),
      provider("broken", "envoyExtAuthzHttp", "foo/absent.foo.svc.cluster.local")};
  return settings;
}

}  // namespace

std::string RandomCase(Random& random) {
  // JSON is YAML.
  std::string text = Settings(random).dump(2) + "\n";
  const std::size_t policies = 1 + Below(4, random);
  for (std::size_t i = 0; i < policies; ++i) {
    text += "---\n" + RandomPolicy(i, random).dump(2) + "\n";
  }
  return text;
}

}  // namespace weft::conformance
