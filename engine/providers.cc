// `jwt`, `authorizer` and `limiter`: the services that decide with the mesh.
#include <charconv>
#include <iterator>
#include <set>

#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/lowering.h"
#include "engine/match.h"

namespace weft::engine {
namespace {

template <typename T>
std::optional<decltype(T::value)> ValueOf(const std::optional<T>& given) {
  return given ? std::optional(given->value) : std::nullopt;
}

std::set<std::uint16_t> PortsOf(const Model& model, const TargetRef& target) {
  std::set<std::uint16_t> ports;
  std::visit(Overloaded{
                 [&](ServiceId id) {
                   for (const ServiceInstance& instance : model[id].instances) {
                     for (const ServicePort& port : instance.ports) ports.insert(port.number);
                   }
                 },
                 [&](DestinationId id) {
                   for (const ServicePort& port : model[id].ports) ports.insert(port.number);
                 },
                 [&](ExternalId id) {
                   for (const auto& port : model[id].ports) ports.insert(port.port.number);
                 },
             },
             target);
  return ports;
}

// The port a URL asks; that of its scheme when it names none.
std::uint16_t PortOfUrl(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::string authority = url.substr(begin, url.find('/', begin) - begin);
  const std::size_t colon = authority.rfind(':');
  unsigned port = url.starts_with("https") ? 443 : 80;
  if (colon != std::string::npos) {
    (void)std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), port);
  }
  return static_cast<std::uint16_t>(port);
}

// What the keys are fetched from, and at which port: that of the URL, or the only one there is.
void SetKeyServer(Lowering& l, const dsl::JwtDecl& decl, JwtProvider& provider) {
  if (!decl.jwks_service) return;
  const auto target = l.WholeTarget(*decl.jwks_service, l.Section(decl.header));
  if (!target) return;
  provider.jwks_via = *target;
  const std::set<std::uint16_t> ports = PortsOf(l.model, *target);
  provider.jwks_port = PortOfUrl(provider.jwks_uri);
  if (ports.contains(provider.jwks_port) || ports.empty()) return;
  if (ports.size() == 1) {
    provider.jwks_port = *ports.begin();
    return;
  }
  l.diagnostics.Error(codes::kAmbiguousPort, decl.jwks_service->span,
                      "`" + decl.jwks_service->parts.back().value + "` has no port " +
                          std::to_string(provider.jwks_port) + ", which the URL of the keys asks");
}

using ProviderKey = std::pair<std::string, WorkspaceId>;

ProviderKey KeyOf(Lowering& l, const dsl::Header& header) {
  return {header.name.value, l.Section(header)};
}

// Those of one name, each of another section.
template <typename Id>
auto Namesakes(const Lowering::Providers<Id>& all, const std::string& name) {
  const auto begin = all.lower_bound({name, WorkspaceId{0}});  // none comes last
  auto end = begin;
  while (end != all.end() && end->first.first == name) ++end;
  return std::pair(begin, end);
}

// Its name, with that of its section before it where another section has one of the same name: what
// is emitted tells them apart by it.
template <typename Id>
std::string NameInMesh(const Lowering& l, const Lowering::Providers<Id>& all,
                       const ProviderKey& key) {
  const auto [begin, end] = Namesakes(all, key.first);
  const bool alone = std::next(begin) == end;
  return alone || key.second.IsNone() ? key.first : l.NameOf(key.second) + "." + key.first;
}

void AddJwt(Lowering& l, const dsl::JwtDecl& decl) {
  const ProviderKey key = KeyOf(l, decl.header);
  if (l.jwts.at(key).index() != l.model.jwts.size()) return;  // declared before
  JwtProvider provider{.name = NameInMesh(l, l.jwts, key),
                       .workspace = key.second,
                       .issuer = decl.issuer.value,
                       .audiences = {},
                       .jwks_uri = decl.jwks_uri ? decl.jwks_uri->value : "",
                       .jwks_inline = decl.jwks_inline ? decl.jwks_inline->value : "",
                       .jwks_via = {},
                       .jwks_cache = ValueOf(decl.jwks_cache),
                       .jwks_timeout = ValueOf(decl.jwks_timeout),
                       .leeway = ValueOf(decl.leeway),
                       .jwks_ahead = decl.jwks_ahead,
                       .payload_to = decl.payload_to ? decl.payload_to->value : "",
                       .locations = {},
                       .claims_to_headers = ToLabels(decl.claims_to_headers),
                       .forward = decl.forward,
                       .span = decl.header.span};
  SetKeyServer(l, decl, provider);
  for (const dsl::Str& audience : decl.audiences) provider.audiences.push_back(audience.value);
  for (const auto& from : decl.locations) {
    provider.locations.push_back(
        {static_cast<JwtProvider::Location::Kind>(from.kind), from.name.value, from.prefix.value});
  }
  l.model.jwts.push_back(std::move(provider));
}

