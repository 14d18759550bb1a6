// Shared state of reading Gloo objects; internal to dsl/gloo. Each `Read…` function turns the
// objects of some kinds into declarations, in the order dsl/gloo/read.cc calls them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "dsl/declarations.h"
#include "dsl/diagnostic.h"
#include "dsl/gloo/discovered.h"
#include "dsl/gloo/object.h"

namespace weft::gloo {

// A value of an object that remembers which of its fields were read: what nobody reads is reported
// in the end, so that nothing is lost in silence.
class View {
 public:
  View() = default;
  View(const yaml::Node* node, std::unordered_set<const yaml::Node*>* read)
      : node_(node), read_(read) {
    if (node_ != nullptr) read_->insert(node_);
  }

  // Whether there is a value; `null` is none.
  explicit operator bool() const { return node_ != nullptr && !node_->IsNull(); }
  [[nodiscard]] Span span() const { return node_ == nullptr ? Span{} : node_->span; }
  [[nodiscard]] const yaml::Node* node() const { return node_; }
  [[nodiscard]] bool Has(std::string_view name) const {
    return node_ != nullptr && node_->Find(name) != nullptr && !node_->Find(name)->IsNull();
  }
  [[nodiscard]] View operator[](std::string_view name) const;
  [[nodiscard]] std::vector<View> List(std::string_view name) const;
  // Key (with its place) and value of each entry.
  [[nodiscard]] std::vector<std::pair<dsl::Str, View>> Map(std::string_view name) const;
  [[nodiscard]] std::vector<dsl::LabelTerm> LabelsOf(std::string_view name) const;
  [[nodiscard]] std::vector<dsl::Str> Strings(std::string_view name) const;
  // Nothing when absent, empty or of another type.
  [[nodiscard]] std::optional<dsl::Str> String(std::string_view name) const;
  [[nodiscard]] std::string Text(std::string_view name) const;
  [[nodiscard]] std::optional<Spanned<bool>> Bool(std::string_view name) const;
  [[nodiscard]] bool IsTrue(std::string_view name) const;
  [[nodiscard]] std::optional<dsl::Number> Int(std::string_view name) const;
  [[nodiscard]] std::optional<dsl::Percent> Share(std::string_view name) const;
  [[nodiscard]] std::optional<dsl::Duration> Duration(std::string_view name) const;
  [[nodiscard]] std::optional<dsl::Port> Port(std::string_view name) const;
  // All that stands below counts as read.
  void TakeAll() const;

 private:
  const yaml::Node* node_ = nullptr;
  std::unordered_set<const yaml::Node*>* read_ = nullptr;
};

// (cluster, namespace) clauses of one workspace.
struct WorkspaceClause {
  std::set<std::string> clusters;  // empty: every cluster
  bool every_cluster = false;
  std::vector<std::string> names;  // patterns; empty: any
  Labels labels;                   // of the namespace
  bool config = true;
};
struct WorkspaceInfo {
  const Object* object = nullptr;
  std::vector<WorkspaceClause> clauses;
};

// A reference (name, namespace, cluster) with the defaults filled in.
struct Ref {
  std::string name, ns, cluster;
  bool cluster_given = false;
  Span span;
};

// Routes that lead to some destinations get a label, so that a policy can select them.
struct RouteMark {
  const Object* object = nullptr;  // the policy
  std::string kind, name, ns;
  Labels labels;
  dsl::LabelTerm mark;
};
// What an AccessPolicy says of an external service behind an egress gateway.
struct EgressRule {
  const Object* object = nullptr;
  dsl::ExternalDecl external;
  std::vector<dsl::AccessClause> clauses;
};

// What a destination of a route was read from.
struct TargetFact {
  std::string kind;
  Ref ref;
  const Object* object = nullptr;  // none for services
};

// Objects and services by what they are looked up by.
struct Index {
  std::map<std::string, std::vector<const Object*>, std::less<>> of_kind;
  // By kind, namespace and name.
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<const Object*>> named;
  // When the objects of a kind and a workspace were made, in order.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> created;
  std::set<std::string> clusters;
  std::map<std::string, std::set<std::string>> homes;  // namespaces that have a service of a name
};

struct Reading {
  const Discovered& discovered;
  Diagnostics& diagnostics;
  dsl::Program& program;
  Objects objects;
  std::unordered_set<const yaml::Node*> read;

