// Requests that leave the mesh: which external services lead through a gateway, and to which ones a
// gateway lets its routes send.
#include <algorithm>

#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/hosts.h"
#include "engine/lowering.h"

namespace weft::engine {
namespace {

bool Exposes(Lowering& l, const dsl::ExposeClause& clause, const External& external) {
  const auto named = [&](const dsl::Str& wanted) {
    return std::any_of(external.hosts.begin(), external.hosts.end(), [&](const std::string& host) {
      return wanted.value == host || HostMatches(wanted.value, host);
    });
  };
  const bool host =
      clause.hosts.empty() || std::any_of(clause.hosts.begin(), clause.hosts.end(), named);
  return host && Matches(l, clause.externals, WorkspaceId{},
                         {external.name, external.workspace, "", external.labels});
}

// Without any clause, of its own or of the gateway, a listener exposes every external service.
bool Exposes(Lowering& l, const dsl::GatewayDecl& decl, const dsl::Listener& listener,
             const External& external) {
  if (decl.exposes.empty() && listener.exposes.empty()) return true;
  const auto any = [&](const std::vector<dsl::ExposeClause>& clauses) {
    return std::any_of(clauses.begin(), clauses.end(), [&](const dsl::ExposeClause& clause) {
      return Exposes(l, clause, external);
    });
  };
  return any(decl.exposes) || any(listener.exposes);
}

bool TakesHttp(const Listener& listener) {
  const bool http =
      listener.protocol != PortProtocol::kTcp && listener.protocol != PortProtocol::kTls;
  return http && !listener.redirect_https && listener.tls != TlsMode::kPassthrough &&
         listener.tls != TlsMode::kAutoPassthrough;
}

bool HasHosts(const Listener& listener, const External& external) {
  return listener.hosts.empty() ||
         std::all_of(external.hosts.begin(), external.hosts.end(), [&](const std::string& host) {
           return BestHost(listener.hosts, host).has_value();
         });
}

// The listener that takes requests for the external service; one that knows its callers goes first.
std::optional<std::uint32_t> FindListener(Lowering& l, GatewayId id, const External& external) {
  const dsl::GatewayDecl& decl = l.program.gateways[id.index()];
  const Gateway& gateway = l.model[id];
  std::optional<std::uint32_t> found;
  for (std::uint32_t i = 0; i < gateway.listeners.size(); ++i) {
    const Listener& listener = gateway.listeners[i];
    if (!TakesHttp(listener) || !HasHosts(listener, external)) continue;
    if (!Exposes(l, decl, decl.listeners[i], external)) continue;
    if (listener.tls == TlsMode::kIstioMutual) return i;
    if (!found) found = i;
  }
  return found;
}

void AddVia(Lowering& l, const dsl::ExternalDecl& decl, External& external) {
  const GatewayId gateway = l.Gateway(*decl.via, external.workspace);
  if (gateway.IsNone()) return;
  bool any = false;
  for (External::Port& port : external.ports) {
    port.via = !decl.via_port || port.port.number == decl.via_port->value;
    any = any || port.via;
  }
  if (!any) {
    l.diagnostics.Error(
        codes::kUnknownPort, decl.via_port->span,
        "external `" + external.name + "` has no port " + std::to_string(decl.via_port->value));
    return;
  }
  external.via = gateway;
  if (const auto listener = FindListener(l, gateway, external)) {
    external.via_listener = *listener;
    return;
  }
  for (External::Port& port : external.ports) port.via = false;
  external.via = {};
  Diagnostic& d = l.diagnostics.Error(codes::kNotExposed, decl.via->span,
                                      "no listener of gateway `" + l.model[gateway].name +
                                          "` takes requests for external `" + external.name + "`");
  d.related.push_back({l.model[gateway].span, "the gateway"});
  d.help =
      "it needs a listener for HTTP, `listen 443 https { tls istio-mutual }`, whose `hosts` and "
      "`expose` admit it";
}

void CheckExposed(Lowering& l, const Table& table, const Forward& forward, ExternalId id) {
  for (const GatewayId gateway : table.gateways) {
    const dsl::GatewayDecl& decl = l.program.gateways[gateway.index()];
    const bool exposed =
        std::any_of(decl.listeners.begin(), decl.listeners.end(),
                    [&](const dsl::Listener& one) { return Exposes(l, decl, one, l.model[id]); });
    if (exposed || decl.listeners.empty()) continue;
    Diagnostic& d =
        l.diagnostics.Error(codes::kNotExposed, forward.span,
                            "gateway `" + l.model[gateway].name + "` does not expose external `" +
                                l.model[id].name + "`");
    d.related.push_back({l.model[gateway].span, "the gateway"});
  }
}

}  // namespace

void LowerEgress(Lowering& l) {
  for (const dsl::ExternalDecl& decl : l.program.externals) {
    const auto at = l.targets.find({l.Section(decl.header), decl.header.name.value});
    if (!decl.via || at == l.targets.end()) continue;
    if (const auto* id = std::get_if<ExternalId>(&at->second)) {
      AddVia(l, decl, l.model.externals[id->index()]);
    }
  }
  for (const Table& table : l.model.tables) {
    for (const RouteRule& rule : table.rules) {
      const auto* forwards = std::get_if<std::vector<Forward>>(&rule.action);
      if (forwards == nullptr) continue;
      for (const Forward& forward : *forwards) {
        if (const auto* id = std::get_if<ExternalId>(&forward.target)) {
          CheckExposed(l, table, forward, *id);
        }
      }
    }
  }
}

}  // namespace weft::engine
