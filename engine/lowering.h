// Shared state of lowering; internal to engine/. Each `Lower…` function fills one part of the Model
// and relies on the parts before it, in the order engine/lower.cc calls them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "dsl/declarations.h"
#include "dsl/diagnostic.h"
#include "engine/inventory.h"
#include "engine/model.h"

namespace weft::engine {

// The cluster configuration is written to; nobody has to declare it.
inline constexpr std::string_view kManagementCluster = "mgmt";

// What a name in a policy stands for.
struct ResolvedTarget {
  TargetRef target;
  std::string subset;
};

struct Lowering {
  const dsl::Program& program;
  const Inventory& inventory;
  Diagnostics& diagnostics;
  Model& model;
  bool discovered = false;  // an inventory was given; else `inventory` is what is declared

  std::map<std::string, WorkspaceId> workspaces;
  std::map<std::pair<ClusterId, std::string>, WorkspaceId> owners;  // of namespaces
  // Names visible in a workspace: declared services, destinations, externals, and discovered
  // services whose Kubernetes name is unique in it. Key: (workspace, name); none = mesh section.
  std::map<std::pair<WorkspaceId, std::string>, TargetRef> targets;
  std::map<std::pair<std::string, std::string>, ServiceId> services;  // (namespace, name)
  std::map<std::string, std::vector<GatewayId>> gateways;             // by name
  std::map<std::pair<WorkspaceId, std::string>, TableId> tables;
  // By name and section (none = mesh section); see IndexProviders.
  template <typename Id>
  using Providers = std::map<std::pair<std::string, WorkspaceId>, Id>;
  Providers<JwtId> jwts;
  Providers<AuthorizerId> authorizers;
  Providers<LimiterId> limiters;
  std::map<std::string, int> limit_names;  // how many limits have the name so far
  std::map<const dsl::Item*, std::vector<LimitId>> counted_limits;  // those of `limit by`
  // Of limits behind a transformation, the ones that ask about what it was made from.
  std::map<std::pair<const dsl::Item*, LimitId>, LimitId> followed_limits;
  std::set<const dsl::PolicyDecl*> used_policies;  // that selected something
  std::map<std::pair<dsl::PolicyDecl::On, WorkspaceId>, std::vector<const dsl::PolicyDecl*>>
      policies_by_section;  // made at the first look
  // Services by cluster, namespace and the account their workloads run under, with one of those
  // workloads; by name. Made at the first look.
  using Account = std::tuple<ClusterId, std::string, std::string>;
  std::map<Account, std::vector<std::pair<ServiceId, WorkloadId>>> services_by_account;
  // Namespaces that are known, with their accounts, over all clusters. Made at the first look.
  std::map<std::string, std::set<std::string>> accounts;

