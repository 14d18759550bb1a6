// Declarations of the platform: mesh, clusters, workspaces, what runs there and outside of
// Kubernetes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/header.h"
#include "dsl/items.h"
#include "dsl/name.h"

namespace weft::dsl {

// `east-west { gateway where label istio = "eastwestgateway" in namespace "n"  port 15443
// terminate on 15444  address "1.2.3.4" port 15443 }`
struct EastWestAddress {
  Str address;
  std::optional<Port> port;
};
struct EastWest {
  std::vector<LabelTerm> gateway;
  std::optional<Str> gateway_name;  // `gateway "istio-eastwestgateway"`: of the Service
  std::optional<Str> in_namespace;
  std::optional<Port> port;
  std::optional<Port> terminate_on;
  std::vector<EastWestAddress> addresses;
  std::vector<Name> clusters;  // `on [east]`; empty = all
  Span span;
};

// `federate { hosts "*.mesh.internal"  services where label k = "v"  ports [8080] }`, `federate
// off`: every selected service gets the name `<service>.<namespace>.<cluster>.mesh.internal`.
struct FederateItem {
  bool off = false;
  std::optional<Str> suffix;  // without the `*.`
  std::vector<Selection> services;
  std::vector<Port> ports;
  Span span;
};

struct IsolateItem {  // `isolate { mtls strict  trim proxies }`, `isolate off`
  bool off = false;
  std::optional<Spanned<MtlsMode>> mtls;
  std::optional<TrimItem> trim;
  Span span;
};

enum class ClientMode { kAuto, kSniRouting, kTlsTermination };
enum class PathNormalization { kNone, kBase, kMergeSlashes, kDecodeAndMergeSlashes };

struct MeshDecl {  // `mesh shop { … }`
  Header header;
  std::vector<EastWest> east_west;
  std::optional<Spanned<MtlsMode>> mtls;
  std::optional<Spanned<PathNormalization>>
      normalize;                      // `normalize paths base|none|merge slashes|decode slashes`
  std::optional<Str> root_namespace;  // `root namespace "istio-system"`
  // The workspace items of the same words, for every workspace; they win over its own.
  std::optional<IsolateItem> isolate;
  std::optional<TrimItem> trim;
  std::optional<FederateItem> federate;
  std::optional<Spanned<ClientMode>> client;
};

struct ClusterDecl {
  Header header;
  std::optional<Str> region;
  std::optional<Str> zone;
  std::optional<Name> network;
  std::optional<Str> trust;
  std::optional<Str> domain;
  bool skip_warming = false;  // `skip warming`: others do not wait for its first snapshot
};

struct NamespaceClause {  // `namespaces ["a-*"] on [east]`, `namespaces where label k = "v" on
                          // clusters where label …`
  std::vector<Str> names;
  std::vector<LabelTerm> labels;
  std::vector<Name> clusters;  // empty and no cluster_labels = every cluster
  std::vector<LabelTerm> cluster_labels;
  bool without_policy = false;
  Span span;
};

struct ShareClause {  // `export to gateways { … }`, `export to [a, b] { … }`, `export to all { …
                      // }`, `import from a { … }`
  std::vector<Name> workspaces;
  bool all_workspaces = false;
  std::vector<LabelTerm> workspace_labels;
  std::vector<SharedResource> resources;  // no block = everything
  bool transitive = false;
  Span span;
};
struct WorkspaceDecl {
  Header header;
  std::vector<NamespaceClause> namespaces;
  std::vector<ShareClause> exports;
  std::vector<ShareClause> imports;
  bool imports_nothing = false;  // `import nothing`; without any import everything shared is taken
  std::optional<IsolateItem> isolate;
  std::optional<Spanned<MtlsMode>> mtls;
  std::optional<TrimItem> trim;
  std::vector<EastWest> east_west;
  std::optional<FederateItem> federate;
  std::optional<Spanned<ClientMode>> client;  // of its destinations that do not say
};

// `trust root shop { … }`: one root of trust for the clusters' certificate authorities.
struct CertificateOptions {
  std::optional<Duration> ttl;       // `for 365d`
  std::optional<Number> key_bits;    // `key 4096`
  std::optional<Str> organization;   // `organization "shop"`
  std::optional<Percent> rotate_at;  // `rotate at 80%`: of the lifetime
};
struct TrustDecl {
  struct Secret {
    Str name;
    std::optional<Str> in_namespace;
  };
  struct Vault {
    Str server;
    std::optional<Str> ca_path;
    std::optional<Str> csr_path;
    std::optional<Str> ca_bundle;
    std::optional<Str> vault_namespace;
    std::optional<Secret> token;
    std::optional<Str> role;  // Kubernetes authentication
    std::optional<Str> mount;
    std::optional<Str> token_path;
    bool skip_verify = false;
  };
  Header header;
  std::optional<CertificateOptions> generated;     // `generated for 365d …`
  std::optional<Secret> secret;                    // `secret "root-ca" [in "ns"]`
  std::optional<Vault> vault;                      // `vault "https://…" { … }`: agents ask it
  std::optional<CertificateOptions> intermediate;  // `intermediate for 30d …`
  bool restart_pods = false;
  std::vector<Secret> passive;  // `passive [secret "old-root"]`: trusted, no longer used
  std::vector<Name> clusters;   // `on [east]`; empty and no labels = every cluster
  std::vector<LabelTerm> cluster_labels;
  std::optional<Str> revision;
  Span span;
};

// `istio on [east] { version "1.31"  revision main  default }` and `gateways on [east] { revision
// main  active }`: what runs there, as data for the checks.
struct LifecycleDecl {
  Header header;  // name = that of the revision or ""
  bool gateways = false;
  std::vector<Name> clusters;
  std::optional<Str> version;
  std::optional<Name> revision;          // of the control plane
  std::optional<Name> gateway_revision;  // gateways only
  bool is_default = false;               // `default`: the revision of unlabelled namespaces
  bool active = false;                   // gateways only: takes traffic
  std::optional<Str> trust;
  bool skip_upgrade_check = false;  // `skip upgrade check`
  std::optional<Str> settings;      // `settings """…"""`: the installer's own, kept as it is
};

// `raw istio [on [east]] """…"""`: objects emitted as they are; proofs that depend on them say so.
struct RawDecl {
  Header header;
  std::vector<Name> clusters;
  Str text;
};

}  // namespace weft::dsl
