#include "emit/check/schema.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "emit/codes.h"

namespace weft::emit::check {
namespace {

// The notation below: `a` a string, `a#` an integer, `a%` a number, `a?` a Boolean, `a~` a
// duration, `a*` anything, `a=X|Y` one of the words, `a<>` a map of strings, `a<{…}>` a map of
// objects, `a[]` a list of strings, `a[{…}]` a list of objects, `a{…}` an object. `!a` must be
// there.
constexpr std::string_view kStringMatch = "exact prefix regex";
constexpr std::string_view kTls =
    "mode=DISABLE|SIMPLE|MUTUAL|ISTIO_MUTUAL clientCertificate privateKey caCertificates "
    "credentialName subjectAltNames[] sni insecureSkipVerify? caCrl";
constexpr std::string_view kHttp =
    "maxRequestsPerConnection# http1MaxPendingRequests# http2MaxRequests# maxRetries# idleTimeout~ "
    "h2UpgradePolicy=DEFAULT|DO_NOT_UPGRADE|UPGRADE useClientProtocol? maxConcurrentStreams#";

std::string PolicyFields() {
  return std::string(
             "loadBalancer{simple=UNSPECIFIED|LEAST_CONN|RANDOM|PASSTHROUGH|ROUND_ROBIN|"
             "LEAST_REQUEST consistentHash{httpHeaderName httpCookie{!name path ttl~ "
             "attributes*} useSourceIp? httpQueryParameterName ringHash* maglev* "
             "minimumRingSize#} localityLbSetting{distribute[{from to<#>}] "
             "failover[{from to}] failoverPriority[] enabled?} warmup{duration~ "
             "minimumPercent% aggression%} warmupDurationSecs~} ") +
         "connectionPool{tcp{maxConnections# connectTimeout~ tcpKeepalive{probes# time~ interval~} "
         "maxConnectionDuration~ idleTimeout~} http{" +
         std::string(kHttp) +
         "}} outlierDetection{splitExternalLocalOriginErrors? consecutiveLocalOriginFailures# "
         "consecutiveGatewayErrors# consecutive5xxErrors# consecutiveErrors# interval~ "
         "baseEjectionTime~ maxEjectionPercent# minHealthPercent#} tls{" +
         std::string(kTls) + "} ";
}

std::string TrafficPolicy() {
  return PolicyFields() + "portLevelSettings[{port{!number#} " + PolicyFields() +
         "}] tunnel* proxyProtocol* retryBudget*";
}

std::string SchemaOf(std::string_view kind) {
  const std::string match(kStringMatch);
  const std::string destination = "destination{!host subset port{!number#}}";
  if (kind == "AuthorizationPolicy") {
    return "selector{matchLabels<>} targetRef* targetRefs* action=ALLOW|DENY|AUDIT|CUSTOM "
           "provider{name} rules[{from[{source{principals[] notPrincipals[] requestPrincipals[] "
           "notRequestPrincipals[] namespaces[] notNamespaces[] serviceAccounts[] "
           "notServiceAccounts[] trustDomains[] notTrustDomains[] ipBlocks[] notIpBlocks[] "
           "remoteIpBlocks[] notRemoteIpBlocks[]}}] to[{operation{hosts[] notHosts[] ports[] "
           "notPorts[] methods[] notMethods[] paths[] notPaths[]}}] when[{!key values[] "
           "notValues[]}]}]";
  }
  if (kind == "PeerAuthentication") {
    return "selector{matchLabels<>} mtls{mode=UNSET|DISABLE|PERMISSIVE|STRICT} "
           "portLevelMtls<{mode=UNSET|DISABLE|PERMISSIVE|STRICT}>";
  }
  if (kind == "RequestAuthentication") {
    return "selector{matchLabels<>} targetRef* targetRefs* jwtRules[{issuer audiences[] jwksUri "
           "jwks "
           "fromHeaders[{!name prefix}] fromParams[] fromCookies[] outputPayloadToHeader "
           "forwardOriginalToken? outputClaimToHeaders[{!header !claim}] spaceDelimitedClaims[] "
           "timeout~}]";
  }
  if (kind == "Gateway") {
    return "selector<> !servers[{!port{!number# !protocol !name targetPort#} bind !hosts[] "
           "tls{httpsRedirect? mode=PASSTHROUGH|SIMPLE|MUTUAL|AUTO_PASSTHROUGH|ISTIO_MUTUAL|"
           "OPTIONAL_MUTUAL serverCertificate privateKey caCertificates caCrl credentialName "
           "credentialNames[] caCertCredentialName tlsCertificates* subjectAltNames[] "
           "verifyCertificateSpki[] verifyCertificateHash[] minProtocolVersion=TLS_AUTO|TLSV1_0|"
           "TLSV1_1|TLSV1_2|TLSV1_3 maxProtocolVersion=TLS_AUTO|TLSV1_0|TLSV1_1|TLSV1_2|TLSV1_3 "
           "cipherSuites[]} defaultEndpoint name}]";
  }
  if (kind == "DestinationRule") {
    return "!host trafficPolicy{" + TrafficPolicy() + "} subsets[{!name labels<> trafficPolicy{" +
           TrafficPolicy() + "}}] exportTo[] workloadSelector{matchLabels<>}";
  }
  if (kind == "ServiceEntry") {
    return "!hosts[] addresses[] ports[{!number# protocol !name targetPort#}] "
           "location=MESH_EXTERNAL|MESH_INTERNAL resolution=NONE|STATIC|DNS|DNS_ROUND_ROBIN|"
           "DYNAMIC_DNS endpoints[{address ports<#> labels<> network locality weight# "
           "serviceAccount}] workloadSelector{labels<>} exportTo[] subjectAltNames[]";
  }
  if (kind == "WorkloadEntry") {
    return "address ports<#> labels<> network locality weight# serviceAccount";
  }
  if (kind == "Sidecar") {
    return "workloadSelector{labels<>} ingress* egress[{port* bind captureMode !hosts[]}] "
           "inboundConnectionPool* outboundTrafficPolicy{mode=REGISTRY_ONLY|ALLOW_ANY|"
           "ALLOW_ANY_DYNAMIC_DNS egressProxy*}";
  }
  if (kind == "VirtualService") {
    return "hosts[] gateways[] exportTo[] http[{name match[{name uri{" + match + "} scheme{" +
           match + "} method{" + match + "} authority{" + match + "} headers<{" + match +
           "}> port# sourceLabels<> gateways[] queryParams<{" + match +
           "}> ignoreUriCase? withoutHeaders<{" + match +
           "}> sourceNamespace statPrefix}] route[{!" + destination +
           " weight# headers*}] redirect{uri authority port# derivePort scheme redirectCode#} "
           "directResponse{!status# body{string bytes}} delegate{name namespace} rewrite{uri "
           "authority uriRegexRewrite{match rewrite}} timeout~ retries{attempts# perTryTimeout~ "
           "retryOn retryRemoteLocalities? retryIgnorePreviousHosts? backoff~} "
           "fault{delay{fixedDelay~ percentage{value%} percent#} abort{httpStatus# grpcStatus "
           "percentage{value%}}} mirror* mirrors[{" +
           destination + " percentage{value%}}] mirrorPercentage* corsPolicy{allowOrigins[{" +
           match +
           "}] allowOrigin[] allowMethods[] allowHeaders[] exposeHeaders[] maxAge~ "
           "allowCredentials? unmatchedPreflights} headers{request{set<> add<> remove[]} "
           "response{set<> add<> remove[]}}}] tls[{match[{!sniHosts[] destinationSubnets[] port# "
           "sourceLabels<> gateways[] sourceNamespace}] route[{!" +
           destination +
           " weight#}]}] tcp[{match[{destinationSubnets[] port# sourceLabels<> gateways[] "
           "sourceNamespace sourceSubnet}] route[{!" +
           destination + " weight#}]}]";
  }
  return "";
}

struct Field;
using Fields = std::map<std::string, Field, std::less<>>;
struct Field {
  char type = 's';  // s string, # int, % number, ? bool, ~ duration, * any, = enum, { object
  enum class Shape { kOne, kList, kMap } shape = Shape::kOne;
  bool required = false;
  std::vector<std::string> words;
  std::shared_ptr<Fields> fields;
};

class Notation {
 public:
  explicit Notation(std::string_view text) : text_(text) {}

