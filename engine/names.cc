// Resolution of names: own workspace first, then the mesh section, then what is unique elsewhere.
#include <algorithm>
#include <set>

#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/lowering.h"

namespace weft::engine {
namespace {

std::vector<std::string> VisibleNames(const Lowering& l, WorkspaceId scope) {
  std::vector<std::string> own;
  std::vector<std::string> others;
  for (const auto& [key, target] : l.targets) {
    if (key.first == scope || key.first.IsNone()) {
      own.push_back(key.second);
    } else {
      others.push_back(l.NameOf(key.first) + "." + key.second);
    }
  }
  own.insert(own.end(), others.begin(), others.end());
  return own;
}

const TargetRef* FindIn(const Lowering& l, WorkspaceId scope, const std::string& name) {
  const auto at = l.targets.find({scope, name});
  return at == l.targets.end() ? nullptr : &at->second;
}

// A bare name: own workspace, mesh section, then the only workspace that has it.
const TargetRef* FindBare(Lowering& l, WorkspaceId scope, const dsl::Name& name, bool& reported) {
  if (const TargetRef* found = FindIn(l, scope, name.value)) return found;
  if (const TargetRef* found = FindIn(l, WorkspaceId{}, name.value)) return found;
  const TargetRef* only = nullptr;
  std::vector<std::string> where;
  for (const auto& [text, id] : l.workspaces) {
    if (const TargetRef* found = FindIn(l, id, name.value)) {
      only = found;
      where.push_back(text + "." + name.value);
    }
  }
  if (where.size() <= 1) return only;
  Diagnostic& d = l.diagnostics.Error(codes::kAmbiguous, name.span,
                                      "`" + name.value + "` exists in several workspaces");
  d.help = "write `" + where[0] + "` or `" + where[1] + "`";
  reported = true;
  return nullptr;
}

bool HasSubset(const Model& model, const TargetRef& target, const std::string& name) {
  const auto* service = std::get_if<ServiceId>(&target);
  if (service == nullptr) return false;
  const auto& subsets = model[*service].subsets;
  return std::any_of(subsets.begin(), subsets.end(),
                     [&](const Subset& subset) { return subset.name == name; });
}

void ReportSubset(Lowering& l, const TargetRef& target, const std::string& of,
                  const dsl::Name& name) {
  Diagnostic& d = l.diagnostics.Error(codes::kUnknownSubset, name.span,
                                      "`" + of + "` has no subset `" + name.value + "`");
  const auto* service = std::get_if<ServiceId>(&target);
  if (service == nullptr) return;
  std::vector<std::string> names;
  for (const Subset& subset : l.model[*service].subsets) names.push_back(subset.name);
  const std::string near = NearestName(name.value, names);
  if (near.empty()) return;
  d.help = "did you mean `" + near + "`?";
  d.edit = Edit{name.span, near};
}

}  // namespace

WorkspaceId Lowering::Workspace(const dsl::Name& name) {
  const auto at = workspaces.find(name.value);
  if (at != workspaces.end()) return at->second;
  Diagnostic& d = diagnostics.Error(codes::kUnknownWorkspace, name.span,
                                    "there is no workspace `" + name.value + "`");
  std::vector<std::string> names;
  for (const auto& [text, id] : workspaces) names.push_back(text);
  const std::string near = NearestName(name.value, names);
  if (!near.empty()) {
    d.help = "did you mean `" + near + "`?";
    d.edit = Edit{name.span, near};
  }
  return {};
}

ClusterId Lowering::Cluster(const dsl::Name& name) {
  const ClusterId id = model.FindCluster(name.value);
  // The management cluster is there whether or not anything runs in it.
  if (!id.IsNone() || name.value == kManagementCluster) return id;
  Diagnostic& d = diagnostics.Error(codes::kUnknownCluster, name.span,
                                    "there is no cluster `" + name.value + "`");
  std::vector<std::string> names;
  for (const engine::Cluster& cluster : model.clusters) names.push_back(cluster.name);
  const std::string near = NearestName(name.value, names);
  if (!near.empty()) {
    d.help = "did you mean `" + near + "`?";
    d.edit = Edit{name.span, near};
  }
  return {};
}

std::vector<ClusterId> Lowering::Clusters(const std::vector<dsl::Name>& names) {
  std::vector<ClusterId> ids;
  for (const dsl::Name& name : names) {
    const ClusterId id = Cluster(name);
    if (!id.IsNone()) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

WorkspaceId Lowering::Section(const dsl::Header& header) {
  if (header.owner.empty()) return {};
  return Workspace({header.owner, header.owner_span});
}

WorkspaceId Lowering::Owner(const dsl::Header& header) {
  if (!header.owner.empty()) return Section(header);
  diagnostics.Error(codes::kNoOwner, header.span, "this belongs to no workspace").help =
      "put it below a line `workspace NAME`";
  return {};
}

// `"reviews.bookinfo"`, `"reviews.bookinfo".v2`.
std::optional<ResolvedTarget> Lowering::QuotedTarget(const dsl::QName& name) {
  const std::string& host = name.parts[0].value;
  const std::size_t dot = host.find('.');
  const auto at = services.find({host.substr(dot + 1), host.substr(0, dot)});
  if (at == services.end()) {
    std::vector<std::string> names;
    for (const auto& [key, id] : services) names.push_back(key.second + "." + key.first);
    Diagnostic& d = diagnostics.Error(codes::kUnknownService, name.span,
                                      "no cluster has a service `" + host.substr(0, dot) +
                                          "` in namespace `" + host.substr(dot + 1) + "`");
    const std::string near = NearestName(host, names);
    if (!near.empty()) d.help = "did you mean `" + near + "`?";
    return std::nullopt;
  }
  if (name.parts.size() == 1) return ResolvedTarget{at->second, ""};
  if (HasSubset(model, at->second, name.parts[1].value)) {
    return ResolvedTarget{at->second, name.parts[1].value};
  }
  ReportSubset(*this, at->second, host, name.parts[1]);
  return std::nullopt;
}

std::optional<ResolvedTarget> Lowering::Target(const dsl::QName& name, WorkspaceId scope) {
  bool reported = false;
  const auto& parts = name.parts;
  if (parts.empty()) return std::nullopt;
  if (name.IsQuoted()) return QuotedTarget(name);
  const auto workspace = workspaces.find(parts[0].value);
  if (parts.size() == 1) {
    if (const TargetRef* found = FindBare(*this, scope, parts[0], reported)) {
      return ResolvedTarget{*found, ""};
    }
  } else if (parts.size() == 2) {
    bool quiet = false;
    const TargetRef* own = FindIn(*this, scope, parts[0].value);
    if (own == nullptr && workspace == workspaces.end()) {
      own = FindBare(*this, scope, parts[0], quiet);
    }
    if (own != nullptr && HasSubset(model, *own, parts[1].value)) {
      return ResolvedTarget{*own, parts[1].value};
    }
    if (workspace != workspaces.end()) {
      if (const TargetRef* found = FindIn(*this, workspace->second, parts[1].value)) {
        return ResolvedTarget{*found, ""};
      }
    }
    if (own != nullptr && workspace == workspaces.end()) {
      ReportSubset(*this, *own, parts[0].value, parts[1]);
      return std::nullopt;
    }
  } else if (parts.size() == 3 && workspace != workspaces.end()) {
    const TargetRef* found = FindIn(*this, workspace->second, parts[1].value);
    if (found != nullptr && HasSubset(model, *found, parts[2].value)) {
      return ResolvedTarget{*found, parts[2].value};
    }
    if (found != nullptr) {
      ReportSubset(*this, *found, parts[0].value + "." + parts[1].value, parts[2]);
      return std::nullopt;
    }
  }
  if (reported) return std::nullopt;
  Diagnostic& d = diagnostics.Error(codes::kUnknownWorkload, name.span,
                                    "there is no service or destination `" + name.Text() + "`");
  const std::string near = NearestName(name.Text(), VisibleNames(*this, scope));
  if (name.Text() == "all") {
    d.help = "for everyone say `allow anyone`, for all of a workspace `workspace NAME`";
  } else if (!near.empty()) {
    d.help = "did you mean `" + near + "`?";
    d.edit = Edit{name.span, near};
  }
  return std::nullopt;
}

std::optional<TargetRef> Lowering::WholeTarget(const dsl::QName& name, WorkspaceId scope,
                                               const std::string& instead) {
  const std::optional<ResolvedTarget> resolved = Target(name, scope);
  if (!resolved) return std::nullopt;
  if (resolved->subset.empty()) return resolved->target;
  dsl::QName whole = name;
  whole.parts.pop_back();
  Diagnostic& d = diagnostics.Error(
      codes::kSubsetHere, name.span,
      "`" + name.Text() + "` is a part of `" + whole.Text() + "`; only all of it can stand here");
  d.help = "write `" + whole.Text() + "`" + instead;
  return std::nullopt;
}

ServiceId Lowering::ServiceNamed(const dsl::QName& name, WorkspaceId scope,
                                 const std::string& instead) {
  const std::optional<TargetRef> target = WholeTarget(name, scope, instead);
  if (!target) return {};
  if (const auto* service = std::get_if<ServiceId>(&*target)) return *service;
  diagnostics.Error(codes::kUnknownWorkload, name.span,
                    "`" + name.Text() + "` is no service; a service is expected here");
  return {};
}

GatewayId Lowering::Gateway(const dsl::QName& name, WorkspaceId scope) {
  const auto found = gateways.find(name.parts.back().value);
  std::vector<GatewayId> fitting;
  if (found != gateways.end()) {
    for (const GatewayId id : found->second) {
      if (name.parts.size() < 2 || NameOf(model[id].workspace) == name.parts[0].value) {
        fitting.push_back(id);
      }
    }
  }
  if (fitting.size() > 1) {
    for (const GatewayId id : fitting) {
      if (model[id].workspace == scope) return id;
    }
    const bool one_owner = std::all_of(fitting.begin(), fitting.end(), [&](GatewayId id) {
      return model[id].workspace == model[fitting.front()].workspace;
    });
    if (one_owner) return fitting.front();  // declared twice, which is reported
  }
  if (fitting.size() == 1) return fitting.front();
  Diagnostic& d =
      diagnostics.Error(codes::kUnknownGateway, name.span,
                        fitting.empty() ? "there is no gateway `" + name.Text() + "`"
                                        : "`" + name.Text() + "` names several gateways");
  const auto full = [&](const engine::Gateway& gateway) {
    return NameOf(gateway.workspace) + "." + gateway.name;
  };
  for (const GatewayId id : fitting) {
    d.help += (d.help.empty() ? "write `" : " or `") + full(model[id]) + "`";
  }
  if (!fitting.empty()) return {};
  std::vector<std::string> names;
  for (const engine::Gateway& gateway : model.gateways) names.push_back(full(gateway));
  const std::string near = NearestName(name.Text(), names);
  if (!near.empty()) d.help = "did you mean `" + near + "`?";
  return {};
}

const std::string& Lowering::NameOf(WorkspaceId id) const {
  static const std::string none;
  return id.IsNone() ? none : model[id].name;
}

Labels ToLabels(const std::vector<dsl::LabelTerm>& terms) {
  Labels labels;
  for (const dsl::LabelTerm& term : terms) labels[term.key.value] = term.value.value;
  return labels;
}

bool GlobMatches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace weft::engine
