// Kinds of the groups trafficcontrol.policy, extensions.policy and observability.policy. Facts:
// solo-io/solo-apis api/gloo.solo.io/policy/v2 and api/rate-limiter/v1alpha1.
#include "dsl/gloo/tables.h"

namespace weft::gloo {

const std::string_view kTrafficTable = R"(
kind trafficcontrol.policy.gloo.solo.io/v2 RateLimitPolicy no route; every service of the workspace when neither selects -> item `limit by`
  applyToRoutes        list RouteSelector        -> `policy … on routes`
  applyToDestinations  list DestinationSelector  -> `policy … on services`
  config               RateLimitConfig           -> see below

message RateLimitConfig
  phase                  PrioritizedPhase    -> `phase`; after authorization when absent
  ratelimitServerConfig  ObjectReference     -> the `limits` it counts into
  serverSettings         ObjectReference     -> the `limiter`
  raw                    RateLimitClientRaw  -> `send`
  ratelimitClientConfig  ObjectReference     -> `count by`

kind trafficcontrol.policy.gloo.solo.io/v2 RateLimitClientConfig -> `counter`
  raw  RateLimitClientRaw  -> `send`

message RateLimitClientRaw
  rateLimits  list RateLimitActions  -> `send`, `send set`

message RateLimitActions
  actions     list RateLimitAction  -> `send`
  setActions  list RateLimitAction  -> `send set`
  limit       any                   !! limits taken from metadata of a request; name the limit in `limits`

message RateLimitAction
  sourceCluster       any               -> `source cluster`
  destinationCluster  any               -> `destination cluster`
  requestHeaders      RateLimitHeader   -> `header … as`
  remoteAddress       any               -> `remote address`
  genericKey          RateLimitKey      -> a constant
  headerValueMatch    RateLimitMatch    -> `match … when`
  metadata            RateLimitMeta     -> `metadata`

message RateLimitHeader
  headerName     string  -> the header
  descriptorKey  string  -> `as`
  skipIfAbsent   bool    -> `optional`

message RateLimitKey
  descriptorValue  string  -> the value
  descriptorKey    string  -> the key

message RateLimitMatch
  descriptorValue  string                  -> the value
  descriptorKey    string                  -> the key
  expectMatch      bool                    -> `unless` when false
  headers          list RateLimitHeaderIs  -> `when header`

message RateLimitHeaderIs
  name          string  -> the header
  exactMatch    string  -> `=`
  regexMatch    string  -> `matches`
  rangeMatch    any     !! ranges of numbers in a header; write the expression that matches the numbers
  presentMatch  bool    -> `present`
  prefixMatch   string  -> `starts`
  suffixMatch   string  -> `ends`
  invertMatch   bool    -> `not`

message RateLimitMeta
  descriptorKey  string                     -> the key
  metadataKey    MetadataKey                -> `path`
  defaultValue   string                     -> `default`
  source         enum DYNAMIC|ROUTE_ENTRY   -> `of route`

message MetadataKey
  key   string            -> the namespace
  path  list PathSegment  -> the keys below it

message PathSegment
  key  string  -> the key

kind trafficcontrol.policy.gloo.solo.io/v2 TransformationPolicy every route of the workspace -> items `transform request`, `transform response`
  applyToRoutes  list RouteSelector    -> `policy … on routes`
  config         TransformationConfig  -> see below

message TransformationConfig
  phase     PrioritizedPhase        -> `phase`; after authorization when absent
  request   RequestTransformation   -> `transform request`
  response  ResponseTransformation  -> `transform response`

message RequestTransformation
  injaTemplate                   InjaTemplate  -> the transformation
  recalculateRoutingDestination  bool          -> `reroute`

message ResponseTransformation
  injaTemplate  InjaTemplate  -> the transformation

message InjaTemplate
  advancedTemplates      bool                 -> `advanced templates`
  extractors             map Extraction       -> `extract`
  headers                map InjaText         -> `set`
  headersToAppend        list HeaderToAppend  -> `add`
  headersToRemove        list string          -> `remove`
  body                   InjaText             -> `body`
  passthrough            any                  -> `body keep`
  mergeExtractorsToBody  any                  -> `body merge extracted`
  parseBodyBehavior      enum ParseAsJson|DontParse -> `parse body none`
  ignoreErrorOnParse     bool                 -> `parse body ignoring errors`
  dynamicMetadataValues  list MetadataValue   -> `metadata`
  escapeCharacters       bool                 -> `escape characters`

message Extraction
  header           string                                   -> `from header`
  body             any                                      -> from the body
  regex            string                                   -> `matches`
  subgroup         int                                      -> `group`
  replacementText  string                                   -> `replace`
  mode             enum EXTRACT|SINGLE_REPLACE|REPLACE_ALL  -> `replace`, `replace all`

message InjaText
  text  string  -> the template

message HeaderToAppend
  key    string    -> the header
  value  InjaText  -> the template

message MetadataValue
  metadataNamespace  string    -> `in`
  key                string    -> the key
  value              InjaText  -> the template
  jsonToProto        bool      -> `as json`

kind trafficcontrol.policy.gloo.solo.io/v2 HeaderManipulationPolicy every route of the workspace -> item `headers`
  applyToRoutes             list RouteSelector             -> `policy … on routes`
  applyToRouteDestinations  list RouteDestinationSelector  !! headers per destination of a route have no place; select the route, or split it
  config                    HeaderConfig                   -> see below

message HeaderConfig
  removeResponseHeaders  list string:changed-header              -> `response remove`
  appendResponseHeaders  map:changed-header string:header-value  -> `response add`
  removeRequestHeaders   list string:changed-header              -> `request remove`
  appendRequestHeaders   map:changed-header string:header-value  -> `request add`

kind trafficcontrol.policy.gloo.solo.io/v2 MirrorPolicy every route of the workspace -> item `mirror`
  applyToRoutes  list RouteSelector  -> `policy … on routes`
  config         MirrorConfig        -> see below

message MirrorConfig
  destination  DestinationReference  -> `to`
  percentage   number:share-or-none  -> the share

kind trafficcontrol.policy.gloo.solo.io/v2 LoadBalancerPolicy every destination of the workspace -> item `balance`
  applyToDestinations  list DestinationSelector  -> `policy … on`
  config               LoadBalancerConfig        -> see below

message LoadBalancerConfig
  simple                 enum UNSPECIFIED|RANDOM|PASSTHROUGH|ROUND_ROBIN|LEAST_REQUEST -> `balance random`, …
  consistentHash         ConsistentHash        -> `balance by hash of`
  warmupDurationSecs     duration:positive     -> `warm up`
  healthyPanicThreshold  number:share-or-none  -> `panic below`
  updateMergeWindow      duration              -> `merge updates within`

message ConsistentHash
  httpHeaderName          string:header  -> `header`
  httpCookie              HashCookie     -> `cookie`
  useSourceIp             bool           -> `source ip`
  httpQueryParameterName  string         -> `query`

message HashCookie
  name  string    -> the cookie
  path  string    -> `path`
  ttl   duration  -> `ttl`

kind trafficcontrol.policy.gloo.solo.io/v2 HTTPBufferPolicy every route of the workspace -> item `body at most`
  applyToRoutes  list RouteSelector  -> `policy … on routes`
  config         HttpBufferConfig    -> see below

message HttpBufferConfig
  maxRequestBytes  int:bytes  -> `body at most`

kind trafficcontrol.policy.gloo.solo.io/v2 ProxyProtocolPolicy nothing -> item `proxy protocol`
  applyToListeners  list ListenerSelector  -> `policy … on gateway`
  config            ProxyProtocolConfig    -> see below

message ProxyProtocolConfig
  enableProxyProtocol  bool  -> `proxy protocol`

kind extensions.policy.gloo.solo.io/v2 WasmDeploymentPolicy every workload of the workspace -> item `wasm`
  applyToWorkloads  list WorkloadSelector  -> `policy … on workloads`
  config            WasmConfig             -> see below

message WasmConfig
  filters  list WasmFilter  -> `wasm`
  weight   int              -> `priority`

message WasmFilter
  localPathSource      string      -> `file://`
  httpUriSource        WasmUri     -> `http://`, `https://`
  wasmImageSource      WasmImage   -> `oci://`
  staticFilterConfig   any         -> `config`
  dynamicFilterConfig  string      !! never implemented by the original; write the configuration into the policy
  rootId               string      -> `root`
  vmId                 string      -> `vm`
  filterContext        enum ANY|SIDECAR_INBOUND|SIDECAR_OUTBOUND|GATEWAY -> `on inbound`, …
  insertBeforeFilter   string      -> `before`

message WasmUri
  uri  string  -> the source
  sha  string  -> `sha256`

message WasmImage
  wasmImageTag  string  -> the source

kind extensions.policy.gloo.solo.io/v2 LuaPolicy every route of the workspace when neither selects -> item `lua`
  applyToRoutes        list RouteSelector        -> `policy … on routes`
  applyToDestinations  list DestinationSelector  -> `policy … on services`
  config               LuaConfig                 -> see below

message LuaConfig
  sourceCode  LuaSource         -> `lua`
  phase       PrioritizedPhase  -> `phase`; before authorization when absent

message LuaSource
  inlineString  string  -> the code

kind observability.policy.gloo.solo.io/v2 AccessLogPolicy every workload of the workspace -> item `log`
  applyToWorkloads  list WorkloadSelector  -> `policy … on workloads`
  config            AccessLogConfig        -> see below

message AccessLogConfig
  filters                     list AccessLogFilter  -> `when`
  includedRequestHeaders      list string           -> `with request headers`
  includedResponseHeaders     list string           -> `response headers`
  includedResponseTrailers    list string           -> `response trailers`
  includedFilterStateObjects  list string           -> `filter state`

message AccessLogFilter
  statusCodeMatcher  StatusCodeMatcher  -> `status`
  headerMatcher      HeaderMatcher      -> `header`
)";

}  // namespace weft::gloo
