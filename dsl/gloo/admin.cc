// The administrator's kinds: trust, installations, authorizers and limiters.
#include <cmath>
#include <utility>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

constexpr std::int64_t kMillisPerDay = 24LL * 3600 * 1000;

// ---- trust

std::optional<dsl::CertificateOptions> ReadCertificate(const View& view, bool rotates) {
  if (!view) return std::nullopt;
  dsl::CertificateOptions options;
  if (const auto days = view.Int("ttlDays")) {
    options.ttl = dsl::Duration{dsl::Millis(days->value * kMillisPerDay), days->span};
  }
  options.key_bits = view.Int("rsaKeySizeBytes");
  options.organization = view.String("orgName");
  // Only intermediates rotate by a share of their life; a root is replaced by hand.
  if (const auto ratio = rotates ? view.Share("secretRotationGracePeriodRatio") : std::nullopt) {
    // The ratio is what is left of the lifetime when rotation begins.
    constexpr double kWhole = 100;
    options.rotate_at =
        dsl::Percent{std::round((1 - ratio->value) * kWhole * 100) / 100, ratio->span};
  }
  return options;
}

dsl::TrustDecl::Secret ReadSecret(const View& view) {
  return {.name = view.String("name").value_or(dsl::Str{"", view.span()}),
          .in_namespace = view.String("namespace")};
}

void ReadMeshes(Reading& r, const View& spec, dsl::TrustDecl& decl) {
  for (const View& mesh : spec.List("applyToMeshes")) {
    const View istio = mesh["istio"];
    decl.cluster_labels = istio.LabelsOf("clusterSelector");
    if (spec.List("applyToMeshes").size() > 1) {
      r.diagnostics.Error(codes::kNotKept, mesh.span(),
                          "several selections of meshes cannot be kept; write one policy for each");
      return;
    }
  }
}

void ReadTrust(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  dsl::TrustDecl decl;
  decl.header.name = {Identifier(object.name), object.span};
  decl.header.span = object.span;
  decl.span = object.span;
  ReadMeshes(r, spec, decl);
  const View config = spec["config"];
  const View authority = config["mgmtServerCa"];
  decl.generated = ReadCertificate(authority["generated"], false);
  if (const View secret = authority["secretRef"]) decl.secret = ReadSecret(secret);
  if (!decl.generated && !decl.secret && !config.Has("agentCa")) {
    decl.generated = dsl::CertificateOptions{};
  }
  decl.intermediate = ReadCertificate(config["intermediateCertOptions"], true);
  decl.restart_pods = config.IsTrue("autoRestartPods");
  for (const View& passive : config.List("passiveCertificateAuthorities")) {
    if (const View secret = passive["secretRef"]) {
      decl.passive.push_back(ReadSecret(secret));
    } else {
      r.diagnostics.Error(codes::kNotKept, passive.span(),
                          "a passive authority is a secret: one that is generated signs nothing");
    }
  }
  r.program.trusts.push_back(std::move(decl));
}

// ---- installations

// "1.25.3-solo" of an image tag; nothing for a placeholder.
std::optional<dsl::Str> VersionOf(const View& operator_spec) {
  std::optional<dsl::Str> tag = operator_spec.String("tag");
  if (!tag || tag->value.find_first_of("0123456789") != 0) return std::nullopt;
  return tag;
}

void ReadInstallations(Reading& r, const Object& object, bool gateways) {
  const View spec = r.Spec(object);
  for (const View& view : spec.List("installations")) {
    dsl::LifecycleDecl decl;
    decl.gateways = gateways;
    decl.header.span = object.span;
    decl.header.name = {"", object.span};
    const View operator_spec = view["istioOperatorSpec"];
    decl.version = VersionOf(operator_spec);
    const std::string trust = operator_spec["meshConfig"].Text("trustDomain");
    operator_spec.TakeAll();
    const auto revision = [&](std::string_view field) -> std::optional<dsl::Name> {
      const std::optional<dsl::Str> text = view.String(field);
      if (!text) return std::nullopt;
      return dsl::Name{Identifier(text->value), text->span};
    };
    decl.revision = revision(gateways ? "controlPlaneRevision" : "revision");
    if (gateways) decl.gateway_revision = revision("gatewayRevision");
    for (const View& cluster : view.List("clusters")) {
      const std::optional<dsl::Str> name = cluster.String("name");
      if (!name) continue;
      decl.clusters.push_back(*name);
      decl.is_default = decl.is_default || cluster.IsTrue("defaultRevision");
      decl.active = decl.active || cluster.IsTrue("activeGateway");
      const std::string own = cluster.Text("trustDomain");
      // A placeholder of a template is no trust domain.
      const std::string& said = own.empty() ? trust : own;
      if (!said.empty() && said.find('$') == std::string::npos) r.trust[name->value] = said;
    }
    r.program.lifecycles.push_back(std::move(decl));
  }
}

