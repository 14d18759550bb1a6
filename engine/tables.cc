// Route tables: their hosts and where they are attached. Their rules follow in engine/routes.cc,
// once it is known who shares what.
#include <algorithm>

#include "engine/codes.h"
#include "engine/hosts.h"
#include "engine/lowering.h"
#include "engine/match.h"

namespace weft::engine {
namespace {

bool Covers(const std::string& pattern, const std::string& host) {
  return pattern == host || pattern == "*" || HostMatches(pattern, host);
}

bool Accepts(const Gateway& gateway, WorkspaceId workspace, const std::string& host) {
  if (gateway.accepts.empty()) return gateway.workspace == workspace;
  return std::any_of(gateway.accepts.begin(), gateway.accepts.end(), [&](const Accept& accept) {
    const bool from =
        accept.all || gateway.workspace == workspace ||
        std::find(accept.from.begin(), accept.from.end(), workspace) != accept.from.end();
    const bool hosts =
        accept.hosts.empty() || std::any_of(accept.hosts.begin(), accept.hosts.end(),
                                            [&](const std::string& h) { return Covers(h, host); });
    return from && hosts;
  });
}

void CheckAccepted(Lowering& l, const dsl::QName& name, const Table& table, GatewayId id) {
  const Gateway& gateway = l.model[id];
  for (const std::string& host : table.hosts) {
    if (Accepts(gateway, table.workspace, host)) continue;
    Diagnostic& d =
        l.diagnostics.Error(codes::kNotAccepted, name.span,
                            "gateway `" + gateway.name + "` does not accept routes of `" +
                                l.NameOf(table.workspace) + "` for host `" + host + "`");
    for (const Accept& accept : gateway.accepts) {
      d.related.push_back({accept.span, "what it accepts"});
    }
    if (gateway.accepts.empty()) {
      d.related.push_back({gateway.span, "accepts routes of its own workspace only"});
    }
    d.help = "its owner can add `accept routes from [" + l.NameOf(table.workspace) +
             "] for hosts [\"" + host + "\"]`";
  }
}

// A host in quotes that is the short name of something in sight means that thing.
void AddHost(Lowering& l, const dsl::Str& host, Table& table) {
  const bool bare = host.value.find('.') == std::string::npos && host.value != "*";
  if (bare && table.gateways.empty()) {
    for (const WorkspaceId scope : {table.workspace, WorkspaceId{}}) {
      const auto at = l.targets.find({scope, host.value});
      if (at == l.targets.end()) continue;
      for (std::string& name : HostsOf(l.model, at->second)) table.hosts.push_back(std::move(name));
      return;
    }
  }
  table.hosts.push_back(Fold(host.value));
}

void AddTable(Lowering& l, const dsl::RouteDecl& decl) {
  Table table{.name = decl.header.name.value,
              .workspace = l.Owner(decl.header),
              .hosts = {},
              .gateways = {},
              .on_sidecars = decl.on_sidecars,
              .workloads = {},
              .sidecars_of = {},
              .rules = {},
              .grants = {},
              .labels = ToLabels(decl.header.labels),
              .root = !decl.is_table,
              .span = decl.header.span};
  if (decl.on_invalid) table.on_invalid = static_cast<OnInvalid>(decl.on_invalid->value);
  if (decl.weight) table.weight = decl.weight->value;
  if (decl.workloads) table.workloads = ToLabels(decl.workloads->labels);
  for (const dsl::QName& name : decl.gateways) {
    const GatewayId id = l.Gateway(name, table.workspace);
    if (!id.IsNone()) table.gateways.push_back(id);
  }
  for (const dsl::Str& host : decl.hosts) AddHost(l, host, table);
  for (const dsl::QName& name : decl.for_names) {
    const std::optional<TargetRef> target = l.WholeTarget(name, table.workspace);
    if (!target) continue;
    for (std::string& host : HostsOf(l.model, *target)) {
      table.hosts.push_back(std::move(host));
    }
  }
  for (std::size_t i = 0; i < table.gateways.size(); ++i) {
    const std::size_t at = std::min(i, decl.gateways.size() - 1);
    CheckAccepted(l, decl.gateways[at], table, table.gateways[i]);
  }
  l.tables.try_emplace({table.workspace, table.name},
                       TableId{static_cast<std::uint32_t>(l.model.tables.size())});
  l.model.tables.push_back(std::move(table));
}

}  // namespace

void LowerTables(Lowering& l) {
  for (const dsl::RouteDecl& decl : l.program.routes) AddTable(l, decl);
}

}  // namespace weft::engine
