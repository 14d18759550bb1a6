// security.istio.io/v1 PeerAuthentication and RequestAuthentication; istio/api
// security/v1beta1/peer_authentication.proto and request_authentication.proto
#include <set>

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
      object.spec["jwtRules"].push_back(JwtRule(e.model[a.provider]));
    }
  }
}

}  // namespace weft::emit::istio
