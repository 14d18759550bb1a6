#include "emit/istio/emitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "dsl/overloaded.h"
#include "emit/codes.h"
#include "emit/istio/envoy_filter.h"
#include "emit/istio/external_authorization.h"
#include "emit/istio/filters.h"
#include "emit/istio/limits.h"
#include "emit/istio/route_tokens.h"
#include "emit/raw.h"
#include "engine/asks.h"
#include "engine/fronts.h"

namespace weft::emit::istio {

Object& Emitter::Add(const std::string& api_version, const std::string& kind, const std::string& ns,
                     const std::string& name, engine::WorkspaceId workspace, Span span) {
  std::string unique = NameOf(name);
  for (int i = 2; !taken.emplace(kind, ns, unique).second; ++i) {
    unique = NameOf(name) + "-" + std::to_string(i);
  }
  Object object{.api_version = api_version,
                .kind = kind,
                .ns = ns,
                .name = unique,
                .labels = {{"app.kubernetes.io/managed-by", "weft"}},
                .annotations = {},
                .span = span,
                .sources = {span}};
  object.annotations["weft.dev/workspace"] =
      workspace.IsNone() ? model.mesh : model[workspace].name;
  if (options.place && span.IsKnown()) object.annotations["weft.dev/source"] = options.place(span);
  objects.push_back(std::move(object));
  return objects.back();
}

void Emitter::Refuse(const Code& code, Span span, const std::string& message) {
  Diagnostic& d = diagnostics.Error(code, span, message);
  const std::string& name = model[cluster].name;
  if (std::find(d.clusters.begin(), d.clusters.end(), name) == d.clusters.end()) {
    d.clusters.push_back(name);
  }
}

std::string Emitter::HostOf(const engine::TargetRef& target) const {
  return std::visit(Overloaded{
                        [&](engine::ServiceId id) { return model[id].Fqdn(model[cluster]); },
                        [&](engine::DestinationId id) {
                          return model[id].hosts.empty() ? std::string() : model[id].hosts.front();
                        },
                        [&](engine::ExternalId id) {
                          return model[id].hosts.empty() ? std::string() : model[id].hosts.front();
                        },
                    },
                    target);
}

std::vector<std::string> Emitter::NamespacesOf(engine::WorkspaceId workspace) const {
  std::vector<std::string> namespaces;
  if (workspace.IsNone()) return namespaces;
  for (const auto& [id, ns] : model[workspace].namespaces) {
    if (id == cluster) namespaces.push_back(ns);
  }
  return namespaces;
}

std::string Emitter::HomeOf(engine::WorkspaceId workspace) const {
  const std::vector<std::string> namespaces = NamespacesOf(workspace);
  return namespaces.empty() ? model.root_namespace : namespaces.front();
}

Value Emitter::ExportTo(engine::WorkspaceId owner, const std::vector<engine::Grant>& grants,
                        bool everyone) const {
  if (everyone || owner.IsNone()) return Value::array({"*"});
  std::set<std::string> namespaces;
  const auto add = [&](engine::WorkspaceId id) {
    for (const std::string& ns : NamespacesOf(id)) namespaces.insert(ns);
  };
  add(owner);
  for (const engine::Grant& grant : grants) add(grant.to);
  // With no consumer in this cluster nobody needs to see it.
  if (namespaces.empty()) return Value::array({"."});
  return Value(std::vector<std::string>(namespaces.begin(), namespaces.end()));
}

std::set<engine::ServiceId> AskedBy(const Emitter& e, engine::WorkspaceId workspace) {
  std::set<engine::ServiceId> asked;
  const auto add = [&](engine::ServiceId service) {
    if (!service.IsNone() && engine::Asks(e.model, workspace, service)) asked.insert(service);
  };
  for (const engine::Authorizer& authorizer : e.model.authorizers) add(authorizer.service);
  for (const engine::Limiter& limiter : e.model.limiters) add(limiter.service);
  return asked;
}

std::string DurationText(engine::Millis duration) {
  const auto ms = duration.count();
  if (ms % 1000 == 0) return fmt::format("{}s", ms / 1000);
  return fmt::format("{}.{:03}s", ms / 1000, ms % 1000);
}

namespace {

// HTTP is what its proxy can look into: also behind the TLS that it ends.
engine::PortProtocol SeenProtocol(const engine::Listener& listener) {
  using engine::PortProtocol;
  const bool raw =
      listener.protocol == PortProtocol::kTcp || listener.protocol == PortProtocol::kTls;
  const bool passed = listener.tls == engine::TlsMode::kPassthrough ||
                      listener.tls == engine::TlsMode::kAutoPassthrough;
  return raw || passed ? PortProtocol::kTcp : PortProtocol::kHttp;
}

// The ports of a gateway's listeners, which are ports of its own Service: that tells the port of
// the proxy behind each.
std::vector<engine::ServicePort> ListenerPorts(const Emitter& e, const engine::Gateway& gateway) {
  std::vector<engine::ServicePort> ports;
  for (const engine::Listener& listener : gateway.listeners) {
    const bool known = std::any_of(ports.begin(), ports.end(),
                                   [&](const auto& p) { return p.number == listener.port; });
    if (known) continue;
    ports.push_back({.name = "",
                     .number = listener.port,
                     .target = listener.port,
                     .protocol = SeenProtocol(listener)});
  }
  for (const engine::Service& service : e.model.services) {
    const engine::ServiceInstance* instance = service.In(e.cluster);
    if (instance == nullptr || service.ns != gateway.ns) continue;
    const bool serves = std::any_of(
        instance->workloads.begin(), instance->workloads.end(), [&](engine::WorkloadId w) {
          return std::find(gateway.workloads.begin(), gateway.workloads.end(), w) !=
                 gateway.workloads.end();
        });
    if (!serves) continue;
    for (const engine::ServicePort& behind : instance->ports) {
      for (engine::ServicePort& port : ports) {
        if (port.number == behind.number) port.target = behind.target;
      }
    }
  }
  return ports;
}

}  // namespace

std::optional<Attachment> AttachmentOf(const Emitter& e, const engine::Guard& guard) {
  if (guard.cluster != e.cluster) return std::nullopt;
  return std::visit(
      Overloaded{
          [&](engine::ServiceId id) -> std::optional<Attachment> {
            const engine::Service& service = e.model[id];
            const engine::ServiceInstance* instance = service.In(e.cluster);
            if (instance == nullptr || instance->selector.empty()) return std::nullopt;
            // Said by the guard of the gateway.
            if (!engine::GatewayBehind(e.model, *instance).IsNone()) return std::nullopt;
            return Attachment{service.ns, service.name, instance->selector, service.workspace,
                              instance->ports};
          },
          [&](engine::GatewayId id) -> std::optional<Attachment> {
            const engine::Gateway& gateway = e.model[id];
            return Attachment{gateway.ns, gateway.name, gateway.selector, gateway.workspace,
                              ListenerPorts(e, gateway)};
          },
          [&](engine::WorkloadId id) -> std::optional<Attachment> {
            const engine::Workload& workload = e.model[id];
            if (workload.labels.empty()) return std::nullopt;
            return Attachment{workload.ns, workload.name, workload.labels, workload.workspace, {}};
          },
      },
      guard.target);
}

}  // namespace weft::emit::istio

