// What the language can say and the Model does not carry: listed, so that emission refuses it
// instead of leaving it out in silence.
#include <utility>

#include "dsl/items_check.h"
#include "dsl/overloaded.h"
#include "engine/lowering.h"
#include "engine/transforms.h"

namespace weft::engine {
namespace {

class Lister {
 public:
  explicit Lister(Model& model) : model_(model) {}

  void Items(const std::vector<dsl::Item>& items, bool of_routes = false) {
    for (const dsl::Item& item : items) {
      const auto* tokens = std::get_if<dsl::AuthenticateItem>(&item.value);
      const bool at_route = of_routes && tokens != nullptr;
      const std::string part = at_route ? MissingAtRoute(*tokens) : Missing(item);
      if (!part.empty()) Add("`" + part + "`" + Detail(item), item.span);
    }
  }

  void Add(std::string what, Span span) { model_.unemitted.push_back({std::move(what), span}); }
  void AddBeside(std::string what, Span span) {
    model_.unemitted.push_back({std::move(what), span, true});
  }

 private:
  static std::string Part(bool given, std::string_view part) {
    return given ? std::string(part) : std::string();
  }

  static std::string MissingOf(const dsl::FailoverItem& item) {
    if (!item.labels.empty()) return "failover by labels";
    for (const auto& mapping : item.mappings) {
      if (mapping.from_place.zone || mapping.to_place.zone) return "failover between zones";
    }
    return {};
  }

  static std::string MissingOf(const dsl::AuthenticateItem& item) {
    if (item.providers.size() > 1) return "authenticate by several providers";
    if (item.tolerant) return "authenticate … tolerant";
    return MissingAtRoute(item);
  }

  static std::string MissingAtRoute(const dsl::AuthenticateItem& item) {
    using Reroute = dsl::AuthenticateItem::Reroute;
    return Part(item.reroute != Reroute::kAuto, "authenticate … reroute");
  }

  // Which part of the item it is, for those of which others are kept or that are more than one
  // thing.
  static std::string Detail(const dsl::Item& item) {
    if (const auto* transform = std::get_if<dsl::TransformItem>(&item.value)) {
      return " with " + NotKept(*transform);
    }
    if (std::holds_alternative<dsl::WafItem>(item.value)) {
      return " with rules of ModSecurity, which only a vendor's Envoy runs,";
    }
    if (std::holds_alternative<dsl::MaskItem>(item.value)) {
      return " of bodies and logs, which only a vendor's Envoy rewrites,";
    }
    return "";
  }

  static std::string MissingOf(const dsl::BalanceItem& item) {
    if (item.panic_below) return "balance … panic below";
    return Part(item.merge_updates.has_value(), "balance … merge updates");
  }

  // The part of the item that has no meaning in the Model; "" when all of it has.
  static std::string Missing(const dsl::Item& item) {
    return std::visit(
        Overloaded{
            [](const dsl::TimeoutItem&) { return std::string(); },
            [](const dsl::RetriesItem&) { return std::string(); },
            [](const dsl::FaultDelayItem&) { return std::string(); },
            [](const dsl::FaultAbortItem&) { return std::string(); },
            [](const dsl::MirrorItem&) { return std::string(); },
            [](const dsl::HeadersItem&) { return std::string(); },
            [](const dsl::RewriteItem&) { return std::string(); },
            [](const dsl::CorsItem&) { return std::string(); },
            [](const dsl::ConnectionsItem&) { return std::string(); },
            [](const dsl::EjectItem&) { return std::string(); },
            [](const dsl::BalanceItem& i) { return MissingOf(i); },
            [](const dsl::ClientTlsItem&) { return std::string(); },
            [](const dsl::FailoverItem& i) { return MissingOf(i); },
            [](const dsl::AuthenticateItem& i) { return MissingOf(i); },
            [](const dsl::AuthorizeItem&) { return std::string(); },
            [](const dsl::WithoutAuthorizationItem&) { return std::string(); },
            [](const dsl::LimitItem&) { return std::string(); },
            [](const dsl::CountedLimitItem&) { return std::string(); },
            [](const dsl::MtlsItem&) { return std::string(); },
            [](const dsl::TrimItem& i) {
              return Part(!i.selected.empty(), "trim proxies to services");
            },
            [](const dsl::TemplateUse&) { return std::string(); },
            [](const dsl::CsrfItem&) { return std::string(); },
            [](const dsl::BodyLimitItem&) { return std::string(); },
            [](const dsl::BufferItem&) { return std::string(); },
            [](const dsl::ProxyProtocolItem&) { return std::string(); },
            [](const dsl::LuaItem&) { return std::string(); },
            [](const dsl::LogItem&) { return std::string(); },
            [](const dsl::HealthCheckItem& i) {
              return Part(!i.gateways.empty(), "health check … from gateways");
            },
            [](const dsl::AdaptConcurrencyItem&) { return std::string(); },
            [](const dsl::TransformItem& i) { return Part(!NotKept(i).empty(), "transform"); },
            [&](const auto&) { return std::string(dsl::ItemWord(item)); },
        },
        item.value);
  }