// ---- authorizers and limiters

// Service, namespace and port that a `destinationServer` names.
struct Server {
  dsl::QName service;
  std::optional<dsl::Port> port;
};

std::optional<Server> ReadServer(Reading& r, const View& view, const Object& object) {
  if (!view) return std::nullopt;
  std::optional<dsl::Target> target = r.ReadTarget(view, object);
  if (!target) return std::nullopt;
  return Server{std::move(target->name), target->port};
}

dsl::QName DefaultServer(const Reading& r, const std::string& name, Span span) {
  return r.Service(name, "gloo-mesh", span);
}

void ReadAuthBody(const View& spec, dsl::AuthorizerDecl& decl) {
  constexpr std::int64_t kDefaultBody = 4096;
  const View body = spec["requestBody"];
  if (!body) return;
  decl.body_limit = body.Int("maxRequestBytes").value_or(dsl::Number{kDefaultBody, body.span()});
  decl.partial_body = body.IsTrue("allowPartialMessage");
  decl.body_as_bytes = body.IsTrue("packAsBytes");
}

void ReadAuthHttp(const View& spec, dsl::AuthorizerDecl& decl) {
  const View http = spec["httpService"];
  if (!http) return;
  decl.http = true;
  decl.path_prefix = http.String("pathPrefix");
  const View request = http["request"];
  decl.include_headers = request.Strings("allowedHeaders");
  decl.add_headers = request.LabelsOf("headersToAdd");
  const View response = http["response"];
  decl.upstream_headers = response.Strings("allowedUpstreamHeaders");
  decl.client_headers = response.Strings("allowedClientHeaders");
}

void ReadAuthorizer(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  dsl::AuthorizerDecl decl{.header = r.HeaderOf(object, r.NameOf(object))};
  decl.header.labels.clear();
  if (const auto server = ReadServer(r, spec["destinationServer"], object)) {
    decl.service = server->service;
    decl.port = server->port;
  } else if (!spec.Has("destinationServer")) {
    decl.service = DefaultServer(r, "ext-auth-service", object.span);
  } else {
    return;
  }
  decl.timeout = spec.Duration("requestTimeout");
  decl.allow_on_failure = spec.IsTrue("failureModeAllow");
  decl.reroute = spec.IsTrue("clearRouteCache");
  if (const auto status = spec.Int("statusOnError"); status && status->value != 0) {
    decl.status_on_error = status;
  }
  const std::string version = spec.Text("transportApiVersion");
  (void)version;  // every value is version 3 of the protocol in the Envoys weft writes for
  ReadAuthBody(spec, decl);
  ReadAuthHttp(spec, decl);
  r.program.authorizers.push_back(std::move(decl));
}

void ReadLimiter(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  dsl::LimiterDecl decl{.header = r.HeaderOf(object, r.NameOf(object))};
  decl.header.labels.clear();
  if (const auto server = ReadServer(r, spec["destinationServer"], object)) {
    decl.service = server->service;
    decl.port = server->port;
  } else if (!spec.Has("destinationServer")) {
    decl.service = DefaultServer(r, "rate-limiter", object.span);
  } else {
    return;
  }
  decl.timeout = spec.Duration("requestTimeout");
  decl.allow_on_error = !spec.IsTrue("denyOnFail");
  decl.domain = dsl::Str{"solo.io", object.span};
  r.program.limiters.push_back(std::move(decl));
}

// ---- descriptors

