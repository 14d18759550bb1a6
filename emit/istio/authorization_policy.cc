// security.istio.io/v1 AuthorizationPolicy; istio/api security/v1beta1/authorization_policy.proto
//
// All policies of one action that select a workload are one OR, so each server gets its own rules
// and nothing is allowed for a whole namespace. An isolated namespace also gets a policy without
// rules, which allows nothing and thereby closes workloads that are deployed later.
#include <algorithm>
#include <set>

#include "emit/istio/authorization_rule.h"
#include "emit/istio/emitter.h"

namespace weft::emit::istio {
namespace {

void Fill(Object& object, const Attachment& attachment, const char* action, Value rules) {
  object.spec["selector"]["matchLabels"] = attachment.selector;
  object.spec["action"] = action;
  if (!rules.empty()) object.spec["rules"] = std::move(rules);
}

// A required token is a denial of requests without one.
Value RequireTokens(const Emitter& e, const engine::Guard& guard, const Attachment& attachment) {
  Value rules = Value::array();
  std::set<std::string> ports;
  for (const engine::ServicePort& port : attachment.ports) {
    if (port.IsHttp()) ports.insert(std::to_string(port.target));
  }
  for (const engine::Authentication& a : guard.authentication) {
    if (a.optional) continue;
    Value rule;
    rule["from"].push_back(
        {{"source", {{"notRequestPrincipals", {e.model[a.provider].issuer + "/*"}}}}});
    if (!ports.empty()) {
      rule["to"].push_back(
          {{"operation", {{"ports", std::vector<std::string>(ports.begin(), ports.end())}}}});
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

void EmitGuard(Emitter& e, const engine::Guard& guard, const Attachment& attachment) {
  const Span span = guard.spans.empty() ? guard.mtls_span : guard.spans.front();
  const auto add = [&](const std::string& suffix) -> Object& {
    Object& object = e.Add("security.istio.io/v1", "AuthorizationPolicy", attachment.ns,
                           attachment.name + suffix, attachment.workspace, span);
    object.sources.insert(object.sources.end(), guard.spans.begin(), guard.spans.end());
    return object;
  };
  std::vector<Span> spans;
  const auto collect = [&](const std::vector<engine::AccessRuleId>& ids, bool dry_run) {
    Value rules = Value::array();
    for (const engine::AccessRuleId id : ids) {
      if (e.model[id].dry_run != dry_run) continue;
      spans.push_back(e.model[id].span);
      for (Value& rule : WriteRule(e, e.model[id], attachment)) rules.push_back(std::move(rule));
    }
    return rules;
  };
  Value deny = RequireTokens(e, guard, attachment);
  for (Value& rule : collect(guard.deny, false)) deny.push_back(std::move(rule));
  const auto with_sources = [&](Object& object) -> Object& {
    object.sources.insert(object.sources.end(), spans.begin(), spans.end());
    spans.clear();
    return object;
  };
  if (!deny.empty()) Fill(with_sources(add("-deny")), attachment, "DENY", std::move(deny));
  spans.clear();
  if (guard.closed) {
    Value allow = collect(guard.allow, false);
    Fill(with_sources(add("-allow")), attachment, "ALLOW", std::move(allow));
  }
  Value tried_allow = collect(guard.allow, true);
  Value tried_deny = collect(guard.deny, true);
  if (!tried_allow.empty()) {
    Object& object = add("-allow-dry-run");
    object.annotations["istio.io/dry-run"] = "true";
    Fill(object, attachment, "ALLOW", std::move(tried_allow));
  }
  if (!tried_deny.empty()) {
    Object& object = add("-deny-dry-run");
    object.annotations["istio.io/dry-run"] = "true";
    Fill(object, attachment, "DENY", std::move(tried_deny));
  }
}

}  // namespace

void EmitAuthorizationPolicies(Emitter& e) {
  for (std::uint32_t w = 0; w < e.model.workspaces.size(); ++w) {
    const engine::Workspace& workspace = e.model.workspaces[w];
    if (!workspace.isolated) continue;
    for (const std::string& ns : e.NamespacesOf({w})) {
      const bool gateways = std::any_of(
          e.model.gateways.begin(), e.model.gateways.end(),
          [&](const engine::Gateway& g) { return g.ns == ns && g.workspace.value == w; });
      // Gateways take requests from outside; what they let in is said by their own `access`.
      if (gateways) continue;
      Object& object = e.Add("security.istio.io/v1", "AuthorizationPolicy", ns, "weft-isolate", {w},
                             workspace.isolate_span);
      object.spec["action"] = "ALLOW";
    }
  }
  for (const engine::Guard& guard : e.model.guards) {
    const std::optional<Attachment> attachment = AttachmentOf(e, guard);
    if (attachment) EmitGuard(e, guard, *attachment);
  }
}

}  // namespace weft::emit::istio