std::vector<std::string> HeaderNames(const std::vector<dsl::Str>& names) {
  std::vector<std::string> folded;
  for (const dsl::Str& name : names) folded.push_back(Fold(name.value));
  return folded;
}

void AddAuthorizer(Lowering& l, const dsl::AuthorizerDecl& decl) {
  const ProviderKey key = KeyOf(l, decl.header);
  if (l.authorizers.at(key).index() != l.model.authorizers.size()) return;  // declared before
  l.model.authorizers.push_back(
      {.name = NameInMesh(l, l.authorizers, key),
       .service = l.ServiceNamed(decl.service, key.second),
       .host = "",
       .port = ValueOf(decl.port).value_or(std::uint16_t{0}),
       .timeout = ValueOf(decl.timeout).value_or(Millis{2000}),
       .allow_on_failure = decl.allow_on_failure,
       .status_on_error = static_cast<int>(ValueOf(decl.status_on_error).value_or(403)),
       .body_limit = ValueOf(decl.body_limit),
       .partial_body = decl.partial_body,
       .body_as_bytes = decl.body_as_bytes,
       .http = decl.http,
       .path_prefix = ValueOf(decl.path_prefix).value_or(""),
       .include_headers = HeaderNames(decl.include_headers),
       .upstream_headers = HeaderNames(decl.upstream_headers),
       .client_headers = HeaderNames(decl.client_headers),
       .add_headers = ToLabels(decl.add_headers),
       .reroute = decl.reroute,
       .stat = ValueOf(decl.stat).value_or(""),
       .span = decl.header.span});
}

void AddLimiter(Lowering& l, const dsl::LimiterDecl& decl) {
  const ProviderKey key = KeyOf(l, decl.header);
  if (l.limiters.at(key).index() != l.model.limiters.size()) return;  // declared before
  l.model.limiters.push_back({.name = NameInMesh(l, l.limiters, key),
                              .service = l.ServiceNamed(decl.service, key.second),
                              .port = ValueOf(decl.port).value_or(std::uint16_t{0}),
                              .timeout = ValueOf(decl.timeout).value_or(Millis{100}),
                              .allow_on_error = decl.allow_on_error,
                              .domain = ValueOf(decl.domain).value_or(l.model.mesh),
                              .span = decl.header.span});
}

// The service's only port where the policy does not say; a port the service has where it does.
void CheckPort(Lowering& l, ServiceId id, std::uint16_t& port, const std::string& what, Span span) {
  if (id.IsNone()) return;
  const Service& service = l.model[id];
  for (const ServiceInstance& instance : service.instances) {
    if (port == 0 && instance.ports.size() == 1) port = instance.ports.front().number;
    for (const ServicePort& candidate : instance.ports) {
      if (candidate.number == port) return;
    }
  }
  if (service.instances.empty()) return;
  l.diagnostics
      .Error(codes::kUnknownPort, span,
             port == 0 ? "`" + what + "` does not say which port of `" + service.name + "` it is"
                       : "service `" + service.name + "` has no port " + std::to_string(port))
      .help = "write `service " + service.name + " port N`";
}

template <typename Id>
Id Named(Lowering& l, const Lowering::Providers<Id>& all, const std::string& what,
         const dsl::Name& name, WorkspaceId scope) {
  for (const WorkspaceId section : {scope, WorkspaceId{}}) {
    const auto at = all.find({name.value, section});
    if (at != all.end()) return at->second;
  }
  const auto [first, end] = Namesakes(all, name.value);
  if (first == end) {
    Diagnostic& d = l.diagnostics.Error(codes::kUnknownProvider, name.span,
                                        "there is no " + what + " `" + name.value + "`");
    std::vector<std::string> known;
    for (const auto& [key, id] : all) known.push_back(key.first);
    const std::string near = NearestName(name.value, known);
    if (!near.empty()) d.help = "did you mean `" + near + "`?";
    return {};
  }
  const auto second = std::next(first);
  if (second == end) return first->second;
  l.diagnostics
      .Error(codes::kAmbiguous, name.span,
             "workspaces `" + l.NameOf(first->first.second) + "` and `" +
                 l.NameOf(second->first.second) + "` both have a " + what + " `" + name.value + "`")
      .help = "declare the one that is meant here, or in the section of the mesh";
  return {};
}

