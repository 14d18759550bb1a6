#include "dsl/items_check.h"

#include <string>

#include "dsl/codes.h"
#include "dsl/overloaded.h"

namespace weft::dsl {
namespace {

// What an item shapes.
enum class Layer {
  kRoute,
  kDestination,
  kServer,
  kCheck,
  kLimit,
  kCode,
  kConnections,
  kListener,
  kProxy
};

Layer LayerOf(const Item& item) {
  return std::visit(Overloaded{
                        [](const TimeoutItem&) { return Layer::kRoute; },
                        [](const RetriesItem&) { return Layer::kRoute; },
                        [](const FaultDelayItem&) { return Layer::kRoute; },
                        [](const FaultAbortItem&) { return Layer::kRoute; },
                        [](const MirrorItem&) { return Layer::kRoute; },
                        [](const HeadersItem&) { return Layer::kRoute; },
                        [](const RewriteItem&) { return Layer::kRoute; },
                        [](const CorsItem&) { return Layer::kRoute; },
                        [](const WithoutAuthorizationItem&) { return Layer::kRoute; },
                        [](const ConnectionsItem&) { return Layer::kConnections; },
                        [](const EjectItem&) { return Layer::kDestination; },
                        [](const BalanceItem&) { return Layer::kDestination; },
                        [](const ClientTlsItem&) { return Layer::kDestination; },
                        [](const FailoverItem&) { return Layer::kDestination; },
                        [](const HealthCheckItem&) { return Layer::kDestination; },
                        [](const AdaptConcurrencyItem&) { return Layer::kDestination; },
                        [](const CsrfItem&) { return Layer::kRoute; },
                        [](const BodyLimitItem&) { return Layer::kRoute; },
                        [](const TransformItem&) { return Layer::kRoute; },
                        [](const WafItem&) { return Layer::kRoute; },
                        [](const MaskItem&) { return Layer::kRoute; },
                        [](const LuaItem&) { return Layer::kCode; },
                        [](const AuthenticateItem&) { return Layer::kCheck; },
                        [](const AuthorizeItem&) { return Layer::kCheck; },
                        [](const MtlsItem&) { return Layer::kServer; },
                        [](const LimitItem&) { return Layer::kLimit; },
                        [](const CountedLimitItem&) { return Layer::kLimit; },
                        [](const BufferItem&) { return Layer::kListener; },
                        [](const ProxyProtocolItem&) { return Layer::kListener; },
                        [](const WasmItem&) { return Layer::kProxy; },
                        [](const LogItem&) { return Layer::kProxy; },
                        [](const TrimItem&) { return Layer::kProxy; },
                        [](const TemplateUse&) { return Layer::kRoute; },
                    },
                    item.value);
}

std::string_view LayerName(Layer layer) {
  switch (layer) {
    case Layer::kRoute:
      return "routes";
    case Layer::kDestination:
    case Layer::kConnections:
      return "services and destinations";
    case Layer::kServer:
      return "services, gateways and `access` blocks";
    case Layer::kCheck:
      return "routes, services, gateways and `access` blocks";
    case Layer::kLimit:
      return "`limit` blocks, routes and services";
    case Layer::kCode:
      return "routes, services and gateways";
    case Layer::kListener:
      return "gateways";
    case Layer::kProxy:
      return "workspaces and workloads";
  }
  return "";
}

constexpr std::initializer_list<Layer> kOnRoutes = {Layer::kRoute, Layer::kCheck, Layer::kLimit,
                                                    Layer::kCode};
constexpr std::initializer_list<Layer> kOnDestinations = {Layer::kDestination, Layer::kConnections};
constexpr std::initializer_list<Layer> kOnServices = {Layer::kDestination, Layer::kConnections,
                                                      Layer::kServer,      Layer::kCheck,
                                                      Layer::kLimit,       Layer::kCode};
// `connections` gives a listener its keepalive.
constexpr std::initializer_list<Layer> kOnGateways = {
    Layer::kServer,   Layer::kCheck, Layer::kLimit,      Layer::kCode,
    Layer::kListener, Layer::kProxy, Layer::kConnections};

class Checker {
 public:
  explicit Checker(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void Check(const std::vector<Item>& items, std::string_view where,
             std::initializer_list<Layer> allowed) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Layer layer = LayerOf(items[i]);
      bool fits = false;
      for (const Layer one : allowed) fits = fits || one == layer;
      if (!fits) {
        Report(items[i], "`" + std::string(ItemWord(items[i])) + "` is an item of " +
                             std::string(LayerName(layer)) + ", not of " + std::string(where));
      }
    }
    CheckRepeated(items, diagnostics_);
  }

 private:
  void Report(const Item& item, std::string message) {
    Diagnostic& d = diagnostics_.Error(codes::kMisplacedItem, item.span, std::move(message));
    for (const Span& via : item.via) d.related.push_back({via, "used here"});
  }

  Diagnostics& diagnostics_;
};

bool Repeats(const Item& a, const Item& b) {
  if (a.value.index() != b.value.index() || a.override_ != b.override_ ||
      a.priority != b.priority) {
    return false;
  }
  const auto* mtls = std::get_if<MtlsItem>(&a.value);
  const auto* other = std::get_if<MtlsItem>(&b.value);
  if (mtls != nullptr && other != nullptr && mtls->port != other->port) return false;
  return !std::holds_alternative<MirrorItem>(a.value) &&
         !std::holds_alternative<HeadersItem>(a.value) &&
         !std::holds_alternative<LimitItem>(a.value) &&
         !std::holds_alternative<CountedLimitItem>(a.value) &&
         !std::holds_alternative<WasmItem>(a.value) && !std::holds_alternative<WafItem>(a.value) &&
         !std::holds_alternative<LuaItem>(a.value) &&
         !std::holds_alternative<TransformItem>(a.value) &&
         !std::holds_alternative<AuthenticateItem>(a.value) &&
         !std::holds_alternative<AuthorizeItem>(a.value);
}

}  // namespace