  [[nodiscard]] WorkspaceId Workspace(const dsl::Name& name);  // reports an unknown one
  [[nodiscard]] ClusterId Cluster(const dsl::Name& name);      // reports an unknown one
  [[nodiscard]] std::vector<ClusterId> Clusters(const std::vector<dsl::Name>& names);
  // Workspace of a declaration that needs one; reports its absence.
  [[nodiscard]] WorkspaceId Owner(const dsl::Header& header);
  // Owner of the section, none in the mesh section; never reports twice.
  [[nodiscard]] WorkspaceId Section(const dsl::Header& header);
  // Reports what cannot be resolved, with the nearest name.
  [[nodiscard]] std::optional<ResolvedTarget> QuotedTarget(const dsl::QName& name);
  [[nodiscard]] std::optional<ResolvedTarget> Target(const dsl::QName& name, WorkspaceId scope);
  // The same where no subset can stand: one is refused, with what to write instead.
  [[nodiscard]] std::optional<TargetRef> WholeTarget(const dsl::QName& name, WorkspaceId scope,
                                                     const std::string& instead = "");
  [[nodiscard]] ServiceId ServiceNamed(const dsl::QName& name, WorkspaceId scope,
                                       const std::string& instead = "");
  [[nodiscard]] GatewayId Gateway(const dsl::QName& name, WorkspaceId scope);
  // That of the scope's own section, else of the mesh section, else the only one of the name;
  // reports an unknown one, and one of which other workspaces have several.
  [[nodiscard]] JwtId Jwt(const dsl::Name& name, WorkspaceId scope);
  [[nodiscard]] AuthorizerId Authorizer(const dsl::Name& name, WorkspaceId scope);
  [[nodiscard]] LimiterId Limiter(const dsl::Name& name, WorkspaceId scope);
  // Where nobody says which: the only one of the section, of the mesh section, or that there is.
  [[nodiscard]] LimiterId OnlyLimiter(WorkspaceId scope) const;
  [[nodiscard]] const std::string& NameOf(WorkspaceId id) const;
};

[[nodiscard]] Labels ToLabels(const std::vector<dsl::LabelTerm>& terms);

// ---- in the order they are called
void LowerClusters(Lowering& l);
void LowerWorkspaces(Lowering& l);
void LowerWorkloads(Lowering& l);
void LowerServices(Lowering& l);
void LowerExternals(Lowering& l);
void LowerDestinations(Lowering& l);
void LowerGateways(Lowering& l);
void LowerProviders(Lowering& l);
// Gives them the numbers they have in the Model, in the order of the program.
void IndexProviders(Lowering& l);
void LowerTables(Lowering& l);  // names and attachments, before grants
void LowerGrants(Lowering& l);
void LowerRules(Lowering& l);      // rules of tables, delegation
void LowerEgress(Lowering& l);     // `via` and `expose`
void LowerImporters(Lowering& l);  // policies for what is shared with a workspace; after grants
void LowerGuards(Lowering& l);
void LowerLaws(Lowering& l);
void LowerFilters(Lowering& l);      // settings of gateways, access logs
void LowerRaws(Lowering& l);         // `raw istio`
void WarnIdlePolicies(Lowering& l);  // those that selected nothing; after all that ask for them
void ListUnemitted(Lowering& l);

// ---- shared
[[nodiscard]] Condition LowerCondition(Lowering& l, const dsl::Condition& condition,
                                       WorkspaceId scope);
[[nodiscard]] CallerSet LowerSource(Lowering& l, const dsl::SourceClause& source,
                                    WorkspaceId scope);
[[nodiscard]] std::vector<CallerSet> LowerSources(Lowering& l,
                                                  const std::vector<dsl::SourceClause>& sources,
                                                  WorkspaceId scope);
// JWT providers a condition asks for.
void CollectProviders(const Condition& condition, std::vector<JwtId>& providers);
void ApplyDestinationItem(const dsl::Item& item, DestinationPolicy& policy);
// A name no other limit has: of the workspace, what is limited, and a number from the second on.
[[nodiscard]] std::string NameLimit(Lowering& l, WorkspaceId scope, const std::string& target);
// The limits of `limit by`: one for each descriptor of the tree that what is sent reaches. All
// targets of the item count together, as they send the same.
[[nodiscard]] std::vector<LimitId> AddCountedLimits(Lowering& l, const dsl::Item& item,
                                                    const dsl::CountedLimitItem& limit,
                                                    WorkspaceId scope);
// `target` names what is limited, as part of the limit's name.
[[nodiscard]] LimitId AddLimit(Lowering& l, const dsl::LimitItem& item, Span span,
                               WorkspaceId scope, const std::string& target);
[[nodiscard]] std::optional<ExternalAuthorization> LowerAuthorization(
    Lowering& l, const dsl::AuthorizeItem& item, Span span, WorkspaceId scope);
// nullopt when none of its providers is declared.
[[nodiscard]] std::optional<RouteAuthentication> LowerRouteAuthentication(
    Lowering& l, const dsl::AuthenticateItem& item, Span span, WorkspaceId scope);
[[nodiscard]] Csrf LowerCsrf(const dsl::CsrfItem& item, Span span);
[[nodiscard]] LuaCode LowerCode(const dsl::LuaItem& item, Span span);
[[nodiscard]] HealthCheck LowerHealthCheck(const dsl::HealthCheckItem& item, Span span);
[[nodiscard]] AdaptConcurrency LowerAdapt(const dsl::AdaptConcurrencyItem& item, Span span);
[[nodiscard]] ClientTls LowerClientTls(const dsl::ClientTlsItem& item, Span span);
[[nodiscard]] PortProtocol LowerProtocol(dsl::Protocol protocol);

// An item and where it came from, for choosing between several.
struct RankedItem {
  const dsl::Item* item = nullptr;
  int rank = 0;  // larger stands nearer to the target
};
inline constexpr int kRankSelected = 1;  // a policy that selects by labels or `all`
inline constexpr int kRankNamed = 2;     // a policy that names the target
inline constexpr int kRankTable = 3;     // the route's own block
inline constexpr int kRankOwn = 4;       // the block of the rule, service, destination itself

// One item per kind (all of the kinds that add up): override before priority before rank. Two of
// equal rank are reported.
[[nodiscard]] std::vector<const dsl::Item*> ChooseItems(Lowering& l,
                                                        const std::vector<RankedItem>& items);

// What a policy can select: a service, destination, external, table, rule or gateway.
struct Selectable {
  std::string name;
  WorkspaceId workspace;
  std::string ns;
  Labels labels;
};
// Whether the selection, written in `section`, selects the object. Its clusters and port are left
// to whoever knows where the object runs.
[[nodiscard]] bool Matches(Lowering& l, const dsl::Selection& selection, WorkspaceId section,
                           const Selectable& object);
[[nodiscard]] bool PolicySelects(Lowering& l, const dsl::PolicyDecl& policy,
                                 const Selectable& object);
// Adds the items of every policy `on` that kind that selects the object; `level` is added to their
// rank.
void AddPolicies(Lowering& l, dsl::PolicyDecl::On on, const Selectable& object,
                 std::vector<RankedItem>& items, int level = 0);
// Client-side items for a service, destination or external: of policies and of its own block.
[[nodiscard]] DestinationPolicy DestinationItems(Lowering& l, dsl::PolicyDecl::On on,
                                                 const Selectable& object,
                                                 const std::vector<dsl::Item>& own);

// A world to check a policy in before anything is deployed: declared services run in their clusters
// with one ready workload each (one per subset), gateways where they are declared.
[[nodiscard]] Inventory DeclaredWorld(const dsl::Program& program);

// Whether `pattern` with `*` for any run of characters admits `text`.
[[nodiscard]] bool GlobMatches(std::string_view pattern, std::string_view text);

}  // namespace weft::engine
