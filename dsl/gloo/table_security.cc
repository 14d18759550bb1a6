// Kinds of the group security.policy.gloo.solo.io. Facts: solo-io/solo-apis
// api/gloo.solo.io/policy/v2/security.
#include "dsl/gloo/tables.h"

namespace weft::gloo {

const std::string_view kSecurityTable = R"(
kind security.policy.gloo.solo.io/v2 AccessPolicy every port of every service of the workspace -> `access`
  applyToDestinations  list DestinationSelector         -> `access services where label`
  applyToWorkloads     list NamespaceWorkloadSelector   -> `access workloads where label`; wins over destinations
  config               AccessConfig                     -> see below

message NamespaceWorkloadSelector
  selector  WorkloadObjectSelector  -> the selection

message WorkloadObjectSelector
  labels     map string  -> `where label`
  namespace  string      -> `in namespace`
  cluster    string      -> `on`
  workspace  string      -> `of workspace`

message AccessConfig
  authn              AccessAuthn       -> `mtls`
  authz              AccessAuthz       -> an `allow` clause; not read beside authzList
  authzList          list AccessAuthz  -> `allow` clauses
  enforcementLayers  EnforcementLayers -> the mesh only

message AccessAuthn
  tlsMode  enum DISABLE|PERMISSIVE|STRICT -> `mtls disable`, `mtls permissive`, `mtls strict`

message AccessAuthz
  allowedClients         list IdentitySelector  -> `from`; `[{}]` any identity
  allowedPaths           list string            -> `path`
  allowedMethods         list string            -> `method`
  match                  AccessMatch            -> `header`
  allowedIpBlocks        list string            -> `source.ip`
  allowedRemoteIpBlocks  list string            -> `remote.ip`
  dryRun                 bool                   -> `dry run`

message AccessMatch
  request  AccessRequest  -> `header`

message AccessRequest
  headers  map HeaderValues  -> `header`

message HeaderValues
  values     list string  -> `header`
  notValues  list string  -> `not header`

kind security.policy.gloo.solo.io/v2 ExtAuthPolicy no route; every service of the workspace when neither selects -> item `authorize`
  applyToRoutes        list RouteSelector        -> `policy … on routes`
  applyToDestinations  list DestinationSelector  -> `policy … on services`
  config               ExtAuthConfig             -> see below

message ExtAuthConfig
  disable     bool             -> `without authorization`
  glooAuth    any              -> `settings` of the authorizer, passed on as they are: ConfigMap `weft-settings-NAME`
  customAuth  CustomAuth       -> `context`
  server      ObjectReference  -> the authorizer; ext-auth-service in gloo-mesh when absent

message CustomAuth
  contextExtensions  map string  -> `context`

kind security.policy.gloo.solo.io/v2 JWTPolicy every route of the workspace when neither selects -> `jwt` and item `authenticate`
  applyToRoutes        list RouteSelector        -> `policy … on routes`
  applyToDestinations  list DestinationSelector  -> `policy … on services`
  config               JwtConfig                 -> see below

message JwtConfig
  providers             map JwtProvider   -> `jwt`
  phase                 PrioritizedPhase  -> `phase`; before authorization when absent
  allowMissingOrFailed  bool              -> `tolerant`
  clearRouteCache       enum AUTO|FALSE|TRUE -> `reroute`
  claims                list ClaimMatcher -> `require claim`
  requiredScopes        list string       -> `require scope`
  validationPolicy      enum REQUIRE_VALID|ALLOW_MISSING|ALLOW_MISSING_OR_FAILED -> nothing, `optional`, `tolerant`

message JwtProvider
  issuer                 string              -> `issuer`
  audiences              list string         -> `audience`
  tokenSource            TokenSource         -> `from`
  local                  LocalJwks           -> `jwks inline`
  remote                 RemoteJwks          -> `jwks from`
  claimsToHeaders        list ClaimToHeader  -> `claims to headers`
  keepToken              bool                -> `forward token`
  clockSkewSeconds       int                 -> `skew`
  outputPayloadToHeader  string              -> `payload to header`

message TokenSource
  headers      list TokenHeader  -> `from header`
  queryParams  list string       -> `from query`

message TokenHeader
  name    string:header  -> the header
  prefix  string         -> `prefix`

message LocalJwks
  inline     string         -> `jwks inline`
  secretRef  JwksSecretRef  !! keys in a secret of the original's format; write them inline or serve them by URL

message JwksSecretRef
  objectRef  ObjectReference  !! keys in a secret of the original's format; write them inline or serve them by URL
  key        string           !! keys in a secret of the original's format; write them inline or serve them by URL

message RemoteJwks
  url               string                -> `jwks from`
  destinationRef    DestinationReference  -> the destination that serves the keys
  cacheDuration     duration:positive     -> `cached`
  timeout           duration:positive     -> `timeout`
  enableAsyncFetch  bool                  ~~ Istio always fetches keys ahead

message ClaimToHeader
  claim   string         -> the claim
  header  string:header  -> the header
  append  bool           -> `add`

message ClaimMatcher
  key                   string       -> the claim
  values                list string  -> `require claim … has`
  notValues             list string  !! values a claim must not have cannot be demanded of a token; require those it may have
  nestedClaimDelimiter  string       -> a nested claim, written with `.`

kind security.policy.gloo.solo.io/v2 CORSPolicy every route of the workspace -> item `cors`
  applyToRoutes  list RouteSelector  -> `policy … on routes`
  config         CorsConfig          -> see below

message CorsConfig
  allowOrigins      list StringMatch    -> `origins`
  allowMethods      list string         -> `methods`
  allowHeaders      list string:header  -> `headers`
  exposeHeaders     list string:header  -> `expose`
  maxAge            duration            -> `max age`
  allowCredentials  bool                -> `credentials`

kind security.policy.gloo.solo.io/v2 CSRFPolicy every route of the workspace -> item `csrf`
  applyToRoutes  list RouteSelector  -> `policy … on routes`
  config         CsrfConfig          -> see below

message CsrfConfig
  filterEnabled      bool              -> `csrf`
  shadowEnabled      bool              -> `shadow`
  percentage         number            -> `for`
  additionalOrigins  list StringMatch  -> `origins`

kind security.policy.gloo.solo.io/v2 WAFPolicy every route of the workspace -> item `waf`
  applyToRoutes  list RouteSelector  -> `policy … on routes`
  config         WafConfig           -> see below

message WafConfig
  disableCoreRuleSet           bool          -> `core rules off`
  coreRuleSetSettingsString    string        -> `settings`
  coreRuleSetSettingsPath      string        -> `settings file`
  customRuleSets               list RuleSet  -> `rules`
  customInterventionMessage    string        -> `message`
  auditLogging                 WafAudit      -> `audit`
  requestHeadersOnly           bool          -> `request headers only`
  responseHeadersOnly          bool          -> `response headers only`
  priority                     int           -> `priority`

message RuleSet
  ruleStr    string       -> `rules`
  files      list string  -> `rules file`
  directory  string       -> `rules directory`

message WafAudit
  action    enum NEVER|RELEVANT_ONLY|ALWAYS        -> `audit`
  location  enum FILTER_STATE|DYNAMIC_METADATA     -> `to metadata`

kind security.policy.gloo.solo.io/v2 DLPPolicy every route of the workspace -> item `mask`
  applyToRoutes  list RouteSelector  -> `policy … on routes`
  config         DlpConfig           -> see below

message DlpConfig
  actions   list DlpAction                       -> what is masked
  sanitize  enum ALL|ACCESS_LOGS|RESPONSE_BODY   -> `in logs`, `in responses`

message DlpAction
  predefinedAction  enum ALL_CREDIT_CARDS|SSN|MASTERCARD|VISA|AMEX|DISCOVER|JCB|DINERS_CLUB|CREDIT_CARD_TRACKERS -> `ssn`, `visa`, …
  customAction      DlpCustom    -> `pattern`
  keyValueAction    DlpKeyValue  -> `headers`
  shadow            bool         -> `shadow`

message DlpCustom
  name          string            -> the name
  maskChar      string            -> `with`
  percent       number            -> `share`
  regexActions  list RegexAction  -> the expressions

message RegexAction
  regex     string  -> the expression
  subgroup  int     -> `group`

message DlpKeyValue
  name        string       -> the name
  maskChar    string       -> `with`
  percent     number       -> `share`
  keysToMask  list string  -> the headers

kind security.policy.gloo.solo.io/v2 ClientTLSPolicy nothing -> item `tls`
  applyToDestinations  list DestinationSelector  -> `policy … on`
  disable              any                       -> `tls off`
  simple               ClientTlsMode             -> `tls simple`
  mutual               ClientTlsMode             -> `tls mutual`
  istioMutual          any                       -> `tls istio`

message ClientTlsMode
  config  ClientTlsConfig  -> see below

message ClientTlsConfig
  sni             string  -> `sni`
  credentialName  string  -> `ca secret`, `certificate secret`

refused security.policy.gloo.solo.io/v2 GraphQLAllowedQueryPolicy !! GraphQL is outside of weft; let the GraphQL server keep its list of allowed queries
)";

}  // namespace weft::gloo