void CheckRepeated(const std::vector<Item>& items, Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!Repeats(items[j], items[i])) continue;
      Diagnostic& d =
          diagnostics.Error(codes::kRepeatedItem, items[i].span,
                            "`" + std::string(ItemWord(items[i])) + "` is given twice here");
      d.related.push_back({items[j].span, "first given here"});
      d.help = "keep one, or mark the one that wins with `override`";
      break;
    }
  }
}

std::string_view ItemWord(const Item& item) {
  return std::visit(
      Overloaded{
          [](const TimeoutItem&) { return std::string_view("timeout"); },
          [](const RetriesItem&) { return std::string_view("retries"); },
          [](const FaultDelayItem&) { return std::string_view("fault delay"); },
          [](const FaultAbortItem&) { return std::string_view("fault abort"); },
          [](const MirrorItem&) { return std::string_view("mirror"); },
          [](const HeadersItem&) { return std::string_view("headers"); },
          [](const RewriteItem&) { return std::string_view("rewrite"); },
          [](const CorsItem&) { return std::string_view("cors"); },
          [](const WithoutAuthorizationItem&) { return std::string_view("without authorization"); },
          [](const ConnectionsItem&) { return std::string_view("connections"); },
          [](const EjectItem&) { return std::string_view("eject"); },
          [](const BalanceItem&) { return std::string_view("balance"); },
          [](const ClientTlsItem&) { return std::string_view("tls"); },
          [](const FailoverItem&) { return std::string_view("failover"); },
          [](const AuthenticateItem&) { return std::string_view("authenticate"); },
          [](const AuthorizeItem&) { return std::string_view("authorize"); },
          [](const MtlsItem&) { return std::string_view("mtls"); },
          [](const LimitItem&) { return std::string_view("limit"); },
          [](const CountedLimitItem&) { return std::string_view("limit by"); },
          [](const TrimItem&) { return std::string_view("trim"); },
          [](const CsrfItem&) { return std::string_view("csrf"); },
          [](const BodyLimitItem&) { return std::string_view("body at most"); },
          [](const BufferItem&) { return std::string_view("buffer"); },
          [](const ProxyProtocolItem&) { return std::string_view("proxy protocol"); },
          [](const TransformItem&) { return std::string_view("transform"); },
          [](const LuaItem&) { return std::string_view("lua"); },
          [](const WasmItem&) { return std::string_view("wasm"); },
          [](const WafItem&) { return std::string_view("waf"); },
          [](const MaskItem&) { return std::string_view("mask"); },
          [](const LogItem&) { return std::string_view("log"); },
          [](const HealthCheckItem&) { return std::string_view("health check"); },
          [](const AdaptConcurrencyItem&) { return std::string_view("adapt concurrency"); },
          [](const TemplateUse&) { return std::string_view("policy template"); },
      },
      item.value);
}

namespace {

void CheckPolicy(Checker& checker, const PolicyDecl& policy) {
  switch (policy.on) {
    case PolicyDecl::On::kTemplate:
      break;
    case PolicyDecl::On::kRoutes:
      checker.Check(policy.items, "policies on routes", kOnRoutes);
      break;
    case PolicyDecl::On::kRouteTargets:
      checker.Check(policy.items, "policies on targets of routes", {Layer::kRoute});
      break;
    case PolicyDecl::On::kDestinations:
    case PolicyDecl::On::kExternals:
      checker.Check(policy.items, "policies on destinations", kOnDestinations);
      break;
    case PolicyDecl::On::kServices:
      checker.Check(policy.items, "policies on services", kOnServices);
      break;
    case PolicyDecl::On::kWorkloads:
      checker.Check(policy.items, "policies on workloads",
                    {Layer::kServer, Layer::kCheck, Layer::kProxy});
      break;
    case PolicyDecl::On::kGateway:
      checker.Check(policy.items, "policies on gateways", kOnGateways);
      break;
  }
}

}  // namespace

void CheckItems(const Program& program, Diagnostics& diagnostics) {
  Checker checker(diagnostics);
  for (const auto& d : program.gateways) checker.Check(d.items, "gateways", kOnGateways);
  for (const auto& d : program.services) {
    checker.Check(d.items, "services", kOnServices);
    for (const SubsetDecl& subset : d.subsets) {
      checker.Check(subset.items, "subsets", kOnDestinations);
    }
  }
  for (const auto& d : program.externals) {
    checker.Check(d.items, "external services", kOnDestinations);
  }
  for (const auto& d : program.destinations) {
    checker.Check(d.items, "destinations", kOnDestinations);
  }
  for (const auto& d : program.routes) {
    checker.Check(d.items, "routes", kOnRoutes);
    for (const RouteRule& rule : d.rules) checker.Check(rule.items, "route rules", kOnRoutes);
  }
  for (const auto& d : program.accesses) {
    checker.Check(d.items, "`access` blocks", {Layer::kServer, Layer::kCheck});
  }
  for (const auto& d : program.policies) CheckPolicy(checker, d);
}

}  // namespace weft::dsl