  std::map<std::string, WorkspaceInfo> workspaces;
  std::map<std::string, Labels> clusters;    // registered, with labels
  std::map<std::string, std::string> trust;  // trust domains said by lifecycle managers
  std::map<const Object*, std::vector<std::string>> names;  // weft names of objects
  std::map<std::pair<std::string, std::string>, std::set<std::string>> taken;  // (scope, workspace)
  std::map<std::pair<std::string, std::string>, dsl::ServiceDecl>
      services;                                                  // with subsets, (ns, name)
  std::set<std::pair<const Object*, const Object*>> binds;       // (VirtualGateway, RouteTable)
  std::map<std::string, Spanned<dsl::ClientMode>> client_modes;  // of destinations, by workspace
  // Destinations made for federated services: (cluster, ns, name) to (workspace, name).
  std::map<std::tuple<std::string, std::string, std::string>, std::pair<std::string, std::string>>
      federated;
  std::map<Span, TargetFact> targets;  // by the place of the destination
  std::vector<RouteMark> marks;
  std::map<std::string, std::vector<EgressRule>> egress;  // by gateway
  bool places = false;  // some selection narrows by namespace or cluster what has none in weft

  // ---- objects
  [[nodiscard]] View Spec(const Object& object) { return View(object.spec, &read); }
  // Objects of a kind that are in effect, in order.
  [[nodiscard]] std::vector<const Object*> OfKind(std::string_view kind) const;
  [[nodiscard]] dsl::Header HeaderOf(const Object& object, const std::string& name) const;
  [[nodiscard]] const std::string& NameOf(const Object& object) const;
  // The object a reference means, of that kind; nullptr when there is none.
  [[nodiscard]] const Object* Find(std::string_view kind, const Ref& ref) const;

  // ---- places
  // Owner of a namespace, "" for none. `config` tells whether configuration is read from it.
  [[nodiscard]] std::string OwnerOf(const std::string& cluster, const std::string& ns,
                                    bool* config = nullptr) const;
  // Discovered services of the workspace, of every cluster.
  using Found = std::pair<const std::pair<std::string, std::string>, DiscoveredService>;
  [[nodiscard]] const std::vector<const Found*>& ServicesOf(const std::string& workspace) const;
  // Owner of a namespace in any cluster.
  [[nodiscard]] std::string OwnerAnywhere(const std::string& ns) const;
  [[nodiscard]] std::set<std::string> ClusterNames() const;

  // ---- names
  // A weft name not taken in the scope: `wanted`, else with `-suffix`, else with a number.
  [[nodiscard]] std::string Name(const std::string& scope, const std::string& workspace,
                                 const std::string& wanted, const std::string& suffix);
  // The service as weft names it: bare where that is unambiguous, else "name.namespace".
  [[nodiscard]] dsl::QName Service(const std::string& name, const std::string& ns, Span span) const;
  // A declared thing of another workspace is named with it.
  [[nodiscard]] dsl::QName Named(const Object& object, const std::string& name,
                                 const std::string& from, Span span) const;

  // ---- common fields
  [[nodiscard]] Ref ReadRef(const View& view, const Object& from) const;
  // Number of a port; a name is looked up among the ports of the services.
  [[nodiscard]] std::optional<dsl::Port> ReadPort(
      const View& view,
      const std::function<bool(const std::string& cluster, const std::string& ns,
                               const std::string& name, const DiscoveredService& service)>& of)
      const;
  // What a DestinationReference names; nullopt (reported) when it is not there.
  [[nodiscard]] std::optional<dsl::Target> ReadTarget(const View& view, const Object& from);
  // Of several policies of one kind the oldest wins, where their ages are known.
  void RankByAge(const Object& object, dsl::Item& item) const;
  // Namespace and cluster of what has none in weft, as labels.
  void AddPlace(const View& selector, std::vector<dsl::LabelTerm>& labels);
  [[nodiscard]] static std::vector<dsl::Name> OneName(const std::optional<dsl::Str>& name);

  // Made at the first look; `objects` stays as it is from then on.
  [[nodiscard]] const Index& index() const;
  void ForgetIndex() { index_.reset(); }

