#include <algorithm>
#include <string>
#include <string_view>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "engine/hosts.h"
#include "engine/request.h"
#include "engine/rewrite.h"

namespace weft::engine {
namespace {

Outcome BlockedAt(Stage stage, int status, std::vector<Span> rules) {
  Outcome outcome;
  outcome.rules = rules;
  outcome.blocked = Block{stage, status, std::move(rules)};
  return outcome;
}

std::optional<Identity> IdentityOf(const Model& model, const Request& request) {
  if (request.plaintext) return std::nullopt;
  if (request.identity) return request.identity;
  if (request.source.IsNone() || !model[request.source].sidecar) return std::nullopt;
  const Workload& workload = model[request.source];
  return Identity{model[workload.cluster].trust_domain, workload.ns, workload.account};
}

void ApplyRequestHeaders(const std::vector<HeaderOp>& ops, Request& request) {
  for (const HeaderOp& op : ops) {
    if (op.side != HeaderOp::Side::kRequest) continue;
    switch (op.kind) {
      case HeaderOp::Kind::kSet:
        request.headers[op.name] = op.value;
        break;
      case HeaderOp::Kind::kAdd: {
        std::string& value = request.headers[op.name];
        value += value.empty() ? op.value : "," + op.value;
        break;
      }
      case HeaderOp::Kind::kRemove:
        request.headers.erase(op.name);
        break;
    }
  }
}

void SendTo(const Model& model, const std::vector<Forward>& forwards, const RouteRule* rule,
            const Sender& sender, const Request& request, Outcome& outcome) {
  Request sent = request;
  if (rule != nullptr) {
    const RouteModifiers& modifiers = rule->modifiers;
    if (modifiers.rewrite) {
      sent.path = RewritePath(rule->match, *modifiers.rewrite, request.path);
      if (modifiers.rewrite->host) sent.host = *modifiers.rewrite->host;
    }
    ApplyRequestHeaders(modifiers.headers, sent);
    outcome.timeout = modifiers.timeout;
    outcome.retries = modifiers.retries;
    outcome.headers = modifiers.headers;
  }
  outcome.path = sent.path;
  outcome.host = sent.host;
  for (const Forward& forward : forwards) {
    if (forward.weight <= 0) continue;
    const std::uint16_t port = PortOf(model, forward, request, sender.cluster);
    Request one = sent;
    if (!forward.host.empty()) one.host = forward.host;
    outcome.branches.push_back(Deliver(model, forward, port, sender, one, outcome.rules));
  }
}

void ApplyRule(const Model& model, const RouteRule& rule, const Sender& sender,
               const Request& request, Outcome& outcome) {
  outcome.rule = &rule;
  outcome.rules.insert(outcome.rules.end(), rule.via.begin(), rule.via.end());
  outcome.rules.push_back(rule.span);
  std::visit(Overloaded{
                 [&](const std::vector<Forward>& forwards) {
                   const std::optional<FaultAbort>& abort = rule.modifiers.abort;
                   if (abort && abort->share >= 100) {
                     outcome.rules.push_back(abort->span);
                     outcome.blocked = Block{Stage::kFault, abort->status, {abort->span}};
                     return;
                   }
                   SendTo(model, forwards, &rule, sender, request, outcome);
                 },
                 [&](const Redirect& redirect) { outcome.answered = redirect; },
                 [&](const Respond& respond) { outcome.answered = respond; },
             },
             rule.action);
}

// First match in the tables that serve the most specific host; `otherwise` rules come last, as
// Istio sorts catch-alls behind when it merges hosts of a gateway.
const RouteRule* FirstMatch(const Model& model, const std::vector<const Table*>& tables,
                            const Request& request, const std::optional<Identity>& peer) {
  for (const bool otherwise : {false, true}) {
    for (const Table* table : tables) {
      for (const RouteRule& rule : table->rules) {
        if (rule.otherwise != otherwise || rule.layer != request.layer) continue;
        if (Holds(model, rule.match, request, peer)) return &rule;
      }
    }
  }
  return nullptr;
}

Outcome RouteThrough(const Model& model, const std::vector<const Table*>& tables,
                     const RouteRule* rule, const Sender& sender, const Request& request) {
  if (rule == nullptr) {
    std::vector<Span> spans;
    for (const Table* table : tables) spans.push_back(table->span);
    return BlockedAt(Stage::kNoRoute, 404, spans);
  }
  Outcome outcome;
  outcome.path = request.path;
  outcome.host = request.host;
  ApplyRule(model, *rule, sender, request, outcome);
  return outcome;
}

// What the gateway's guard and the rule that will take the request say before it is routed.
std::optional<Block> CheckEntry(const Model& model, const Request& request,
                                const std::optional<Identity>& client, const RouteRule* rule,
                                std::vector<Span>& rules) {
  const RouteModifiers* route = rule == nullptr ? nullptr : &rule->modifiers;
  if (const Guard* guard = model.GuardOf(request.gateway, request.cluster)) {
    return CheckGuard(model, *guard, request, client, request.port, rules, route);
  }
  return route == nullptr ? std::nullopt : CheckRoute(model, *route, request, client, rules);
}

Outcome EvaluateAtGateway(const Model& model, const Request& request) {
  const Gateway& gateway = model[request.gateway];
  const Listener* listener = ListenerFor(gateway, request);
  if (listener == nullptr) return BlockedAt(Stage::kHidden, 0, {gateway.span});
  const std::optional<Identity> client = request.identity;
  if (listener->tls == TlsMode::kIstioMutual && !client) {
    return BlockedAt(Stage::kMtls, 0, {listener->span});
  }
  const std::string& name = request.layer == Layer::kTls ? request.sni : request.host;
  const bool named = listener->hosts.empty() || BestHost(listener->hosts, name);
  const std::vector<const Table*> tables = TablesAtGateway(model, request.gateway, name);
  // The route is chosen first: what the filters before it do may depend on it.
  const bool redirects = listener->redirect_https && request.layer == Layer::kHttp;
  const RouteRule* rule =
      named && !redirects ? FirstMatch(model, tables, request, client) : nullptr;
  std::vector<Span> rules;
  if (auto block = CheckEntry(model, request, client, rule, rules)) {
    return BlockedAt(block->stage, block->status, rules);
  }
  if (!named) return BlockedAt(Stage::kNoRoute, 404, {listener->span});
  if (tables.empty()) return BlockedAt(Stage::kNoRoute, 404, {gateway.span});
  // Only hosts that some route serves are led to https.
  if (redirects) {
    Outcome outcome;
    outcome.rules = rules;
    outcome.rules.push_back(listener->span);
    outcome.answered = Redirect{.https = true, .host = "", .path = "", .port = {}, .code = 301};
    return outcome;
  }

  const Sender sender = GatewaySender(model, request.gateway, request.cluster);
  Outcome outcome = RouteThrough(model, tables, rule, sender, request);
  outcome.rules.insert(outcome.rules.begin(), rules.begin(), rules.end());
  return outcome;
}

Outcome EvaluateAtSidecar(const Model& model, const Request& request) {
  const std::optional<Identity> peer = IdentityOf(model, request);
  const WorkloadId source = request.source;
  const std::string ns = source.IsNone() ? "" : model[source].ns;
  const WorkspaceId workspace = source.IsNone() ? WorkspaceId{} : model[source].workspace;
  // A caller without sidecar, or one that goes around it, is bound by nothing on its own side.
  const bool proxied =
      !source.IsNone() && model[source].sidecar && !request.plaintext && !request.direct;
  // A trimmed proxy answers for hosts it does not know, where it listens; others pass the
  // connection on, to nowhere.
  const auto unknown = [&] {
    const bool trimmed = proxied && !workspace.IsNone() && model[workspace].trim;
    return trimmed && request.layer == Layer::kHttp &&
                   ListensForHttp(model, workspace, request.cluster, request.port)
               ? 502
               : 0;
  };
  const std::optional<TargetRef> target = ResolveHost(model, request.host, ns, request.cluster);
  if (!target) return BlockedAt(Stage::kHidden, unknown(), {});
  if (proxied && !Reaches(model, workspace, *target)) {
    if (workspace.IsNone()) return BlockedAt(Stage::kHidden, unknown(), {});
    return BlockedAt(Stage::kHidden, unknown(), {model[workspace].isolate_span});
  }
  Sender sender = SidecarSender(model, source, request.cluster, peer);
  // What it does not know, a proxy passes on as it is called.
  sender.proxied = proxied && IsVisible(model, workspace, *target);
  // Nor does it know more of a host than its ports: no table is asked about others.
  if (sender.proxied && HasPort(model, *target, request.cluster, request.port)) {
    const std::vector<const Table*> tables = TablesAtSidecar(model, source, *target, request.host);
    if (HasLayer(tables, request.layer)) {
      const RouteRule* rule = FirstMatch(model, tables, request, peer);
      std::vector<Span> rules;
      if (rule != nullptr) {
        if (auto block = CheckRoute(model, rule->modifiers, request, peer, rules)) {
          return BlockedAt(block->stage, block->status, rules);
        }
      }
      Outcome outcome = RouteThrough(model, tables, rule, sender, request);
      outcome.rules.insert(outcome.rules.begin(), rules.begin(), rules.end());
      return outcome;
    }
  }
  Outcome outcome;
  outcome.path = request.path;
  outcome.host = request.host;
  const Forward direct{*target, "", request.port, 100, {}};
  outcome.branches.push_back(Deliver(model, direct, request.port, sender, request, outcome.rules));
  return outcome;
}

}  // namespace

Outcome Evaluate(const Model& model, const Request& request) {
  return request.gateway.IsNone() ? EvaluateAtSidecar(model, request)
                                  : EvaluateAtGateway(model, request);
}

bool Outcome::AllowedSomewhere() const {
  if (blocked) return false;
  if (answered) return true;
  return std::any_of(branches.begin(), branches.end(),
                     [](const Branch& branch) { return !branch.blocked; });
}

bool Outcome::BlockedSomewhere() const { return FirstBlock() != nullptr; }

const Block* Outcome::FirstBlock() const {
  if (blocked) return &*blocked;
  for (const Branch& branch : branches) {
    if (branch.blocked) return &*branch.blocked;
  }
  return nullptr;
}

std::string_view StageName(Stage stage) {
  switch (stage) {
    case Stage::kHidden:
      return "hidden";
    case Stage::kNoRoute:
      return "no-route";
    case Stage::kMtls:
      return "mtls";
    case Stage::kAuthentication:
      return "authentication";
    case Stage::kExternalAuthorization:
      return "external-authorization";
    case Stage::kDenied:
      return "denied";
    case Stage::kNotAllowed:
      return "not-allowed";
    case Stage::kForeignOrigin:
      return "foreign-origin";
    case Stage::kBodyTooLarge:
      return "body-too-large";
    case Stage::kRateLimited:
      return "rate-limited";
    case Stage::kFault:
      return "fault";
    case Stage::kUnavailable:
      return "unavailable";
  }
  return "";
}

}  // namespace weft::engine
