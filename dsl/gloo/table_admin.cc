// Kinds of the group admin.gloo.solo.io. Facts: solo-io/solo-apis api/gloo.solo.io/admin.
#include "dsl/gloo/tables.h"

namespace weft::gloo {

const std::string_view kAdminTable = R"(
kind admin.gloo.solo.io/v2 Workspace -> `workspace`
  workloadClusters  list ClusterSelector  -> `namespaces … on`

kind admin.gloo.solo.io/v2 WorkspaceSettings -> items of `workspace`
  importFrom  list WorkspaceObjectSelector  -> `import from`; without it `import nothing`
  exportTo    list WorkspaceObjectSelector  -> `export to`
  options     SettingsOptions               -> each as below; those of `global` stand for every workspace

message WorkspaceObjectSelector
  workspaces  list WorkspaceSelector    -> the workspaces
  resources   list TypedObjectSelector  -> what is shared; everything when absent

message TypedObjectSelector
  kind       enum ALL|ROUTE_TABLE|SERVICE|VIRTUAL_DESTINATION|EXTERNAL_SERVICE|API_DOC|GRAPHQL_RESOLVER_MAP|GRAPHQL_SCHEMA|GRAPHQL_STITCHED_SCHEMA|EXTERNAL_WORKLOAD -> `all`, `tables`, `services`, `destinations`, `external services`; the others share nothing that weft has
  labels     map string  -> `where label`
  name       string      -> the name
  namespace  string      -> `in namespace`
  cluster    string      -> `on`

message SettingsOptions
  serviceIsolation       ServiceIsolation              -> `isolate`
  federation             Federation                    -> `federate`
  eastWestGateways       list EastWestGatewaySelector  -> `east-west`
  virtualDestClientMode  ClientMode                    -> `client` of each destination that has none
  trimAllProxyConfig     bool                          -> `trim proxies to nothing`

message ServiceIsolation
  enabled            bool               -> `isolate { mtls strict }`
  trimProxyConfig    bool               -> `trim proxies`
  enforcementLayers  EnforcementLayers  -> the mesh only

message Federation
  enabled          bool                 -> destinations at generated hosts
  hostSuffix       string               -> the suffix of the hosts; `global` when absent
  serviceSelector  list ObjectSelector  -> which services; all when absent
  ports            list PortSelector    -> which ports; all when absent

message EastWestGatewaySelector
  selector            ObjectSelector  -> `gateway where label`
  port                PortSelector    -> `port`
  tlsTerminationPort  PortSelector    -> `terminate on`
  hostInfoOverrides   list HostInfo   -> `address`

message HostInfo
  addr      string                                -> `address`
  port      int                                   -> `port`
  portType  enum SNI_PASSTHROUGH|TLS_TERMINATION  -> `port` or `terminate on`

kind admin.gloo.solo.io/v2 KubernetesCluster -> `cluster`
  clusterDomain  string  -> `domain`
  skipWarming    bool    ~~ waiting of the original's server; weft's relay waits for every declared cluster

kind admin.gloo.solo.io/v2 RootTrustPolicy -> `trust root`
  applyToMeshes  list MeshSelector  -> `on`
  config         RootTrustConfig    -> where certificates come from

message RootTrustConfig
  mgmtServerCa                     MgmtServerCa       -> `generated` or `secret`
  agentCa                          AgentCa            !! intermediates signed in the cluster by Vault; keep the CA where it is and give weft the root as a secret
  intermediateCertOptions          CommonCertOptions  -> `intermediate`
  autoRestartPods                  bool               -> `restart pods`
  passiveCertificateAuthorities    list MgmtServerCa  -> `passive`

message MgmtServerCa
  generated  CommonCertOptions  -> `generated`
  secretRef  SecretReference    -> `secret`

message CommonCertOptions
  ttlDays                          int     -> `for`
  rsaKeySizeBytes                  int     -> `key`
  orgName                          string  -> `organization`
  secretRotationGracePeriodRatio   number  -> `rotate at`

message SecretReference
  name       string  -> the secret
  namespace  string  -> its namespace

message AgentCa
  vault  any  !! intermediates signed in the cluster by Vault; keep the CA where it is and give weft the root as a secret

kind admin.gloo.solo.io/v2 ExtAuthServer -> `authorizer`
  destinationServer    DestinationReference  -> `service`, `port`
  httpService          AuthHttpService       -> `http`
  requestTimeout       duration:positive     -> `timeout`; 2s when absent
  failureModeAllow     bool                  -> `on failure allow`
  requestBody          AuthBody              -> `body`
  clearRouteCache      bool                  -> `reroute`
  statusOnError        int                   -> `status`
  transportApiVersion  enum GLOO_MESH_AUTO|ENVOY_AUTO|V3 -> V3 only
  statPrefix           string                ~~ a name of statistics decides nothing

message AuthHttpService
  pathPrefix  string:path       -> `path prefix`
  request     AuthHttpRequest   -> headers sent
  response    AuthHttpResponse  -> headers taken over

message AuthHttpRequest
  allowedHeaders  list string:header  -> `include headers`
  headersToAdd    map:header string   -> `add headers`

message AuthHttpResponse
  allowedUpstreamHeaders  list string:header  -> `upstream headers`
  allowedClientHeaders    list string:header  -> `client headers`

message AuthBody
  maxRequestBytes      int:bytes  -> `body up to`; 4 KiB when absent
  allowPartialMessage  bool       -> `partial`
  packAsBytes          bool       -> `as bytes`

kind admin.gloo.solo.io/v2 RateLimitServerSettings -> `limiter`
  destinationServer  DestinationReference  -> `service`, `port`
  requestTimeout     duration:positive     -> `timeout`; 100ms when absent
  denyOnFail         bool                  -> `on error deny`

kind admin.gloo.solo.io/v2 RateLimitServerConfig -> `limits`
  raw                 RateLimitServerRaw         -> the descriptors
  destinationServers  list DestinationReference  -> `on`

message RateLimitServerRaw
  descriptors     list Descriptor     -> descriptors
  setDescriptors  list SetDescriptor  -> `set` descriptors

message Descriptor
  key          string           -> the key
  value        string           -> the value; any when absent
  rateLimit    RateLimit        -> the rate
  descriptors  list Descriptor  -> nested descriptors
  weight       int              -> `weight`
  alwaysApply  bool             -> `always`

message SetDescriptor
  simpleDescriptors  list SimpleDescriptor  -> the entries
  rateLimit          RateLimit              -> the rate
  alwaysApply        bool                   -> `always`

message SimpleDescriptor
  key    string  -> the key
  value  string  -> the value; any when absent

message RateLimit
  unit             enum UNKNOWN|SECOND|MINUTE|HOUR|DAY -> the unit
  requestsPerUnit  int                                 -> the number

kind admin.gloo.solo.io/v2 IstioLifecycleManager -> `istio`, and trust domains of clusters
  installations  list IstioInstallation  -> one `istio` each
  helmGlobal     any                     ~~ values of the installation, which weft does not make

message IstioInstallation
  revision               string             -> `revision`
  clusters               list IstioCluster  -> `on`
  istioOperatorSpec      any                -> `version` from `tag`, trust domain from `meshConfig`; the rest belongs to the installation
  istioController        any                ~~ the installation's controller, which weft does not run
  skipUpgradeValidation  bool               ~~ weft does not upgrade Istio

message IstioCluster
  name             string  -> the cluster
  defaultRevision  bool    -> `default`
  trustDomain      string  -> `trust` of the cluster

kind admin.gloo.solo.io/v2 GatewayLifecycleManager -> `gateways`
  installations  list GatewayInstallation  -> one `gateways` each
  helmGlobal     any                       ~~ values of the installation, which weft does not make

message GatewayInstallation
  controlPlaneRevision   string               -> `revision`
  gatewayRevision        string               -> `revision`
  clusters               list GatewayCluster  -> `on`
  istioOperatorSpec      any                  -> `version` from `tag`; the rest belongs to the installation
  skipUpgradeValidation  bool                 ~~ weft does not upgrade gateways

message GatewayCluster
  name           string  -> the cluster
  activeGateway  bool    -> `active`
  trustDomain    string  -> `trust` of the cluster
)";

}  // namespace weft::gloo
