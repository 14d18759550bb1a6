// Kinds of the group networking.gloo.solo.io. Facts: solo-io/solo-apis api/gloo.solo.io/networking.
#include "dsl/gloo/tables.h"

namespace weft::gloo {

const std::string_view kNetworkingTable = R"(
kind networking.gloo.solo.io/v2 VirtualGateway -> `gateway`
  workloads  list WorkloadSelector  -> `select`, `in`, `on`; every workload of the label istio=ingressgateway when absent
  listeners  list Listener          -> `listen`

message Listener
  port                     PortSelector                -> the port
  http                     any                         -> `http`, `https` with TLS
  tcp                      any                         -> `tcp`, `tls` with TLS
  tls                      ListenerTls                 -> `tls`, `certificate`, …
  httpsRedirect            bool                        -> `redirect https`
  appProtocol              string                      -> the protocol
  allowedRouteTables       list RouteTableFilter       -> `hosts`, `accept routes from`
  exposedExternalServices  list ExternalServiceFilter  -> `expose external services`

message RouteTableFilter
  host           string            -> `hosts`; a namespace before `/` narrows which tables bind
  selector       ObjectSelector    -> which tables bind; `{}` those of the workspace, absent any
  allowedRoutes  list RouteFilter  !! filters of cloud functions; cloud functions are outside of weft

message ExternalServiceFilter
  host      string          -> hosts of external services
  selector  ObjectSelector  -> which external services

message ListenerTls
  mode                  enum PASSTHROUGH|SIMPLE|MUTUAL|AUTO_PASSTHROUGH|ISTIO_MUTUAL -> `tls`
  secretName            string          -> `certificate secret`
  files                 TlsFiles        !! certificates in files of the gateway's pod; put them into a secret
  verifySubjectAltName  list string     -> `sans`
  parameters            TlsParameters   -> `min tls`, `max tls`

message TlsFiles
  serverCert  string  !! certificates in files of the gateway's pod; put them into a secret
  privateKey  string  !! certificates in files of the gateway's pod; put them into a secret
  caCerts     string  !! certificates in files of the gateway's pod; put them into a secret

message TlsParameters
  minimumProtocolVersion  enum TLS_AUTO|TLSv1_0|TLSv1_1|TLSv1_2|TLSv1_3 -> `min tls`
  maximumProtocolVersion  enum TLS_AUTO|TLSv1_0|TLSv1_1|TLSv1_2|TLSv1_3 -> `max tls`
  cipherSuites            list string  -> `ciphers`

kind networking.gloo.solo.io/v2 RouteTable -> `route` with hosts, `table` without
  hosts                      list string               -> `for`
  virtualGateways            list ObjectReference      -> `on gateways`
  workloadSelectors          list WorkloadSelector     -> `on workloads where label`; `[]` or absent beside gateways: no sidecars; `[{}]`: all
  applyToDestinations        list DestinationSelector  !! routing by waypoint proxies; leave it out, and sidecars route
  defaultDestination         DestinationReference      -> the destination of routes that name none
  http                       list HttpRoute            -> HTTP rules
  tcp                        list TcpRoute             -> `tcp` rules
  tls                        list TlsRoute             -> `tls` rules
  weight                     int                       -> `weight`
  portalMetadata             any                       !! API portals are outside of weft; keep the metadata with the portal
  failureMode                enum ROUTE_REPLACEMENT|FREEZE_CONFIG -> `on invalid replace`, `on invalid freeze`
  virtualServiceAnnotations  map string                !! annotations of the emitted VirtualService; weft's own say where each object comes from

message HttpRoute
  name            string                   -> the rule's name
  labels          map string               -> `label`
  matchers        list HTTPRequestMatcher  -> `when`; alternatives by `or`
  forwardTo       ForwardTo                -> `->`
  delegate        Delegate                 -> `delegate`
  redirect        HttpRedirect             -> `redirect`
  directResponse  DirectResponse           -> `respond`
  graphql         any                      !! GraphQL is outside of weft; route to a GraphQL server

message TcpRoute
  matchers   list TCPRequestMatcher  -> `port`
  forwardTo  ForwardTo               -> `->`

message TlsRoute
  matchers   list TLSRequestMatcher  -> `sni`, `port`
  forwardTo  ForwardTo               -> `->`

message ForwardTo
  destinations     list DestinationReference  -> the targets with their shares
  pathRewrite      string                     -> `rewrite path`
  regexRewrite     RegexRewrite               -> `rewrite path matches`
  hostRewrite      string                     -> `rewrite host`
  autoHostRewrite  bool                       -> `rewrite host to target`

message RegexRewrite
  pattern       RegexPattern  -> the expression
  substitution  string        -> what it becomes

message RegexPattern
  regex      string:regex  -> the expression
  googleRe2  any           ~~ RE2 is the only engine

message HttpRedirect
  hostRedirect  string  -> `host`
  pathRedirect  string  -> `path`
  responseCode  enum MOVED_PERMANENTLY|FOUND|SEE_OTHER|TEMPORARY_REDIRECT|PERMANENT_REDIRECT -> `code`

message DirectResponse
  status  int:status  -> the status
  body    string      -> the body

message Delegate
  routeTables    list ObjectSelector                  -> `tables`
  allowedRoutes  list RouteFilter                     !! filters of cloud functions; cloud functions are outside of weft
  sortMethod     enum TABLE_WEIGHT|ROUTE_SPECIFICITY  -> `by weight`, `by specificity`

kind networking.gloo.solo.io/v2 VirtualDestination -> `destination`
  hosts              list string          -> `at`
  services           list ObjectSelector  -> `backs services where label`
  externalServices   list ObjectSelector  -> `backs external`
  externalWorkloads  list ObjectSelector  !! external workloads have no place behind a destination yet; back it by an ExternalService of their addresses
  ports              list PortMapping     -> `port`
  clientMode         ClientMode           -> `client`

message PortMapping
  number      int           -> the port
  protocol    string        -> the protocol
  targetPort  PortSelector  -> `target`

kind networking.gloo.solo.io/v2 ExternalService -> `external`
  hosts            list string        -> `hosts`
  addresses        list string        -> `addresses`
  ports            list ExternalPort  -> `port`
  selector         map string         -> the endpoints it selects
  subjectAltNames  list string        -> `sans` of `tls`

message ExternalPort
  number               int            -> the port
  targetPort           PortSelector   -> `target`
  name                 string         -> the name endpoints know it by
  protocol             string         -> the protocol
  clientsideTls        ClientsideTls  -> `tls`
  egressGatewayRoutes  EgressRoutes   -> `via`

message ClientsideTls
  sni                string  -> `sni`
  mode               enum SIMPLE|DISABLE|MUTUAL|ISTIO_MUTUAL -> `tls simple`, `tls off`, `tls mutual`, `tls istio`
  clientCertificate  string  !! certificates in files of each client's pod; put them into a secret and use a ClientTLSPolicy
  privateKey         string  !! certificates in files of each client's pod; put them into a secret and use a ClientTLSPolicy
  caCertificates     string  !! certificates in files of each client's pod; put them into a secret and use a ClientTLSPolicy
  insecureSkipVerify bool    -> `without verification`

message EgressRoutes
  portMatch           int                   -> a further port that leads through the gateway; 80 when absent
  virtualGatewayRefs  list ObjectReference  -> `via`

kind networking.gloo.solo.io/v2 ExternalEndpoint -> `endpoint` of the external services that select it
  address   string             -> the address
  ports     list EndpointPort  -> `port`
  locality  Locality           -> `in region`

message EndpointPort
  name    string  -> the name of the service's port
  number  int     -> the port

refused networking.gloo.solo.io/v2alpha1 ExternalWorkload !! virtual machines attested by SPIRE are not discovered by weft yet; give them a WorkloadEntry in the inventory, or reach them as an ExternalService
refused networking.gloo.solo.io/v2alpha1 ProgressiveDelivery !! patches of an emitted VirtualService; write the shares into the route and let the rollout be a new version of the policy
)";

}  // namespace weft::gloo