template <typename Decl, typename Id>
void Index(Lowering& l, const std::vector<Decl>& decls, Lowering::Providers<Id>& all) {
  for (const Decl& decl : decls) {
    all.try_emplace(KeyOf(l, decl.header), Id{static_cast<std::uint32_t>(all.size())});
  }
}

}  // namespace

void IndexProviders(Lowering& l) {
  Index(l, l.program.jwts, l.jwts);
  Index(l, l.program.authorizers, l.authorizers);
  Index(l, l.program.limiters, l.limiters);
}

void LowerProviders(Lowering& l) {
  IndexProviders(l);
  for (const dsl::JwtDecl& decl : l.program.jwts) AddJwt(l, decl);
  for (const dsl::AuthorizerDecl& decl : l.program.authorizers) AddAuthorizer(l, decl);
  for (const dsl::LimiterDecl& decl : l.program.limiters) AddLimiter(l, decl);
  for (Authorizer& one : l.model.authorizers) {
    CheckPort(l, one.service, one.port, one.name, one.span);
  }
  for (Limiter& one : l.model.limiters) CheckPort(l, one.service, one.port, one.name, one.span);
}

JwtId Lowering::Jwt(const dsl::Name& name, WorkspaceId scope) {
  return Named(*this, jwts, "jwt provider", name, scope);
}

AuthorizerId Lowering::Authorizer(const dsl::Name& name, WorkspaceId scope) {
  return Named(*this, authorizers, "authorizer", name, scope);
}

LimiterId Lowering::Limiter(const dsl::Name& name, WorkspaceId scope) {
  return Named(*this, limiters, "limiter", name, scope);
}

LimiterId Lowering::OnlyLimiter(WorkspaceId scope) const {
  for (const WorkspaceId section : {scope, WorkspaceId{}}) {
    std::vector<LimiterId> here;
    for (const auto& [key, id] : limiters) {
      if (key.second == section) here.push_back(id);
    }
    if (here.size() == 1) return here.front();
  }
  return limiters.size() == 1 ? limiters.begin()->second : LimiterId{};
}

namespace {

// The limiter the item names, or the only one there is.
LimiterId LimiterOf(Lowering& l, const dsl::LimitItem& item, WorkspaceId scope) {
  return item.limiter ? l.Limiter(*item.limiter, scope) : l.OnlyLimiter(scope);
}

}  // namespace

std::string NameLimit(Lowering& l, WorkspaceId scope, const std::string& target) {
  const std::string name = (scope.IsNone() ? l.model.mesh : l.NameOf(scope)) + "." + target;
  const int number = ++l.limit_names[name];
  return number == 1 ? name : name + "." + std::to_string(number);
}

LimitId AddLimit(Lowering& l, const dsl::LimitItem& item, Span span, WorkspaceId scope,
                 const std::string& target) {
  const LimiterId limiter = LimiterOf(l, item, scope);
  const bool lenient = limiter.IsNone() || l.model[limiter].allow_on_error;
  Limit limit{
      .name = NameLimit(l, scope, target),
      .requests = item.requests.value,
      .unit = item.unit,
      .per = {},
      .burst = {},
      .allow_on_error = item.allow_on_error.value_or(lenient),
      .before_authorization = item.phase && item.phase->phase == dsl::Phase::kBeforeAuthorization,
      .limiter = limiter,
      .when = item.when ? LowerCondition(l, *item.when, scope) : Condition::True(),
      .span = span};
  if (item.burst) limit.burst = item.burst->value;
  for (const dsl::LimitKey& key : item.per) {
    LimitKey lowered{static_cast<LimitKey::Kind>(key.kind), key.name.value, {}};
    if (key.kind == dsl::LimitKey::Kind::kClaim) lowered.provider = l.Jwt(key.provider, scope);
    if (key.kind == dsl::LimitKey::Kind::kHeader) lowered.name = Fold(lowered.name);
    limit.per.push_back(std::move(lowered));
  }
  l.model.limits.push_back(std::move(limit));
  return {static_cast<std::uint32_t>(l.model.limits.size() - 1)};
}

std::optional<ExternalAuthorization> LowerAuthorization(Lowering& l, const dsl::AuthorizeItem& item,
                                                        Span span, WorkspaceId scope) {
  const AuthorizerId provider = l.Authorizer(item.provider, scope);
  if (provider.IsNone()) return std::nullopt;
  return ExternalAuthorization{
      .provider = provider,
      .config = item.config ? item.config->value : "",
      .context = ToLabels(item.context),
      .settings = item.settings ? item.settings->value : "",
      .when = item.when ? LowerCondition(l, *item.when, scope) : Condition::True(),
      .span = span};
}

}  // namespace weft::engine