  Fields ReadFields() {
    Fields fields;
    while (true) {
      while (Peek() == ' ') ++at_;
      if (Peek() == '\0' || Peek() == '}') return fields;
      bool required = false;
      if (Peek() == '!') {
        required = true;
        ++at_;
      }
      const std::string name = Word();
      Field field = ReadType();
      field.required = required;
      fields[name] = std::move(field);
    }
  }

 private:
  [[nodiscard]] char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  std::string Word() {
    const std::size_t begin = at_;
    while (std::isalnum(static_cast<unsigned char>(Peek())) != 0 || Peek() == '_') ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  Field ReadType() {
    Field field;
    switch (Peek()) {
      case '#':
      case '%':
      case '?':
      case '~':
      case '*':
        field.type = text_[at_++];
        break;
      case '=':
        field.type = '=';
        do {
          ++at_;
          field.words.push_back(Word());
        } while (Peek() == '|');
        break;
      case '{':
        field = ReadObject();
        break;
      case '[':
        ++at_;
        if (Peek() == '{') field = ReadObject();
        field.shape = Field::Shape::kList;
        ++at_;
        break;
      case '<':
        ++at_;
        if (Peek() == '{') {
          field = ReadObject();
        } else if (Peek() == '#') {
          field.type = text_[at_++];
        }
        field.shape = Field::Shape::kMap;
        ++at_;
        break;
      default:
        break;
    }
    return field;
  }
  Field ReadObject() {
    Field field;
    field.type = '{';
    ++at_;
    field.fields = std::make_shared<Fields>(ReadFields());
    ++at_;
    return field;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

const Fields* FieldsOf(std::string_view kind) {
  static const std::map<std::string, Fields, std::less<>> known = [] {
    std::map<std::string, Fields, std::less<>> all;
    for (const char* name :
         {"AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication", "Gateway",
          "DestinationRule", "ServiceEntry", "WorkloadEntry", "Sidecar", "VirtualService"}) {
      const std::string text = SchemaOf(name);
      all[name] = Notation(text).ReadFields();
    }
    return all;
  }();
  const auto at = known.find(kind);
  return at == known.end() ? nullptr : &at->second;
}

bool IsDuration(const std::string& text) {
  std::size_t i = 0;
  bool any = false;
  while (i < text.size()) {
    const std::size_t begin = i;
    while (i < text.size() &&
           (std::isdigit(static_cast<unsigned char>(text[i])) != 0 || text[i] == '.'))
      ++i;
    if (i == begin) return false;
    const std::size_t unit = i;
    while (i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])) != 0) ++i;
    const std::string name = text.substr(unit, i - unit);
    if (name != "h" && name != "m" && name != "s" && name != "ms" && name != "us" && name != "ns") {
      return false;
    }
    any = true;
  }
  return any;
}

class Checker {
 public:
  explicit Checker(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void Object(const yaml::Node& node, const Fields& fields, const std::string& where) {
    if (node.IsNull()) return;
    if (!node.IsMapping()) return Wrong(node, where, "an object");
    for (const yaml::Node::Entry& entry : node.entries) {
      const auto at = fields.find(entry.key);
      if (at != fields.end()) {
        Value(entry.value, at->second, where + "." + entry.key);
        continue;
      }
      std::vector<std::string> names;
      for (const auto& [name, field] : fields) names.push_back(name);
      Diagnostic& d = diagnostics_.Error(codes::kUnknownField, entry.key_span,
                                         "`" + where + "` has no field `" + entry.key + "`");
      const std::string near = NearestName(entry.key, names);
      if (!near.empty()) d.help = "did you mean `" + near + "`?";
    }
    for (const auto& [name, field] : fields) {
      const yaml::Node* value = node.Find(name);
      if (field.required && (value == nullptr || value->IsNull())) {
        diagnostics_.Error(codes::kMissingField, node.span,
                           "`" + where + "` lacks the field `" + name + "`");
      }
    }
  }

 private:
  void Wrong(const yaml::Node& node, const std::string& where, const std::string& expected) {
    diagnostics_.Error(codes::kBadField, node.span, "`" + where + "` must be " + expected);
  }

  void Value(const yaml::Node& node, const Field& field, const std::string& where) {
    if (node.IsNull() || field.type == '*') return;
    switch (field.shape) {
      case Field::Shape::kOne:
        One(node, field, where);
        return;
      case Field::Shape::kList:
        if (!node.IsSequence()) return Wrong(node, where, "a list");
        for (const yaml::Node& item : node.items) One(item, field, where);
        return;
      case Field::Shape::kMap:
        if (!node.IsMapping()) return Wrong(node, where, "a map");
        for (const yaml::Node::Entry& entry : node.entries) One(entry.value, field, where);
        return;
    }
  }

  void One(const yaml::Node& node, const Field& field, const std::string& where) {
    switch (field.type) {
      case '{':
        Object(node, *field.fields, where);
        return;
      case '#':
        if (!node.AsInt()) Wrong(node, where, "an integer");
        return;
      case '%':
        if (node.kind != yaml::Kind::kInt && node.kind != yaml::Kind::kFloat) {
          Wrong(node, where, "a number");
        }
        return;
      case '?':
        if (!node.AsBool()) Wrong(node, where, "`true` or `false`");
        return;
      case '~':
        if (!node.IsString() || !IsDuration(node.text)) Wrong(node, where, "a duration");
        return;
      case '=':
        if (!node.IsString() ||
            std::find(field.words.begin(), field.words.end(), node.text) == field.words.end()) {
          std::string words;
          for (const std::string& word : field.words) words += (words.empty() ? "" : ", ") + word;
          diagnostics_.Error(codes::kBadWord, node.span, "`" + where + "` must be one of " + words);
        }
        return;
      default:
        if (!node.IsString()) Wrong(node, where, "a string");
    }
  }

  Diagnostics& diagnostics_;
};

}  // namespace

bool CheckSpec(std::string_view kind, const yaml::Node& spec, Diagnostics& diagnostics) {
  const Fields* fields = FieldsOf(kind);
  if (fields == nullptr) return false;
  Checker(diagnostics).Object(spec, *fields, "spec");
  return true;
}

}  // namespace weft::emit::check