  [[nodiscard]] const WorkspaceClause* ClauseOf(const std::string& cluster, const std::string& ns,
                                                std::string& owner) const;
  mutable std::optional<Index> index_;
  mutable std::map<std::string, std::vector<const Found*>> services_of_;  // by workspace
  // Owner and whether its configuration counts, by cluster and namespace.
  mutable std::map<std::pair<std::string, std::string>, std::pair<std::string, bool>> owners_;
};

// Whether an ObjectSelector (labels, name, namespace, cluster, workspace) selects the object.
[[nodiscard]] bool SelectsObject(const View& selector, const Object& object);
[[nodiscard]] bool SelectsLabels(const Labels& wanted, const Labels& labels);
[[nodiscard]] Labels ToLabels(const std::vector<dsl::LabelTerm>& terms);
[[nodiscard]] bool GlobMatches(std::string_view pattern, std::string_view text);
// A name of Kubernetes as a name of weft.
[[nodiscard]] std::string Identifier(std::string_view name);
// "AccessPolicy" -> "access-policy".
[[nodiscard]] std::string KebabCase(std::string_view kind);

// ---- in the order they are called
void FindWorkspaces(Reading& r);  // owners of objects; what is outside is reported
void NameObjects(Reading& r);     // weft names
void ReadClusters(Reading& r);
void ReadWorkspaces(Reading& r);
void ReadExternals(Reading& r);
void ReadDestinations(Reading& r);
void ReadGateways(Reading& r);
void ReadRoutes(Reading& r);
void ReadAccess(Reading& r);
void ReadRoutePolicies(Reading& r);
void ReadDestinationPolicies(Reading& r);
void ReadLifecycles(Reading& r);  // before clusters: they say trust domains
void ReadAdmin(Reading& r);
void ReadLimitPolicies(Reading& r);
void ReadIdentityPolicies(Reading& r);
void ReadFilterPolicies(Reading& r);
void ReadProxyPolicies(Reading& r);
void ReportUnread(Reading& r);

// `exportTo` or `importFrom` of the settings of a workspace.
void ReadShares(Reading& r, const View& spec, std::string_view field, const std::string& self,
                std::vector<dsl::ShareClause>& clauses);

// ---- selections
// The routes a policy applies to; nullopt when it applies to none.
struct Selections {
  dsl::Selection first;
  std::vector<dsl::Selection> more;
};
[[nodiscard]] std::optional<Selections> ReadRouteSelectors(Reading& r, const View& spec,
                                                           const Object& object, bool empty_is_all);
// Destinations by what they are.
struct DestinationSelections {
  std::optional<Selections> services, destinations, externals;
};
enum class Kinds { kServices, kDestinations, kExternals };
[[nodiscard]] DestinationSelections ReadDestinationSelectors(Reading& r, const View& spec,
                                                             const Object& object,
                                                             const std::set<Kinds>& allowed,
                                                             bool empty_is_all,
                                                             bool of_callers = false);
[[nodiscard]] std::optional<Selections> ReadWorkloadSelectors(Reading& r, const View& spec,
                                                              const Object& object,
                                                              bool empty_is_all);

// The policy with these items, on what the object selects.
void AddRoutePolicy(Reading& r, const Object& object, std::vector<dsl::Item> items,
                    bool empty_is_all);
// `of_callers`: the policy is about how the workspace calls things, so that it also selects what
// others share with it.
void AddDestinationPolicy(Reading& r, const Object& object, const std::vector<dsl::Item>& items,
                          const std::set<Kinds>& allowed, bool empty_is_all,
                          bool of_callers = false);

// ---- values
[[nodiscard]] inline dsl::Item ItemOf(decltype(dsl::Item::value) value, Span span) {
  return {.value = std::move(value), .span = span};
}
[[nodiscard]] std::optional<Spanned<Pattern>> ReadStringMatch(const View& view);
[[nodiscard]] dsl::Protocol ReadProtocol(Reading& r, const std::optional<dsl::Str>& text,
                                         dsl::Protocol fallback);
[[nodiscard]] std::optional<dsl::PhaseClause> ReadPhase(const View& view);
[[nodiscard]] dsl::Condition And(std::vector<dsl::Condition> parts);
[[nodiscard]] dsl::Condition Or(std::vector<dsl::Condition> parts);
[[nodiscard]] dsl::Condition Not(dsl::Condition part);
[[nodiscard]] dsl::Condition Of(dsl::Matcher matcher, Span span);
// A header of a route, a log filter or a limit.
[[nodiscard]] dsl::Condition ReadHeaderMatcher(const View& view);

}  // namespace weft::gloo
