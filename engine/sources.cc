// Who calls: sources of the language to caller sets of the Model.
#include <algorithm>
#include <set>

#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/lowering.h"
#include "engine/match.h"

namespace weft::engine {
namespace {

bool Wanted(const std::vector<ClusterId>& only, ClusterId cluster) {
  return only.empty() || std::find(only.begin(), only.end(), cluster) != only.end();
}

void AddAccount(const Model& model, const Workload& workload, std::vector<Caller>& callers) {
  Caller caller = IdentitySet{model[workload.cluster].trust_domain, workload.ns, workload.account};
  if (std::find(callers.begin(), callers.end(), caller) == callers.end()) {
    callers.push_back(std::move(caller));
  }
}

void IndexAccounts(Lowering& l) {
  if (!l.services_by_account.empty()) return;
  for (const auto& [name, id] : l.services) {
    for (const ServiceInstance& instance : l.model[id].instances) {
      for (const WorkloadId workload : instance.workloads) {
        const Workload& w = l.model[workload];
        l.services_by_account[{w.cluster, w.ns, w.account}].emplace_back(id, workload);
      }
    }
  }
}

// Another service of the namespace that runs under the account, which a rule then admits too.
void WarnShared(Lowering& l, ServiceId id, const Workload& workload, Span span) {
  IndexAccounts(l);
  const auto at = l.services_by_account.find({workload.cluster, workload.ns, workload.account});
  if (at == l.services_by_account.end()) return;
  const std::vector<WorkloadId>& own = l.model[id].In(workload.cluster)->workloads;
  for (const auto& [service, other] : at->second) {
    if (service == id || std::find(own.begin(), own.end(), other) != own.end()) continue;
    Diagnostic& d =
        l.diagnostics.Warning(codes::kSharedAccount, span,
                              "`" + l.model[id].name + "` and `" + l.model[service].name +
                                  "` share the service account `" + workload.ns + "/" +
                                  workload.account + "`: what admits one admits both");
    d.clusters = {l.model[workload.cluster].name};
    return;
  }
}

void AddService(Lowering& l, ServiceId id, const std::vector<ClusterId>& only, CallerSet& set) {
  for (const ServiceInstance& instance : l.model[id].instances) {
    if (!Wanted(only, instance.cluster)) continue;
    for (const WorkloadId workload : instance.workloads) {
      AddAccount(l.model, l.model[workload], set.any_of);
      WarnShared(l, id, l.model[workload], set.span);
    }
  }
}

void AddGatewayCallers(Lowering& l, GatewayId id, const std::vector<ClusterId>& only,
                       CallerSet& set) {
  for (const WorkloadId workload : l.model[id].workloads) {
    if (Wanted(only, l.model[workload].cluster)) {
      AddAccount(l.model, l.model[workload], set.any_of);
    }
  }
}

void AddWorkspace(Lowering& l, WorkspaceId id, const std::vector<ClusterId>& only, CallerSet& set) {
  set.workspaces.push_back(id);
  for (const auto& [cluster, ns] : l.model[id].namespaces) {
    if (!Wanted(only, cluster)) continue;
    set.any_of.emplace_back(IdentitySet{l.model[cluster].trust_domain, ns, std::nullopt});
  }
}

void AddIdentities(Lowering& l, const std::optional<std::string>& ns,
                   const std::optional<std::string>& account, const std::vector<ClusterId>& only,
                   CallerSet& set) {
  if (only.empty()) {
    set.any_of.emplace_back(IdentitySet{std::nullopt, ns, account});
    return;
  }
  for (const ClusterId cluster : only) {
    set.any_of.emplace_back(IdentitySet{l.model[cluster].trust_domain, ns, account});
  }
}

// Callers are told apart by their service accounts.
constexpr const char* kCallerInstead =
    ", or `account \"NAMESPACE/NAME\"` where the part runs under an account of its own";

// Everything but the namespaces of the workspace, callers without identity included.
void AddOutsideOf(Lowering& l, WorkspaceId id, CallerSet& set) {
  OutsideOf outside;
  for (const auto& [cluster, ns] : l.model[id].namespaces) {
    outside.sets.push_back({l.model[cluster].trust_domain, ns, std::nullopt});
  }
  set.any_of.emplace_back(std::move(outside));
}

// A bare name: service or destination of the scope, else a gateway, else a workspace.
void AddNamed(Lowering& l, const dsl::QName& name, WorkspaceId scope,
              const std::vector<ClusterId>& only, CallerSet& set) {
  const std::string& first = name.parts.front().value;
  const std::string& last = name.parts.back().value;
  const bool bare = name.parts.size() == 1;
  const bool is_target =
      bare && (l.targets.contains({scope, last}) || l.targets.contains({WorkspaceId{}, last}));
  if (!is_target && l.gateways.contains(last)) {
    const GatewayId gateway = l.Gateway(name, scope);
    if (!gateway.IsNone()) AddGatewayCallers(l, gateway, only, set);
    return;
  }
  if (!is_target && bare && l.workspaces.contains(first)) {
    AddWorkspace(l, l.workspaces[first], only, set);
    return;
  }
  const ServiceId service = l.ServiceNamed(name, scope, kCallerInstead);
  if (!service.IsNone()) AddService(l, service, only, set);
}

// Fills in `accounts`: every namespace that is discovered or that a workspace owns.
void IndexNamespaces(Lowering& l) {
  if (!l.accounts.empty()) return;
  l.accounts[l.model.root_namespace];
  for (const auto& [key, owner] : l.owners) l.accounts[key.second];
  for (const Workload& workload : l.model.workloads) {
    l.accounts[workload.ns].insert(workload.account);
  }
  for (const KubeCluster& cluster : l.inventory.clusters) {
    for (const KubeNamespace& ns : cluster.namespaces) l.accounts[ns.name];
    for (const auto& [ns, account] : cluster.service_accounts) l.accounts[ns].insert(account);
  }
}

// Warns of a namespace that is written out and that no cluster has; and of names that look
// misspelt. Accounts may well be to come, and without an inventory nobody knows what runs.
void WarnNobody(Lowering& l, const dsl::Str& name, const std::string& ns,
                const std::string& account) {
  IndexNamespaces(l);
  const auto at = l.accounts.find(ns);
  const bool known = at != l.accounts.end();
  if (known && (account.empty() || at->second.contains(account))) return;
  std::vector<std::string> candidates;
  if (known) {
    candidates.assign(at->second.begin(), at->second.end());
  } else {
    for (const auto& [one, accounts] : l.accounts) candidates.push_back(one);
  }
  const std::string near = NearestName(known ? account : ns, candidates);
  if (near.empty() && (known || !l.discovered)) return;
  const std::string state = l.discovered ? "discovered" : "declared";
  Diagnostic& d =
      l.diagnostics.Warning(known ? codes::kEmptySource : codes::kUnknownNamespace, name.span,
                            (known ? "account `" + name.value : "namespace `" + ns) + "` is not " +
                                state + "; nobody is such a caller today");
  if (!near.empty()) d.help = "did you mean `" + (known ? ns + "/" : "") + near + "`?";
}

std::string AccountsText(const dsl::Selection& selection) {
  std::string text = "accounts";
  for (const dsl::QName& name : selection.names) text += " " + name.Text();
  for (const dsl::LabelTerm& term : selection.labels) {
    text += " " + term.key.value + "=" + term.value.value;
  }
  if (selection.in_namespace) text += " in namespace \"" + selection.in_namespace->value + "\"";
  if (selection.workspace) text += " of workspace " + selection.workspace->value;
  return text;
}

// Workspaces a workspace takes anything from, and itself.
std::set<WorkspaceId> InSight(const Lowering& l, WorkspaceId scope) {
  std::set<WorkspaceId> seen{scope};
  for (std::uint32_t i = 0; i < l.model.workspaces.size(); ++i) {
    for (const auto& [to, span] : l.model.workspaces[i].exports_to) {
      if (to == scope) seen.insert({i});
    }
  }
  return seen;
}

bool SelectsAccount(Lowering& l, const dsl::Selection& selection, WorkspaceId owner,
                    const std::string& ns, const std::string& name, const Labels& labels) {
  if (selection.in_namespace && selection.in_namespace->value != ns) return false;
  if (selection.workspace && l.NameOf(owner) != selection.workspace->value) return false;
  const bool named =
      selection.names.empty() || std::any_of(selection.names.begin(), selection.names.end(),
                                             [&](const dsl::QName& n) { return n.Text() == name; });
  return named && Selects(ToLabels(selection.labels), labels);
}

// A selection that says name, namespace and cluster stands for an account that is to come, too.
bool AddFutureAccount(const Lowering& l, const dsl::Selection& selection,
                      const std::vector<ClusterId>& only, CallerSet& set) {
  if (selection.names.empty() || !selection.in_namespace || !selection.labels.empty()) return false;
  for (const ClusterId cluster : only) {
    for (const dsl::QName& name : selection.names) {
      set.any_of.emplace_back(
          IdentitySet{l.model[cluster].trust_domain, selection.in_namespace->value, name.Text()});
    }
  }
  return !only.empty();
}

void AddAccounts(Lowering& l, const dsl::SourceAccounts& source, WorkspaceId scope,
                 const std::vector<ClusterId>& given, CallerSet& set) {
  const dsl::Selection& selection = source.selection;
  std::vector<ClusterId> only = l.Clusters(selection.clusters);
  only.insert(only.end(), given.begin(), given.end());
  const bool anywhere = scope.IsNone() || selection.in_namespace || selection.workspace;
  const std::set<WorkspaceId> sight = InSight(l, scope);
  static const Labels kNoLabels;
  for (std::uint32_t i = 0; i < l.model.clusters.size(); ++i) {
    const KubeCluster* found = l.inventory.Find(l.model.clusters[i].name);
    if (found == nullptr || !Wanted(only, {i})) continue;
    for (const auto& key : found->service_accounts) {
      if (selection.in_namespace && selection.in_namespace->value != key.first) continue;
      const auto labelled = found->account_labels.find(key);
      const Labels& labels = labelled == found->account_labels.end() ? kNoLabels : labelled->second;
      const WorkspaceId owner = l.model.OwnerOf({i}, key.first);
      if (!anywhere && !sight.contains(owner)) continue;
      if (!SelectsAccount(l, selection, owner, key.first, key.second, labels)) continue;
      set.any_of.emplace_back(IdentitySet{l.model.clusters[i].trust_domain, key.first, key.second});
    }
  }
  if (!set.any_of.empty()) return;
  Diagnostic& d = l.diagnostics.Warning(codes::kNothingSelected, set.span,
                                        "no discovered service account matches this");
  d.help = AddFutureAccount(l, selection, only, set)
               ? "it is admitted once it exists"
               : "nobody is admitted by it; name, namespace and cluster together would admit an "
                 "account that is to come";
}

// `from s on a, b`: the name of a cluster where a caller is named; false when it is none.
bool RefuseCluster(Lowering& l, const dsl::SourceClause* before, const dsl::SourceClause& source,
                   WorkspaceId scope) {
  const auto* named = std::get_if<dsl::SourceName>(&source.value);
  if (named == nullptr || named->name.parts.size() != 1 || named->name.IsQuoted()) return false;
  const std::string& name = named->name.parts.front().value;
  const bool known = l.targets.contains({scope, name}) ||
                     l.targets.contains({WorkspaceId{}, name}) || l.gateways.contains(name) ||
                     l.workspaces.contains(name);
  if (known || l.model.FindCluster(name).IsNone()) return false;
  Diagnostic& d = l.diagnostics.Error(codes::kUnknownWorkload, named->name.span,
                                      "`" + name + "` is a cluster, and no caller");
  if (before == nullptr || before->clusters.empty()) {
    d.help = "write `from SOURCE on " + name + "`, such as `from any identity on " + name + "`";
    return true;
  }
  std::string list = "[";
  for (const dsl::Name& cluster : before->clusters) list += cluster.value + ", ";
  list += name + "]";
  d.help = "several clusters stand in brackets: `on " + list + "`";
  d.edit = Edit{Join(before->clusters.front().span, named->name.span), list};
  return true;
}

// `cluster.local` in a whole identity stands for the trust domains of the mesh, as Istio takes it
// (pilot/pkg/security/trustdomain), unless it is one of them.
void AddIdentityPattern(const Lowering& l, const Pattern& pattern, CallerSet& set) {
  static constexpr std::string_view kAlias = "spiffe://cluster.local/ns/";
  const auto* exact = std::get_if<Exact>(&pattern);
  const bool taken =
      std::any_of(l.model.clusters.begin(), l.model.clusters.end(),
                  [](const Cluster& c) { return c.trust_domain == "cluster.local"; });
  if (exact != nullptr && !taken && exact->value.starts_with(kAlias)) {
    const std::string_view rest = std::string_view(exact->value).substr(kAlias.size());
    const std::size_t account = rest.find("/sa/");
    if (account != std::string_view::npos) {
      set.any_of.emplace_back(IdentitySet{std::nullopt, std::string(rest.substr(0, account)),
                                          std::string(rest.substr(account + 4))});
      return;
    }
  }
  set.any_of.emplace_back(IdentityPattern{pattern});
}

std::string SourceText(const dsl::SourceClause& source) {
  return std::visit(
      Overloaded{
          [](const dsl::SourceAnyone&) { return std::string("anyone"); },
          [](const dsl::SourceAnyIdentity&) { return std::string("any identity"); },
          [](const dsl::SourceOutside&) { return std::string("outside"); },
          [](const dsl::SourceService& s) { return s.name.Text(); },
          [](const dsl::SourceGateway& s) { return "gateway " + s.name.Text(); },
          [](const dsl::SourceWorkspace& s) {
            return (s.outside ? "outside workspace " : "workspace ") + s.name.value;
          },
          [](const dsl::SourceNamespace& s) { return "namespace \"" + s.name.value + "\""; },
          [](const dsl::SourceAccount& s) { return "account \"" + s.account.value + "\""; },
          [](const dsl::SourceAccounts& s) { return AccountsText(s.selection); },
          [](const dsl::SourceIdentity& s) { return "identity " + Describe(s.pattern); },
          [](const dsl::SourceName& s) { return s.name.Text(); },
      },
      source.value);
}

}  // namespace

CallerSet LowerSource(Lowering& l, const dsl::SourceClause& source, WorkspaceId scope) {
  CallerSet set{.any_of = {}, .workspaces = {}, .text = SourceText(source), .span = source.span};
  const std::vector<ClusterId> only = l.Clusters(source.clusters);
  const std::size_t errors = l.diagnostics.errors();
  std::visit(Overloaded{
                 [&](const dsl::SourceAnyone&) { set.any_of.emplace_back(AnyCaller{}); },
                 [&](const dsl::SourceAnyIdentity&) {
                   AddIdentities(l, std::nullopt, std::nullopt, only, set);
                 },
                 [&](const dsl::SourceOutside&) { set.any_of.emplace_back(NoIdentity{}); },
                 [&](const dsl::SourceService& s) {
                   const ServiceId id = l.ServiceNamed(s.name, scope, kCallerInstead);
                   if (!id.IsNone()) AddService(l, id, only, set);
                 },
                 [&](const dsl::SourceGateway& s) {
                   const GatewayId id = l.Gateway(s.name, scope);
                   if (!id.IsNone()) AddGatewayCallers(l, id, only, set);
                 },
                 [&](const dsl::SourceWorkspace& s) {
                   const WorkspaceId id = l.Workspace(s.name);
                   if (id.IsNone()) return;
                   if (s.outside) {
                     AddOutsideOf(l, id, set);
                   } else {
                     AddWorkspace(l, id, only, set);
                   }
                 },
                 [&](const dsl::SourceNamespace& s) {
                   WarnNobody(l, s.name, s.name.value, "");
                   AddIdentities(l, s.name.value, std::nullopt, only, set);
                 },
                 [&](const dsl::SourceAccount& s) {
                   const std::size_t slash = s.account.value.find('/');
                   const std::string ns = s.account.value.substr(0, slash);
                   const std::string account =
                       slash == std::string::npos ? "" : s.account.value.substr(slash + 1);
                   WarnNobody(l, s.account, ns, account);
                   AddIdentities(l, ns, account, only, set);
                 },
                 [&](const dsl::SourceAccounts& s) { AddAccounts(l, s, scope, only, set); },
                 [&](const dsl::SourceIdentity& s) { AddIdentityPattern(l, s.pattern, set); },
                 [&](const dsl::SourceName& s) { AddNamed(l, s.name, scope, only, set); },
             },
             source.value);
  if (set.any_of.empty() && l.diagnostics.errors() == errors) {
    l.diagnostics.Warning(codes::kEmptySource, source.span,
                          "`" + set.text + "` matches nothing that is discovered");
  }
  return set;
}

std::vector<CallerSet> LowerSources(Lowering& l, const std::vector<dsl::SourceClause>& sources,
                                    WorkspaceId scope) {
  std::vector<CallerSet> sets;
  const dsl::SourceClause* before = nullptr;
  for (const dsl::SourceClause& source : sources) {
    if (!RefuseCluster(l, before, source, scope)) sets.push_back(LowerSource(l, source, scope));
    before = &source;
  }
  return sets;
}

}  // namespace weft::engine
