// Messages that several kinds share. Facts: solo-io/solo-apis api/gloo.solo.io/common/v2.
#include "dsl/gloo/tables.h"

namespace weft::gloo {

const std::string_view kCommonTable = R"(
message ObjectReference
  name       string  -> the name
  namespace  string  -> the namespace; the object's own when absent
  cluster    string  -> the cluster; the object's own when absent

message ObjectSelector
  labels     map string  -> `where label`
  name       string      -> a name
  namespace  string      -> `in namespace`
  cluster    string      -> `on`
  workspace  string      -> `of workspace`

message PortSelector
  number  int     -> the port
  name    string  -> the port of that name, as discovered

message DestinationReference
  ref       ObjectReference                                          -> service, destination or external
  kind      enum SERVICE|VIRTUAL_DESTINATION|EXTERNAL_SERVICE|CLOUD_PROVIDER -> which of them
  port      PortSelector                                             -> `port`
  subset    map string                                               -> `.subset`, declared with its labels
  weight    int                                                      -> the share
  function  any  !! cloud functions are outside of weft; route to an ExternalService of the function's URL
  awsLambda any  !! cloud functions are outside of weft; route to an ExternalService of the function's URL

message DestinationSelector
  selector  ObjectSelector                                    -> the selection
  kind      enum SERVICE|VIRTUAL_DESTINATION|EXTERNAL_SERVICE -> `services`, `destinations`, `external services`
  port      PortSelector                                      -> `port`

message RouteLabelSelector
  labels     map string  -> `where label`
  namespace  string      -> `in namespace`
  cluster    string      -> the label weft.dev/cluster
  workspace  string      -> `of workspace`

message RouteSelector
  route             RouteLabelSelector   -> `routes where label`
  withDestinations  DestinationSelector  -> the routes that lead there

message RouteDestinationSelector
  route           RouteLabelSelector        !! headers per destination of a route have no place; select the route, or split it
  onDestinations  list DestinationSelector  !! headers per destination of a route have no place; select the route, or split it

message ListenerSelector
  virtualGateway  ObjectSelector  -> the gateway
  port            PortSelector    -> `listener`

message WorkloadSelector
  selector  ObjectSelector  -> `workloads where label`
  kind      enum KUBE|VM    -> KUBE only
  port      PortSelector    -> `port`

message IdentitySelector
  serviceAccountSelector    ObjectSelector          -> `from accounts`
  externalWorkloadSelector  ObjectSelector          !! identities of external workloads are not known to weft; name their service accounts
  requestIdentityMatcher    RequestIdentityMatcher  !! iss/sub principals of tokens; write a condition on `jwt` claims

message RequestIdentityMatcher
  requestPrincipals     list string  !! iss/sub principals of tokens; write a condition on `jwt` claims
  notRequestPrincipals  list string  !! iss/sub principals of tokens; write a condition on `jwt` claims

message ClusterSelector
  name           string                  -> `on`, `*` expanded over the registered clusters
  selector       map string              -> `on clusters where label`
  namespaces     list NamespaceSelector  -> `namespaces`
  configEnabled  bool                    -> `without policy` when false

message NamespaceSelector
  name           string      -> a pattern of names
  configEnabled  bool        -> `without policy` when false
  labels         map string  -> `where label`

message MeshSelector
  istio  IstioSelector  -> the clusters

message IstioSelector
  revision         string      ~~ weft checks revisions against the lifecycle managers only
  namespace        string      ~~ istiod's namespace decides nothing here
  clusterSelector  map string  -> `on`
  selector         map string  ~~ labels of istiod's Deployment are not discovered

message WorkspaceSelector
  name      string      -> the workspaces it matches, `*` expanded
  selector  map string  -> `workspaces where label`

message RouteFilter
  cloudProvider  any  !! filters of cloud functions; cloud functions are outside of weft

message HTTPRequestMatcher
  name             string                      !! unsupported by the original; name the route
  uri              StringMatch                 -> `path`
  headers          list HeaderMatcher          -> `header`
  queryParameters  list QueryParameterMatcher  -> `query`
  method           string:method               -> the method
  port             int                         -> `port`

message QueryParameterMatcher
  name   string  -> the parameter
  value  string  -> its value
  regex  bool    -> `matches`

message HeaderMatcher
  name         string  -> the header
  value        string  -> its value; `present` without one
  regex        bool    -> `matches`
  invertMatch  bool    -> `not`

message StatusCodeMatcher
  value       int:any-status  -> the status
  comparator  enum EQ|GE|LE   -> `=`, `>=`, `<=`

message StringMatch
  exact       string        -> `=`
  prefix      string        -> `starts`
  regex       string:regex  -> `matches`
  suffix      string        -> `ends`
  ignoreCase  bool          -> `matches "(?i)…"`

message TCPRequestMatcher
  port  int  -> `port`

message TLSRequestMatcher
  sniHosts  list string  -> `sni`
  port      int          -> `port`

message ClientMode
  auto            any  -> `client auto`
  sniRouting      any  -> `client sni routing`
  tlsTermination  any  -> `client tls termination`

message EnforcementLayers
  mesh  bool  -> the mesh enforces
  cni   bool  !! network policies of the CNI are not written; the mesh enforces

message TCPKeepalive
  probes    int:count          -> `probes`
  time      duration:positive  -> `keepalive`
  interval  duration:positive  -> `every`

message Locality
  region   string  -> `in region`
  zone     string  -> `zone`
  subZone  string  -> `subzone`

message PrioritizedPhase
  preAuthz   PhasePriority  -> `phase before authorization`
  postAuthz  PhasePriority  -> `phase after authorization`

message PhasePriority
  priority  int:rank  -> `order`
)";

}  // namespace weft::gloo