namespace weft::emit {

namespace {

// What is typed and proved but has no Istio configuration yet.
void RefuseUnsupported(const engine::Model& model, Diagnostics& diagnostics) {
  const auto refuse = [&](Span span, const std::string& what) {
    diagnostics.Error(codes::kNotYetEmitted, span, what + " cannot be emitted").help =
        "remove it, or keep to `check`, `verify` and `test`, which understand it";
  };
  for (const engine::Unemitted& part : model.unemitted) {
    if (!part.beside) {
      refuse(part.span, part.what);
      continue;
    }
    diagnostics.Warning(codes::kBesideIstio, part.span, part.what + " is not for Istio to do")
        .help = "see to it beside weft; what is written is complete without it";
  }
  for (const engine::Destination& destination : model.destinations) {
    if (destination.terminate_tls) refuse(destination.span, "TLS termination of a destination");
  }
}

}  // namespace

std::map<std::string, std::vector<Object>> EmitIstio(const engine::Model& model,
                                                     const Options& options,
                                                     Diagnostics& diagnostics) {
  RefuseUnsupported(model, diagnostics);
  std::map<std::string, std::vector<Object>> clusters;
  const std::vector<std::vector<Object>> raws = ReadRaws(model, diagnostics);
  for (std::uint32_t c = 0; c < model.clusters.size(); ++c) {
    std::vector<Object>& objects = clusters[model.clusters[c].name];
    istio::Emitter e{.model = model,
                     .options = options,
                     .cluster = {c},
                     .diagnostics = diagnostics,
                     .objects = objects};
    istio::EmitGateways(e);
    istio::EmitVirtualServices(e);
    istio::EmitDestinationRules(e);
    istio::EmitServiceEntries(e);
    istio::EmitSidecars(e);
    istio::EmitAuthorizationPolicies(e);
    istio::EmitPeerAuthentications(e);
    istio::EmitRequestAuthentications(e);
    istio::EmitExternalAuthorization(e);
    istio::EmitAuthorizerSettings(e);
    istio::EmitLimits(e);
    istio::EmitRouteFilters(e);
    istio::EmitTokenFilters(e);
    istio::EmitFilters(e);
    AddRaws(model, raws, {c}, options, diagnostics, objects);
    std::sort(objects.begin(), objects.end(), [](const Object& a, const Object& b) {
      return std::tie(a.ns, a.kind, a.name) < std::tie(b.ns, b.kind, b.name);
    });
  }
  return clusters;
}

void WarnOfAssumedTrust(const engine::Model& model,
                        const std::map<std::string, std::vector<Object>>& clusters,
                        Diagnostics& diagnostics) {
  for (const engine::Cluster& cluster : model.clusters) {
    const auto emitted = clusters.find(cluster.name);
    if (!cluster.discovered || !cluster.trust_assumed || emitted == clusters.end()) continue;
    const std::string identity = "- " + cluster.trust_domain + "/ns/";
    const auto& objects = emitted->second;
    const bool named = std::any_of(objects.begin(), objects.end(), [&](const Object& object) {
      return object.kind == "AuthorizationPolicy" &&
             ToYaml(object).find(identity) != std::string::npos;
    });
    if (!named) continue;
    Diagnostic& d =
        diagnostics.Warning(codes::kTrustAssumed, cluster.span,
                            "the trust domain of cluster `" + cluster.name +
                                "` is not known; taken for `" + cluster.trust_domain + "`");
    d.clusters = {cluster.name};
    d.help = "say it: `cluster " + cluster.name + " { trust \"cluster.local\" }`, or what it is";
  }
}

}  // namespace weft::emit
