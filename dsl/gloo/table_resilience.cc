// Kinds of the group resilience.policy.gloo.solo.io. Facts: solo-io/solo-apis
// api/gloo.solo.io/policy/v2/resilience.
#include "dsl/gloo/tables.h"

namespace weft::gloo {

const std::string_view kResilienceTable = R"(
kind resilience.policy.gloo.solo.io/v2 RetryTimeoutPolicy every route of the workspace -> items `timeout`, `retries`
  applyToRoutes  list RouteSelector  -> `policy … on routes`
  config         RetryTimeoutConfig  -> see below

message RetryTimeoutConfig
  retries         RetryConfig  -> `retries`
  requestTimeout  duration     -> `timeout`

message RetryConfig
  attempts               int:count-or-none        -> the number; 2 when absent
  perTryTimeout          duration:positive        -> `per try`
  retryOn                string:retry-conditions  -> `on`
  retryRemoteLocalities  bool                     -> `across localities`

kind resilience.policy.gloo.solo.io/v2 FaultInjectionPolicy every route of the workspace -> items `fault delay`, `fault abort`
  applyToRoutes  list RouteSelector  -> `policy … on routes`
  config         FaultConfig         -> see below

message FaultConfig
  delay  FaultDelay  -> `fault delay`
  abort  FaultAbort  -> `fault abort`

message FaultDelay
  fixedDelay  duration:positive  -> the delay
  percentage  number:share       -> `for`; every request when absent

message FaultAbort
  httpStatus  int:status    -> the status
  percentage  number:share  -> `for`; every request when absent

kind resilience.policy.gloo.solo.io/v2 FailoverPolicy every virtual destination of the workspace -> item `failover`
  applyToDestinations  list DestinationSelector  -> `policy … on destinations`
  config               FailoverConfig            -> see below

message FailoverConfig
  localityMappings  list LocalityMapping  -> `failover from … to`; `failover same zone, same region, any` when empty
  priorityLabels    PriorityLabels        -> `failover by labels`; not read beside mappings

message PriorityLabels
  labels  list string  -> the labels

message LocalityMapping
  from  Locality                -> `from`
  to    list WeightedLocality   -> `to`

message WeightedLocality
  region   string       -> `region`
  zone     string       -> `zone`
  subZone  string       -> `subzone`
  weight   int:percent  -> `weight`

kind resilience.policy.gloo.solo.io/v2 OutlierDetectionPolicy every virtual destination and external service of the workspace -> item `eject`
  applyToDestinations  list DestinationSelector  -> `policy … on destinations`, `… on external services`; services are refused
  config               OutlierConfig             -> see below

message OutlierConfig
  consecutiveErrors         int:count-or-none  -> `after … errors`; 5 when absent
  interval                  duration:positive  -> `in`; 10s when absent
  baseEjectionTime          duration:positive  -> `for`; 30s when absent
  maxEjectionPercent        int:percent        -> `at most`; 100% when absent, 10% when 0
  consecutiveGatewayErrors  int:count-or-none  -> `or … gateway errors`

kind resilience.policy.gloo.solo.io/v2 ConnectionPolicy every destination of the workspace -> item `connections`
  applyToDestinations  list DestinationSelector  -> `policy … on`
  config               ConnectionConfig          -> see below

message ConnectionConfig
  tcp   TcpConnections   -> see below
  http  HttpConnections  -> see below

message TcpConnections
  tcpKeepalive    TCPKeepalive       -> `keepalive`
  maxConnections  int:count          -> `at most`
  connectTimeout  duration:positive  -> `connect within`

message HttpConnections
  maxRequestsPerConnection  int:count          -> `per connection`
  maxRetries                int:count          -> `retries`
  maxRequests               int:count          -> `requests at most`
  maxPendingRequests        int:count          -> `pending at most`
  idleTimeout               duration:positive  -> `idle`

kind resilience.policy.gloo.solo.io/v2 ListenerConnectionPolicy nothing -> items `buffer`, `connections`
  applyToListeners  list ListenerSelector   -> `policy … on gateway`
  config            ListenerConnections     -> see below

message ListenerConnections
  perConnectionBufferLimitBytes  int:bytes     -> `buffer … per connection`
  tcpKeepalive                   TCPKeepalive  -> `connections { keepalive }`

kind resilience.policy.gloo.solo.io/v2 ActiveHealthCheckPolicy nothing -> item `health check`
  applyToDestinations  list DestinationSelector  -> `policy … on`
  config               HealthCheckConfig         -> see below

message HealthCheckConfig
  healthCheck      HealthCheck           -> the check
  virtualGateways  list ObjectReference  -> `from gateways`

message HealthCheck
  timeout                       duration:positive  -> `within`
  interval                      duration:positive  -> `every`
  initialJitter                 duration           -> `initial jitter`
  intervalJitter                duration           -> `jitter`
  intervalJitterPercent         int:percent        -> `jitter` as a share
  unhealthyThreshold            int:count          -> `unhealthy after`
  healthyThreshold              int:count          -> `healthy after`
  altPort                       int                !! another port of the same address; check a service of that port
  reuseConnection               bool               -> `new connections` when false
  httpHealthCheck               HttpCheck          -> `GET`, …
  tcpHealthCheck                TcpCheck           -> `tcp`
  grpcHealthCheck               GrpcCheck          -> `grpc`
  customHealthCheck             any                !! checkers compiled into the proxy; stock Envoy has none for this, check by HTTP, TCP or gRPC
  noTrafficInterval             duration:positive  -> `idle every`
  noTrafficHealthyInterval      duration:positive  -> `idle healthy every`
  unhealthyInterval             duration:positive  -> `unhealthy every`
  unhealthyEdgeInterval         duration:positive  -> `first unhealthy every`
  healthyEdgeInterval           duration:positive  -> `first healthy every`
  eventLogPath                  string             -> `log`
  alwaysLogHealthCheckFailures  bool               -> `log all`
  tlsOptions                    any                !! protocols of TLS checks; the check uses those of the destination's `tls`
  transportSocketMatchCriteria  any                !! a choice between transport sockets, which Istio makes itself

message HttpCheck
  host                    string            -> `host`
  path                    string:path       -> the path
  send                    any               !! bodies of checks are not sent by Envoy either
  receive                 any               !! bodies of answers; check a path that fails when the service does
  requestHeadersToAdd     list CheckHeader  -> `header`
  requestHeadersToRemove  list string       !! a check sends only what it is given
  expectedStatuses        list StatusRange  -> `status`
  retriableStatuses       list StatusRange  !! retries of one check; raise `unhealthy after`
  codecClientType         enum HTTP1|HTTP2|HTTP3 -> `http2`
  serviceNameMatcher      CheckName         -> `expects`
  method                  string:method     -> the method

message CheckHeader
  header  CheckHeaderValue  -> the header
  append  bool              ~~ a check has no header to append to

message CheckHeaderValue
  key    string:header  -> the header
  value  string         -> its value

message StatusRange
  start  int:any-status     -> the first status
  end    int:behind-status  -> the status behind the last

message CheckName
  prefix  string  -> `expects`
  exact   string  -> `expects`

message TcpCheck
  send     CheckText       -> `send`
  receive  list CheckText  -> `receive`

message CheckText
  text    string  -> hexadecimal bytes
  binary  string  !! bytes in base64; write them as hexadecimal text

message GrpcCheck
  serviceName      string  -> the service
  authority        string  -> `host`
  initialMetadata  any     !! metadata of gRPC checks; check a service that needs none

kind resilience.policy.gloo.solo.io/v2 AdaptiveRequestConcurrencyPolicy every service of the workspace -> item `adapt concurrency`
  applyToDestinations  list DestinationSelector  -> `policy … on services`
  config               AdaptiveConfig            -> see below

message AdaptiveConfig
  sampleAggregatePercentile        number:share-or-none  -> `percentile`
  maxConcurrencyLimit              int:count             -> `at most`
  concurrencyUpdateIntervalMillis  int:count             -> `update every`
  minRttCalcParams                 MinRttParams          -> see below
  concurrencyLimitExceededStatus   int:status            -> `status`

message MinRttParams
  intervalMillis    int:count             -> `measure every`
  requestCount      int:count             -> `requests`
  minConcurrency    int:count             -> `floor`
  jitterPercentile  number:share-or-none  -> `jitter`
  bufferPercentile  number:share-or-none  -> `slack`

kind resilience.policy.gloo.solo.io/v2 TrimProxyConfigPolicy every workload of the workspace -> item `trim proxies to`
  applyToWorkloads  list WorkloadSelector  -> `policy … on workloads`
  config            TrimConfig             -> see below

message TrimConfig
  includedDestinations  list DestinationSelector  -> `trim proxies to`; nothing when absent

refused resilience.policy.gloo.solo.io/v2 GraphQLPersistedQueryCachePolicy !! GraphQL is outside of weft; let the GraphQL server keep its cache
)";

}  // namespace weft::gloo