  Model& model_;
};

// Of one listener only what shapes its connections has a meaning.
void ListListenerItems(const dsl::PolicyDecl& policy, Lister& lister) {
  for (const dsl::Item& item : policy.items) {
    const bool shapes = std::holds_alternative<dsl::BufferItem>(item.value) ||
                        std::holds_alternative<dsl::ProxyProtocolItem>(item.value) ||
                        std::holds_alternative<dsl::ConnectionsItem>(item.value);
    if (!shapes) {
      lister.Add("`" + std::string(dsl::ItemWord(item)) + "` for one listener", item.span);
    }
  }
}

void ListItems(const dsl::Program& program, Lister& lister) {
  for (const auto& d : program.gateways) lister.Items(d.items);
  for (const auto& d : program.services) {
    lister.Items(d.items);
    for (const auto& subset : d.subsets) lister.Items(subset.items);
  }
  for (const auto& d : program.externals) lister.Items(d.items);
  for (const auto& d : program.destinations) lister.Items(d.items);
  for (const auto& d : program.routes) {
    lister.Items(d.items, true);
    for (const auto& rule : d.rules) lister.Items(rule.items, true);
  }
  for (const auto& d : program.accesses) lister.Items(d.items);
  for (const auto& d : program.limits) lister.Items(d.limits);
  for (const auto& d : program.policies) {
    lister.Items(d.items, d.on == dsl::PolicyDecl::On::kRoutes);
    if (d.on == dsl::PolicyDecl::On::kRouteTargets) {
      lister.Add("a policy on targets of routes", d.header.span);
    }
    if (d.with_targets) lister.Add("`with targets`", d.header.span);
    if (d.listener) ListListenerItems(d, lister);
  }
}

void ListGateways(const dsl::Program& program, Lister& lister) {
  for (const dsl::GatewayDecl& gateway : program.gateways) {
    for (const auto& accept : gateway.accepts) {
      if (!accept.labels.empty()) lister.Add("`accept routes … where`", accept.span);
    }
    for (const dsl::Listener& listener : gateway.listeners) {
      const bool files = listener.certificate_file || listener.ca_file;
      if (files) lister.Add("a certificate in a file", listener.span);
      if (listener.name) lister.Add("the name of a listener", listener.span);
      if (!listener.ciphers.empty()) lister.Add("`ciphers`", listener.span);
      if (!listener.curves.empty()) lister.Add("`curves`", listener.span);
      if (!listener.accepts.empty()) lister.Add("`accept` of a listener", listener.span);
    }
  }
}

void ListProviders(const dsl::Program& program, Lister& lister) {
  for (const dsl::JwtDecl& jwt : program.jwts) {
    const Span span = jwt.header.span;
    if (jwt.jwks_secret) lister.Add("`jwks secret`", span);
    if (!jwt.appended_claims.empty()) lister.Add("claims added to headers", span);
    if (jwt.issuer.value.empty()) lister.Add("a jwt without `issuer`", span);
  }
}

void ListScopes(const dsl::Program& program, Lister& lister) {
  for (const auto& mesh : program.meshes) {
    if (mesh.isolate) lister.Add("`isolate` for the whole mesh", mesh.isolate->span);
    if (mesh.federate) lister.Add("`federate`", mesh.federate->span);
    if (mesh.client) lister.Add("`client` for the whole mesh", mesh.client->span);
    if (mesh.trim) lister.Add("`trim` for the whole mesh", mesh.header.span);
  }
  for (const auto& workspace : program.workspaces) {
    if (workspace.federate) lister.Add("`federate`", workspace.federate->span);
    if (workspace.client) lister.Add("`client` for a workspace", workspace.client->span);
    if (workspace.isolate && workspace.isolate->off) {
      lister.Add("`isolate off`", workspace.isolate->span);
    }
  }
}

void ListDeclarations(const dsl::Program& program, Lister& lister) {
  for (const auto& d : program.externals) {
    if (!d.sans.empty()) lister.Add("`sans` of an external service", d.header.span);
  }
  for (const auto& d : program.destinations) {
    if (!d.workloads.empty()) lister.Add("`backs workload`", d.header.span);
  }
  for (const auto& d : program.routes) {
    if (!d.annotations.empty()) lister.Add("`annotate`", d.header.span);
  }
  for (const auto& d : program.trusts) lister.AddBeside("`trust root`", d.header.span);
  for (const auto& d : program.lifecycles) {
    lister.AddBeside(d.gateways ? "`gateways`" : "`istio`", d.header.span);
  }
  for (const auto& d : program.workloads) lister.Add("`workload`", d.header.span);
}

}  // namespace

void ListUnemitted(Lowering& l) {
  Lister lister(l.model);
  ListItems(l.program, lister);
  ListGateways(l.program, lister);
  ListProviders(l.program, lister);
  ListScopes(l.program, lister);
  ListDeclarations(l.program, lister);
}

}  // namespace weft::engine
