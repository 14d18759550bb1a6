// The fields of the Istio kinds weft emits, in the notation of fields.h.
#include <initializer_list>

#include "emit/check/fields.h"

namespace weft::emit::check {
namespace {

using Text = std::string;

Text Join(std::initializer_list<std::string_view> parts) {
  Text text;
  for (const std::string_view part : parts) text += part;
  return text;
}

constexpr std::string_view kSelector = "selector{matchLabels<(..63)>(..4096)} ";
constexpr std::string_view kTargetRef = "{group(..253) !kind(1..63) !name(1..253) namespace}";
constexpr std::string_view kMatch = "{exact prefix regex ^exact|prefix|regex}";
constexpr std::string_view kDestination = "{!host subset port{number#}}";
constexpr std::string_view kHeaders =
    "headers{request{set<> add<> remove[]} response{set<> add<> remove[]}} ";
constexpr std::string_view kPercentage = "percentage{value%} ";

constexpr std::string_view kConnectionPool =
    "{tcp{maxConnections#- connectTimeout~ tcpKeepalive{probes# time~ interval~} "
    "maxConnectionDuration~ idleTimeout~0} http{maxRequestsPerConnection#- "
    "http1MaxPendingRequests#- http2MaxRequests#- maxRetries#- idleTimeout~ "
    "h2UpgradePolicy=DEFAULT|DO_NOT_UPGRADE|UPGRADE useClientProtocol? maxConcurrentStreams#- "
    "http2KeepAlive{interval~ timeout~}}} ";

constexpr std::string_view kLocalities = "failover[{from to}] failoverPriority[] enabled? ";

constexpr std::string_view kServerTls =
    "{httpsRedirect? mode=PASSTHROUGH|SIMPLE|MUTUAL|AUTO_PASSTHROUGH|ISTIO_MUTUAL|OPTIONAL_MUTUAL "
    "serverCertificate privateKey caCertificates caCrl credentialName credentialNames[](1..2) "
    "caCertCredentialName insecureSkipVerify? tlsCertificates[{serverCertificate privateKey "
    "caCertificates}](1..2) subjectAltNames[] verifyCertificateSpki[] verifyCertificateHash[] "
    "minProtocolVersion=TLS_AUTO|TLSV1_0|TLSV1_1|TLSV1_2|TLSV1_3 "
    "maxProtocolVersion=TLS_AUTO|TLSV1_0|TLSV1_1|TLSV1_2|TLSV1_3 cipherSuites[] "
    "^credentialNames|tlsCertificates ^credentialName|credentialNames}";

Text Targets() {
  return Join({kSelector, "targetRef", kTargetRef, " targetRefs[", kTargetRef, "](..16) "});
}

// What a port and a whole host can both have.
Text SharedPolicy() {
  return Join(
      {"loadBalancer{simple=UNSPECIFIED|LEAST_CONN|RANDOM|PASSTHROUGH|ROUND_ROBIN|LEAST_REQUEST "
       "consistentHash{httpHeaderName httpCookie{!name path ttl~0 attributes[{!name value}]} "
       "useSourceIp? httpQueryParameterName ringHash{minimumRingSize#(..9e18)} "
       "maglev{tableSize#(..9e18)} "
       "minimumRingSize#(..9e18) ^httpHeaderName|httpCookie|useSourceIp|httpQueryParameterName "
       "^ringHash|maglev} localityLbSetting{distribute[{from to<#>}] ",
       kLocalities, "} zoneAwareLbSetting{", kLocalities,
       "minClusterSize#(1..)} warmup{!duration~ minimumPercent%(0..100) aggression%(0..)} "
       "warmupDurationSecs~ ^simple|consistentHash} connectionPool",
       kConnectionPool,
       "outlierDetection{splitExternalLocalOriginErrors? consecutiveLocalOriginFailures# "
       "consecutiveGatewayErrors# consecutive5xxErrors# consecutiveErrors#- interval~ "
       "baseEjectionTime~ maxEjectionPercent#- minHealthPercent#- "
       "outlierDetectionHttpErrorCodes[#(100..599)]} tls{mode=DISABLE|SIMPLE|MUTUAL|ISTIO_MUTUAL "
       "clientCertificate privateKey caCertificates credentialName subjectAltNames[] sni "
       "insecureSkipVerify? caCrl} "});
}

Text TrafficPolicy() {
  return Join({"trafficPolicy{", SharedPolicy(), "portLevelSettings[{port{number#} ",
               SharedPolicy(),
               "}](..4096) tunnel{protocol !targetHost !targetPort#} proxyProtocol{version=V1|V2} "
               "retryBudget{percent%(0..100) minRetryConcurrency# budgetInterval~0}} "});
}

Text AuthorizationPolicy() {
  return Join(
      {Targets(),
       "action=ALLOW|DENY|AUDIT|CUSTOM provider{name} rules[{from[{source{principals[] "
       "notPrincipals[] requestPrincipals[] notRequestPrincipals[] namespaces[] notNamespaces[] "
       "serviceAccounts[(..320)](..16) notServiceAccounts[(..320)](..16) trustDomains[] "
       "notTrustDomains[] ipBlocks[] notIpBlocks[] remoteIpBlocks[] notRemoteIpBlocks[]}}](..512) "
       "to[{operation{hosts[] notHosts[] ports[] notPorts[] methods[] notMethods[] paths[] "
       "notPaths[]}}] when[{!key values[] notValues[]}]}](..512)"});
}

Text PeerAuthentication() {
  constexpr std::string_view mode = "mode=UNSET|DISABLE|PERMISSIVE|STRICT";
  return Join({kSelector, "mtls{", mode, "} portLevelMtls<{", mode, "}>(1..)"});
}

Text RequestAuthentication() {
  return Join({Targets(),
               "jwtRules[{issuer(1..) audiences[(1..)] jwksUri(1..2048) jwks_uri(1..2048) jwks "
               "fromHeaders[{!name(1..) prefix}] fromParams[(1..)] fromCookies[(1..)] "
               "outputPayloadToHeader forwardOriginalToken? outputClaimToHeaders[{!header(1..) "
               "!claim(1..)}] spaceDelimitedClaims[(1..)](..64) timeout~}](..4096)"});
}

Text Gateway() {
  return Join({"selector<> servers[{!port{!number# !protocol !name targetPort#} bind !hosts[] tls",
               kServerTls, " defaultEndpoint name}]"});
}

Text DestinationRule() {
  return Join({"!host exportTo[] workloadSelector{matchLabels<(..63)>(..4096)} ", TrafficPolicy(),
               "subsets[{!name labels<> ", TrafficPolicy(), "}]"});
}

Text WorkloadEntry() {
  return "address(..256) ports<@>(..128) labels<>(..256) network(..2048) locality(..2048) weight# "
         "serviceAccount(..253)";
}

Text ServiceEntry() {
  return Join(
      {"!hosts[](1..256) addresses[(..64)](..256) ports[{!number@ protocol(..256) !name(..256) "
       "targetPort@}](..256) location=MESH_EXTERNAL|MESH_INTERNAL "
       "resolution=NONE|STATIC|DNS|DNS_ROUND_ROBIN|DYNAMIC_DNS endpoints[{",
       WorkloadEntry(),
       "}](..4096) workloadSelector{labels<(..63)>(..256)} exportTo[] subjectAltNames[]"});
}

Text Sidecar() {
  constexpr std::string_view port = "port{number# protocol name targetPort#} ";
  constexpr std::string_view mode = "captureMode=DEFAULT|IPTABLES|NONE ";
  return Join({"workloadSelector{labels<(..63)>(..256)} ingress[{!", port, "bind ", mode,
               "defaultEndpoint tls", kServerTls, " connectionPool", kConnectionPool, "}] egress[{",
               port, "bind ", mode, "!hosts[]}] inboundConnectionPool", kConnectionPool,
               "outboundTrafficPolicy{mode=REGISTRY_ONLY|ALLOW_ANY egressProxy", kDestination,
               "}"});
}

Text HttpRoute() {
  return Join(
      {"name match[{name uri",
       kMatch,
       " scheme",
       kMatch,
       " method",
       kMatch,
       " authority",
       kMatch,
       " headers<",
       kMatch,
       "> port# sourceLabels<> gateways[] queryParams<",
       kMatch,
       "> ignoreUriCase? withoutHeaders<",
       kMatch,
       "> sourceNamespace statPrefix}] ",
       "route[{!destination",
       kDestination,
       " weight#- ",
       kHeaders,
       "}] redirect{uri authority port# derivePort=FROM_PROTOCOL_DEFAULT|FROM_REQUEST_PORT scheme "
       "redirectCode# prefixRewrite ^port|derivePort} directResponse{!status# body{string bytes "
       "^string|bytes}} delegate{name namespace} rewrite{uri authority uriRegexRewrite{match "
       "rewrite}} timeout~ retries{attempts#- perTryTimeout~ retryOn retryRemoteLocalities? "
       "retryIgnorePreviousHosts? backoff~} fault{delay{fixedDelay~ exponentialDelay~ percent#- ",
       kPercentage,
       "^fixedDelay|exponentialDelay} abort{httpStatus#- grpcStatus http2Error ",
       kPercentage,
       "^httpStatus|grpcStatus|http2Error}} mirror",
       kDestination,
       " mirrors[{!destination",
       kDestination,
       " ",
       kPercentage,
       "}] mirrorPercent# mirror_percent# mirrorPercentage{value%} corsPolicy{allowOrigins[",
       kMatch,
       "] allowOrigin[] allowMethods[] allowHeaders[] exposeHeaders[] maxAge~ allowCredentials? "
       "unmatchedPreflights=UNSPECIFIED|FORWARD|IGNORE} ",
       kHeaders});
}

Text VirtualService() {
  constexpr std::string_view l4 =
      "destinationSubnets[] port# sourceLabels<> gateways[] sourceNamespace ";
  const Text route = Join({"route[{!destination", kDestination, " weight#-}]"});
  return Join({"hosts[] gateways[] exportTo[] http[{", HttpRoute(), "}] tls[{!match[{!sniHosts[] ",
               l4, "}] ", route, "}] tcp[{match[{sourceSubnet ", l4, "}] ", route, "}]"});
}

Text EnvoyFilter() {
  constexpr std::string_view filter = "filter{name subFilter{name}} ";
  return Join(
      {"workloadSelector{labels<(..63)>(..256)} targetRefs[", kTargetRef,
       "](..16) ^workloadSelector|targetRefs priority#- "
       "configPatches[{applyTo=INVALID|LISTENER|FILTER_CHAIN|NETWORK_FILTER|HTTP_FILTER|"
       "ROUTE_CONFIGURATION|VIRTUAL_HOST|HTTP_ROUTE|CLUSTER|EXTENSION_CONFIG|BOOTSTRAP|"
       "LISTENER_FILTER match{context=ANY|SIDECAR_INBOUND|SIDECAR_OUTBOUND|GATEWAY|WAYPOINT "
       "proxy{proxyVersion metadata<>} cluster{name portNumber# service subset} "
       "listener{filterChain{applicationProtocols destinationPort# ",
       filter,
       "name sni transportProtocol} listenerFilter name portName portNumber#} "
       "routeConfiguration{gateway name portName portNumber# vhost{domainName name "
       "route{action=ANY|ROUTE|REDIRECT|DIRECT_RESPONSE name}}} waypoint{",
       filter,
       "portNumber@ route{name}} ^listener|routeConfiguration|cluster|waypoint} "
       "patch{filterClass=UNSPECIFIED|AUTHN|AUTHZ|STATS operation=INVALID|MERGE|ADD|REMOVE|"
       "INSERT_BEFORE|INSERT_AFTER|INSERT_FIRST|REPLACE|MERGE_AND_REPLACE_LIST value*}}]"});
}

Text Telemetry() {
  constexpr std::string_view providers = "providers[{!name(1..)}] ";
  constexpr std::string_view mode = "mode=CLIENT_AND_SERVER|CLIENT|SERVER ";
  return Join(
      {Targets(),
       "^selector|targetRef|targetRefs accessLogging[{disabled? filter{expression} match{", mode,
       "} ", providers, "}] metrics[{overrides[{disabled? match{customMetric(1..) ",
       "metric=ALL_METRICS|REQUEST_COUNT|REQUEST_DURATION|REQUEST_SIZE|RESPONSE_SIZE|"
       "TCP_OPENED_CONNECTIONS|TCP_CLOSED_CONNECTIONS|TCP_SENT_BYTES|TCP_RECEIVED_BYTES|"
       "GRPC_REQUEST_MESSAGES|GRPC_RESPONSE_MESSAGES ",
       mode, "^metric|customMetric} tagOverrides<{operation=UPSERT|REMOVE value}>}] ", providers,
       "reportingInterval~}] tracing[{customTags<{environment{!name(1..) defaultValue} "
       "formatter{!value(1..)} header{!name(1..) defaultValue} literal{!value(1..)} "
       "^literal|environment|header|formatter}> disableContextPropagation? disableSpanReporting? "
       "enableIstioTags? match{",
       mode, "} ", providers, "randomSamplingPercentage%(0..100) useRequestIdForTraceSampling?}]"});
}

}  // namespace

const Fields* FieldsOf(std::string_view kind) {
  static const std::map<std::string, Fields, std::less<>> known = {
      {"AuthorizationPolicy", ReadFields(AuthorizationPolicy())},
      {"PeerAuthentication", ReadFields(PeerAuthentication())},
      {"RequestAuthentication", ReadFields(RequestAuthentication())},
      {"Gateway", ReadFields(Gateway())},
      {"DestinationRule", ReadFields(DestinationRule())},
      {"ServiceEntry", ReadFields(ServiceEntry())},
      {"WorkloadEntry", ReadFields(WorkloadEntry())},
      {"Sidecar", ReadFields(Sidecar())},
      {"VirtualService", ReadFields(VirtualService())},
      {"EnvoyFilter", ReadFields(EnvoyFilter())},
      {"Telemetry", ReadFields(Telemetry())}};
  const auto at = known.find(kind);
  return at == known.end() ? nullptr : &at->second;
}

}  // namespace weft::emit::check
