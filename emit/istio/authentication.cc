// security.istio.io/v1 PeerAuthentication and RequestAuthentication; istio/api
// security/v1beta1/peer_authentication.proto and request_authentication.proto
#include <set>

#include "emit/codes.h"
#include "emit/istio/emitter.h"

namespace weft::emit::istio {
namespace {

const char* ModeText(engine::MtlsMode mode) {
  switch (mode) {
    case engine::MtlsMode::kStrict:
      return "STRICT";
    case engine::MtlsMode::kPermissive:
      return "PERMISSIVE";
    case engine::MtlsMode::kDisable:
      return "DISABLE";
  }
  return "PERMISSIVE";
}

// What the namespace says by itself.
engine::MtlsMode Inherited(const engine::Model& model, engine::WorkspaceId workspace) {
  if (!workspace.IsNone() && model[workspace].mtls) return *model[workspace].mtls;
  return model.mtls.value_or(engine::MtlsMode::kPermissive);
}

void EmitForGuard(Emitter& e, const engine::Guard& guard) {
  if (std::holds_alternative<engine::GatewayId>(guard.target)) return;
  const std::optional<Attachment> attachment = AttachmentOf(e, guard);
  if (!attachment) return;
  const bool own = guard.mtls != Inherited(e.model, attachment->workspace);
  if (!own && guard.port_mtls.empty()) return;
  Object& object = e.Add("security.istio.io/v1", "PeerAuthentication", attachment->ns,
                         attachment->name, attachment->workspace, guard.mtls_span);
  object.spec["selector"]["matchLabels"] = attachment->selector;
  object.spec["mtls"]["mode"] = ModeText(guard.mtls);
  for (const auto& [port, mode] : guard.port_mtls) {
    for (const engine::ServicePort& p : attachment->ports) {
      if (p.number != port) continue;
      object.spec["portLevelMtls"][std::to_string(p.target)]["mode"] = ModeText(mode);
    }
  }
}

Value JwtRule(const engine::JwtProvider& provider) {
  using Kind = engine::JwtProvider::Location::Kind;
  Value rule;
  rule["issuer"] = provider.issuer;
  if (!provider.audiences.empty()) rule["audiences"] = provider.audiences;
  if (!provider.jwks_inline.empty()) rule["jwks"] = provider.jwks_inline;
  if (!provider.jwks_uri.empty()) rule["jwksUri"] = provider.jwks_uri;
  for (const auto& location : provider.locations) {
    switch (location.kind) {
      case Kind::kHeader: {
        Value header;
        header["name"] = location.name;
        if (!location.prefix.empty()) header["prefix"] = location.prefix;
        rule["fromHeaders"].push_back(std::move(header));
        break;
      }
      case Kind::kQuery:
        rule["fromParams"].push_back(location.name);
        break;
      case Kind::kCookie:
        rule["fromCookies"].push_back(location.name);
        break;
    }
  }
  for (const auto& [claim, header] : provider.claims_to_headers) {
    rule["outputClaimToHeaders"].push_back({{"header", header}, {"claim", claim}});
  }
  if (provider.forward) rule["forwardOriginalToken"] = true;
  return rule;
}

// What only Envoy's own filter at a route can do.
void RefuseBeyondIstio(Emitter& e, const engine::Guard& guard, const engine::Authentication& a) {
  const engine::JwtProvider& provider = e.model[a.provider];
  const auto refuse = [&](bool given, Span span, const std::string& what) {
    if (!given) return;
    e.Refuse(codes::kInexpressible, span,
             "Istio checks tokens of a server without " + what +
                 "; say `authenticate` at routes of a gateway, or drop it");
  };
  refuse(provider.jwks_via.has_value(), provider.span, "`jwks from … through service`");
  refuse(provider.jwks_cache || provider.jwks_timeout || provider.jwks_ahead, provider.span,
         "a say in how keys are fetched");
  refuse(provider.leeway.has_value(), provider.span, "`leeway`");
  refuse(!provider.payload_to.empty(), provider.span, "`payload to header`");
  refuse(a.before_authorization && !guard.authorization.empty(), a.span,
         "asking authorizers first");
}

}  // namespace

void EmitPeerAuthentications(Emitter& e) {
  if (e.model.mtls) {
    Object& object = e.Add("security.istio.io/v1", "PeerAuthentication", e.model.root_namespace,
                           "weft-mesh", {}, e.model.mtls_span);
    object.spec["mtls"]["mode"] = ModeText(*e.model.mtls);
  }
  for (std::uint32_t w = 0; w < e.model.workspaces.size(); ++w) {
    const engine::Workspace& workspace = e.model.workspaces[w];
    if (!workspace.mtls) continue;
    for (const std::string& ns : e.NamespacesOf({w})) {
      Object& object = e.Add("security.istio.io/v1", "PeerAuthentication", ns, "weft-workspace",
                             {w}, workspace.mtls_span);
      object.spec["mtls"]["mode"] = ModeText(*workspace.mtls);
    }
  }
  for (const engine::Guard& guard : e.model.guards) EmitForGuard(e, guard);
}

void EmitRequestAuthentications(Emitter& e) {
  for (const engine::Guard& guard : e.model.guards) {
    if (guard.authentication.empty()) continue;
    const std::optional<Attachment> attachment = AttachmentOf(e, guard);
    if (!attachment) continue;
    Object& object =
        e.Add("security.istio.io/v1", "RequestAuthentication", attachment->ns, attachment->name,
              attachment->workspace, guard.authentication.front().span);
    object.spec["selector"]["matchLabels"] = attachment->selector;
    for (const engine::Authentication& a : guard.authentication) {
      RefuseBeyondIstio(e, guard, a);
      object.spec["jwtRules"].push_back(JwtRule(e.model[a.provider]));
    }
  }
}

}  // namespace weft::emit::istio