std::optional<dsl::LimitRate> ReadRate(Reading& r, const View& view) {
  if (!view) return std::nullopt;
  const std::map<std::string, std::int64_t> units = {
      {"SECOND", 1000}, {"MINUTE", 60000}, {"HOUR", 3600000}, {"DAY", kMillisPerDay}};
  const auto unit = units.find(view.Text("unit"));
  const std::optional<dsl::Number> count = view.Int("requestsPerUnit");
  if (unit == units.end()) {
    r.diagnostics.Error(codes::kBadCombination, view.span(),
                        "a rate needs a `unit`: SECOND, MINUTE, HOUR or DAY");
    return std::nullopt;
  }
  return dsl::LimitRate{
      .requests = count ? count->value : 0, .unit = dsl::Millis(unit->second), .span = view.span()};
}

dsl::DescriptorDecl ReadDescriptor(Reading& r, const View& view) {
  dsl::DescriptorDecl decl;
  decl.span = view.span();
  decl.entries.push_back({.key = view.String("key").value_or(dsl::Str{"", view.span()}),
                          .value = view.String("value")});
  if (decl.entries.front().key.value.empty()) {
    r.diagnostics.Error(codes::kBadCombination, view.span(), "a descriptor needs a `key`");
  }
  decl.rate = ReadRate(r, view["rateLimit"]);
  if (const auto weight = view.Int("weight"); weight && weight->value != 0) decl.weight = weight;
  decl.always = view.IsTrue("alwaysApply");
  for (const View& child : view.List("descriptors")) {
    decl.children.push_back(ReadDescriptor(r, child));
  }
  decl.unlimited = !decl.rate && decl.children.empty();
  return decl;
}

dsl::DescriptorDecl ReadSetDescriptor(Reading& r, const View& view) {
  dsl::DescriptorDecl decl;
  decl.span = view.span();
  decl.set = true;
  for (const View& entry : view.List("simpleDescriptors")) {
    decl.entries.push_back({.key = entry.String("key").value_or(dsl::Str{"", entry.span()}),
                            .value = entry.String("value")});
  }
  decl.rate = ReadRate(r, view["rateLimit"]);
  decl.always = view.IsTrue("alwaysApply");
  decl.unlimited = !decl.rate;
  return decl;
}

// Limiters that run in one of the servers the tree is for.
std::vector<dsl::Name> LimitersFor(Reading& r, const View& spec, const Object& object) {
  std::vector<dsl::Name> names;
  for (const View& server : spec.List("destinationServers")) {
    const Ref wanted = r.ReadRef(server["ref"], object);
    server.TakeAll();
    for (const Object* limiter : r.OfKind("RateLimitServerSettings")) {
      const View other = r.Spec(*limiter)["destinationServer"]["ref"];
      const Ref ref = r.ReadRef(other, *limiter);
      if (!other || ref.name != wanted.name || ref.ns != wanted.ns) continue;
      names.push_back({r.NameOf(*limiter), server.span()});
    }
  }
  return names;
}

void ReadLimits(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  dsl::LimitsDecl decl{.header = r.HeaderOf(object, r.NameOf(object))};
  decl.header.labels.clear();
  decl.limiters = LimitersFor(r, spec, object);
  if (spec.List("destinationServers").empty()) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "RateLimitServerConfig `" + object.name + "` needs `destinationServers`");
  }
  const View raw = spec["raw"];
  for (const View& view : raw.List("descriptors")) {
    decl.descriptors.push_back(ReadDescriptor(r, view));
  }
  for (const View& view : raw.List("setDescriptors")) {
    decl.descriptors.push_back(ReadSetDescriptor(r, view));
  }
  r.program.limit_trees.push_back(std::move(decl));
}

}  // namespace

void ReadLifecycles(Reading& r) {
  for (const Object* object : r.OfKind("IstioLifecycleManager"))
    ReadInstallations(r, *object, false);
  for (const Object* object : r.OfKind("GatewayLifecycleManager")) {
    ReadInstallations(r, *object, true);
  }
}

void ReadAdmin(Reading& r) {
  for (const Object* object : r.OfKind("RootTrustPolicy")) ReadTrust(r, *object);
  for (const Object* object : r.OfKind("ExtAuthServer")) ReadAuthorizer(r, *object);
  for (const Object* object : r.OfKind("RateLimitServerSettings")) ReadLimiter(r, *object);
  for (const Object* object : r.OfKind("RateLimitServerConfig")) ReadLimits(r, *object);
}

}  // namespace weft::gloo
