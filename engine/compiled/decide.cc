#include "engine/compiled/decide.h"

#include <algorithm>

namespace weft::engine::compiled {
namespace {

const Span kNobodysLine;

// Who sends the request on, and from where.
struct Sender {
  Place place;
  const Peer* peer = nullptr;
  GatewayId gateway{};   // a proxy of this one
  bool proxied = false;  // a proxy at all
};

using TableIds = InlineList<std::uint32_t, 8>;

class Deciding {
 public:
  Deciding(const Program& program, const Request& request, Decision& decision)
      : program_(program), model_(program.model), request_(request), decision_(decision) {
    if (request.identity) {
      given_ = program.conditions.names().PeerOf(*request.identity);
      if (program.conditions.needs_uri()) given_->uri = given_uri_ = request.identity->Uri();
    }
    loses_ = !request.lost_clusters.empty() || !request.lost_regions.empty() ||
             !request.lost_zones.empty();
  }

  void Take() {
    if (request_.gateway.IsNone()) {
      AtSidecar();
    } else {
      AtGateway();
    }
  }

 private:
  void Line(const Span& line) { decision_.lines.push_back({&line, 1}); }
  void Block(Stage stage, int status) {
    decision_.kind = Decision::Kind::kBlocked;
    decision_.stage = stage;
    decision_.status = status;
  }
  void BlockBy(Stage stage, int status, const Span& line) {
    decision_.lines = {};
    Line(line);
    Block(stage, status);
  }

  void AtSidecar();
  void AtGateway();
  [[nodiscard]] std::optional<Refusal> CheckEntry(GuardNumber guard, const RouteModifiers* route,
                                                  const View& view);
  [[nodiscard]] const CompiledListener* FindListener(const CompiledGateway& gateway) const;
  [[nodiscard]] TableIds TablesFor(const Scope& scope, const TargetRef& target) const;
  // The requested port is one of the target's.
  [[nodiscard]] bool IsPortOf(const TargetRef& target) const;
  [[nodiscard]] bool HasLayer(const TableIds& tables) const;
  void RouteThrough(const TableIds& tables, std::uint32_t found, const Sender& sender);
  [[nodiscard]] const RouteModifiers* ModifiersOf(std::uint32_t route) const {
    return route == RuleBook::kNone ? nullptr : &program_.routes[route].rule->modifiers;
  }
  [[nodiscard]] std::uint32_t FirstMatch(const TableIds& tables, const View& view) const;
  void Apply(const CompiledRoute& route, const Sender& sender);
  void SendTo(const CompiledRoute& route, const Sender& sender);
  [[nodiscard]] std::uint16_t PortOf(const Forward& forward, ClusterId cluster) const;
  void Deliver(const TargetRef& target, std::uint32_t plan, const Forward* forward,
               std::uint16_t port, const Sender& sender, View view);
  void FindTiers(std::uint32_t plan, const Place& place, DecidedBranch& branch, Tiers& own);
  [[nodiscard]] const External* LeavesBy(const TargetRef& target, std::uint16_t port,
                                         const Sender& sender) const;
  [[nodiscard]] std::optional<Refusal> AskOnTheWayOut(const External& external,
                                                      const Sender& sender,
                                                      const Refusal& unavailable, View view);
  [[nodiscard]] std::optional<Refusal> AskServers(const DecidedBranch& branch,
                                                  std::span<const GuardNumber> guards,
                                                  std::uint16_t port, View view);

  const Program& program_;
  const Model& model_;
  const Request& request_;
  std::optional<Peer> given_;  // of request.identity
  std::string given_uri_;
  bool loses_ = false;
  Decision& decision_;
};

bool Deciding::IsPortOf(const TargetRef& target) const {
  const auto ports = program_.delivery.PortsOf(target, request_.cluster);
  return std::any_of(ports.begin(), ports.end(),
                     [&](const Port& port) { return port.number == request_.port; });
}

void Deciding::AtSidecar() {
  const Client* client =
      request_.source.IsNone() ? nullptr : &program_.clients[request_.source.index()];
  const bool proxied = client != nullptr && client->proxied && !request_.plaintext;
  Sender sender{{request_.cluster, program_.localities[request_.cluster.index()]}, nullptr};
  if (client != nullptr && client->locality != Client::kAnyLocality) {
    sender.place.locality = client->locality;
  }
  if (given_ && !request_.plaintext) {
    sender.peer = &*given_;
  } else if (proxied) {
    sender.peer = &client->peer;
  }
  const std::uint32_t ns = client == nullptr ? TextMap::kAbsent : client->namespace_number;
  const WorkspaceId workspace = client == nullptr ? WorkspaceId{} : client->workspace;
  const bool bound = proxied && !request_.direct;
  // A trimmed proxy answers for hosts it does not know, where it listens.
  const bool answers = bound && client->trimmed && request_.layer == Layer::kHttp &&
                       program_.names.Listens(workspace, request_.cluster, request_.port);
  const int unknown = answers ? 502 : 0;
  const std::optional<TargetRef> target =
      program_.names.Resolve(request_.host, ns, request_.cluster);
  if (!target) return Block(Stage::kHidden, unknown);
  const bool known = program_.names.Knows(workspace, *target);
  if (bound && !known && (client->trimmed || !std::holds_alternative<ExternalId>(*target))) {
    if (!workspace.IsNone()) Line(model_[workspace].isolate_span);
    return Block(Stage::kHidden, unknown);
  }
  sender.proxied = bound && known;
  if (sender.proxied && IsPortOf(*target)) {
    const TableIds tables = TablesFor(program_.scopes[client->scope], *target);
    if (HasLayer(tables)) {
      const View view = View::Of(request_, sender.peer);
      const std::uint32_t found = FirstMatch(tables, view);
      if (const RouteModifiers* route = ModifiersOf(found)) {
        const auto refusal =
            program_.services.CheckRoute(*route, program_.conditions, view, decision_.lines);
        if (refusal) return Block(refusal->stage, refusal->status);
      }
      return RouteThrough(tables, found, sender);
    }
  }
  Deliver(*target, program_.delivery.PlanOf(*target), nullptr, request_.port, sender,
          View::Of(request_, nullptr));
}

const CompiledListener* Deciding::FindListener(const CompiledGateway& gateway) const {
  const CompiledListener* found = nullptr;
  const CompiledListener* other = nullptr;  // of the port, for other hosts
  const std::string& name = request_.tls ? request_.sni : request_.host;
  for (const CompiledListener& candidate : gateway.listeners) {
    const Listener& listener = *candidate.listener;
    if (listener.port != request_.port || listener.tls.has_value() != request_.tls) continue;
    const bool named = !listener.hosts.empty();
    if (named && candidate.hosts.Find(name).rank == 0) {
      if (other == nullptr) other = &candidate;
      continue;
    }
    // One that names its hosts goes before one that takes any.
    if (found == nullptr || (named && found->listener->hosts.empty())) found = &candidate;
  }
  const bool by_port = !request_.tls && request_.layer == Layer::kHttp;
  return found == nullptr && by_port ? other : found;
}

void Deciding::AtGateway() {
  const CompiledGateway& gateway = program_.gateways[request_.gateway.index()];
  const GatewayProxies& proxies = gateway.in[request_.cluster.index()];
  const CompiledListener* taken = FindListener(gateway);
  if (taken == nullptr) return BlockBy(Stage::kHidden, 0, model_[request_.gateway].span);
  const Listener& listener = *taken->listener;
  const Peer* client = given_ ? &*given_ : nullptr;
  if (listener.tls == TlsMode::kIstioMutual && client == nullptr) {
    return BlockBy(Stage::kMtls, 0, listener.span);
  }
  const std::string& name = request_.layer == Layer::kTls ? request_.sni : request_.host;
  const bool named = listener.hosts.empty() || taken->hosts.Find(name).rank != 0;
  const bool redirects = listener.redirect_https && request_.layer == Layer::kHttp;
  TableIds tables;
  for (const std::uint32_t table : gateway.tables.Find(name).ids) tables.push_back(table);
  const View view = View::Of(request_, client);
  // What is asked before routing may depend on the route.
  const std::uint32_t found =
      named && !redirects ? FirstMatch(tables, view) : std::uint32_t{RuleBook::kNone};
  if (const auto refusal = CheckEntry(proxies.guard, ModifiersOf(found), view)) {
    return Block(refusal->stage, refusal->status);
  }
  if (!named) return BlockBy(Stage::kNoRoute, 404, listener.span);
  if (tables.empty()) return BlockBy(Stage::kNoRoute, 404, model_[request_.gateway].span);
  if (redirects) {
    Line(listener.span);
    decision_.kind = Decision::Kind::kAnswered;
    decision_.https_redirect = &listener;
    return;
  }
  RouteThrough(tables, found,
               {proxies.place, proxies.peer ? &*proxies.peer : nullptr, request_.gateway, true});
}

std::optional<Refusal> Deciding::CheckEntry(GuardNumber guard, const RouteModifiers* route,
                                            const View& view) {
  if (guard != kNoGuard) {
    return program_.guards.Check(guard, program_.book, program_.conditions, program_.services,
                                 route, view, decision_.lines);
  }
  if (route == nullptr) return std::nullopt;
  return program_.services.CheckRoute(*route, program_.conditions, view, decision_.lines);
}

TableIds Deciding::TablesFor(const Scope& scope, const TargetRef& target) const {
  TableIds best;
  const auto* service = std::get_if<ServiceId>(&target);
  if (scope.tables.empty() || (service != nullptr && !scope.routed[service->index()])) return best;
  std::size_t rank = 0;
  const auto offer = [&](std::string_view name) {
    const HostIndex::Found found = scope.hosts.Find(name);
    if (found.rank < rank || found.rank == 0) return;
    if (found.rank > rank) best = {};
    rank = found.rank;
    // Names of one rank may lead to the same tables; in the order of the Model.
    for (const std::uint32_t table : found.ids) best.InsertSorted(table);
  };
  if (service != nullptr) {
    offer(program_.service_hosts[service->index()]);
    return best;
  }
  const auto* destination = std::get_if<DestinationId>(&target);
  const auto* external = std::get_if<ExternalId>(&target);
  for (const std::string& host :
       destination != nullptr ? model_[*destination].hosts : model_[*external].hosts) {
    offer(host);
  }
  offer(request_.host);  // a concrete name under a wildcard
  return best;
}

bool Deciding::HasLayer(const TableIds& tables) const {
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (program_.tables[tables[i]].has_layer[static_cast<std::size_t>(request_.layer)]) return true;
  }
  return false;
}

std::uint32_t Deciding::FirstMatch(const TableIds& tables, const View& view) const {
  const auto layer = static_cast<std::size_t>(request_.layer);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const RuleList& list = program_.tables[tables[i]].rules[layer];
    const std::uint32_t found = program_.book.First(list, program_.conditions, view);
    if (found != RuleBook::kNone) return found;
  }
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const RuleList& list = program_.tables[tables[i]].otherwise[layer];
    const std::uint32_t found = program_.book.First(list, program_.conditions, view);
    if (found != RuleBook::kNone) return found;
  }
  return RuleBook::kNone;
}

void Deciding::RouteThrough(const TableIds& tables, std::uint32_t found, const Sender& sender) {
  if (found == RuleBook::kNone) {
    decision_.refusal_lines = decision_.lines.size();
    for (std::size_t i = 0; i < tables.size(); ++i) Line(model_[TableId{tables[i]}].span);
    return Block(Stage::kNoRoute, 404);
  }
  decision_.route = found;
  Apply(program_.routes[found], sender);
}

void Deciding::Apply(const CompiledRoute& route, const Sender& sender) {
  const RouteRule& rule = *route.rule;
  decision_.rule = &rule;
  if (!rule.via.empty()) decision_.lines.push_back(rule.via);
  Line(rule.span);
  if (!std::holds_alternative<std::vector<Forward>>(rule.action)) {
    decision_.kind = Decision::Kind::kAnswered;
    return;
  }
  const std::optional<FaultAbort>& abort = rule.modifiers.abort;
  if (abort && abort->share >= 100) {
    decision_.refusal_lines = decision_.lines.size();
    Line(abort->span);
    return Block(Stage::kFault, abort->status);
  }
  SendTo(route, sender);
}

void Deciding::SendTo(const CompiledRoute& route, const Sender& sender) {
  const RouteModifiers& modifiers = route.rule->modifiers;
  std::string path;
  View view = View::Of(request_, nullptr);
  if (route.rewrite) {
    path = route.rewrite->Apply(request_.path);
    view.path = path;
  }
  if (modifiers.rewrite && modifiers.rewrite->host) view.host = *modifiers.rewrite->host;
  if (!modifiers.headers.empty()) view.header_ops = &modifiers.headers;
  const std::string_view called = view.host;
  for (const CompiledForward& to : route.forwards) {
    view.host = to.forward->host.empty() ? called : std::string_view(to.forward->host);
    Deliver(to.forward->target, to.plan, to.forward, PortOf(*to.forward, sender.place.cluster),
            sender, view);
  }
}

std::uint16_t Deciding::PortOf(const Forward& forward, ClusterId cluster) const {
  if (forward.port != 0) return forward.port;
  const std::span<const Port> ports = program_.delivery.PortsOf(forward.target, cluster);
  const auto called = [&](const Port& port) { return port.number == request_.port; };
  if (request_.gateway.IsNone() && std::any_of(ports.begin(), ports.end(), called)) {
    return request_.port;
  }
  if (ports.size() == 1) return ports.front().number;
  for (const Port& port : ports) {
    if (port.http == (request_.layer == Layer::kHttp)) return port.number;
  }
  return request_.port;
}

void Deciding::FindTiers(std::uint32_t plan, const Place& place, DecidedBranch& branch,
                         Tiers& own) {
  branch.tiers = loses_ ? Delivery::kUnprepared : program_.delivery.Find(plan, place);
  if (branch.tiers != Delivery::kUnprepared) return;
  own = program_.delivery.Compute(plan, place, request_);
  branch.has_own_tiers = true;
  branch.tiers = static_cast<std::uint32_t>(decision_.own_tiers.size());
  decision_.own_tiers.push_back(own.all);
}

// The first refusal of the servers in the most preferred tier.
std::optional<Refusal> Deciding::AskServers(const DecidedBranch& branch,
                                            std::span<const GuardNumber> guards, std::uint16_t port,
                                            View view) {
  view.port = port;
  const bool renumbered = std::holds_alternative<DestinationId>(branch.target);
  for (std::size_t i = 0; i < guards.size(); ++i) {
    if (guards[i] == kNoGuard) continue;
    if (renumbered) {
      const auto& tiers = branch.has_own_tiers ? decision_.own_tiers[branch.tiers]
                                               : program_.delivery.TiersOf(branch.tiers);
      const Backend& backend = tiers.front().backends[i];
      view.port = program_.delivery.BackendPort(branch.target, backend, port);
    }
    auto refusal = program_.guards.Check(guards[i], program_.book, program_.conditions,
                                         program_.services, nullptr, view, decision_.lines);
    if (refusal) return refusal;
  }
  return std::nullopt;
}

// The external service that is the target, when the port is reached through a gateway from here.
const External* Deciding::LeavesBy(const TargetRef& target, std::uint16_t port,
                                   const Sender& sender) const {
  const auto* id = std::get_if<ExternalId>(&target);
  if (id == nullptr || !sender.proxied) return nullptr;
  const External& external = model_[*id];
  if (external.via.IsNone() || external.via == sender.gateway) return nullptr;
  for (const External::Port& candidate : external.ports) {
    if (candidate.port.number == port && candidate.via) return &external;
  }
  return nullptr;
}

std::optional<Refusal> Deciding::AskOnTheWayOut(const External& external, const Sender& sender,
                                                const Refusal& unavailable, View view) {
  const Gateway& gateway = model_[external.via];
  const ClusterId here = sender.place.cluster;
  if (std::find(gateway.clusters.begin(), gateway.clusters.end(), here) == gateway.clusters.end()) {
    return unavailable;
  }
  const GuardNumber guard = program_.gateways[external.via.index()].in[here.index()].guard;
  if (guard == kNoGuard) return std::nullopt;
  const Listener& listener = gateway.listeners[external.via_listener];
  view.port = listener.port;
  view.peer = listener.tls == TlsMode::kIstioMutual ? sender.peer : nullptr;
  return program_.guards.Check(guard, program_.book, program_.conditions, program_.services,
                               nullptr, view, decision_.lines);
}

void Deciding::Deliver(const TargetRef& target, std::uint32_t plan, const Forward* forward,
                       std::uint16_t port, const Sender& sender, View view) {
  DecidedBranch branch{.forward = forward,
                       .target = target,
                       .tiers = 0,
                       .has_own_tiers = false,
                       .refused = std::nullopt};
  const Refusal unavailable{
      Stage::kUnavailable, 503, {forward == nullptr ? &kNobodysLine : &forward->span, 1}};
  const std::span<const Port> ports = program_.delivery.PortsOf(target, sender.place.cluster);
  if (std::none_of(ports.begin(), ports.end(),
                   [&](const Port& candidate) { return candidate.number == port; })) {
    branch.refused = unavailable;
    return decision_.branches.push_back(branch);
  }
  Tiers own;
  FindTiers(plan, sender.place, branch, own);
  const bool nowhere = branch.has_own_tiers ? own.all.empty() : branch.tiers == Delivery::kNowhere;
  if (nowhere) branch.refused = unavailable;
  view.peer = program_.delivery.HasForeignTls(target) && !request_.direct ? nullptr : sender.peer;
  if (const External* external = LeavesBy(target, port, sender); external != nullptr && !nowhere) {
    branch.refused = AskOnTheWayOut(*external, sender, unavailable, view);
  } else if (!nowhere) {
    branch.refused = AskServers(
        branch, branch.has_own_tiers ? own.guards : program_.delivery.GuardsOf(branch.tiers), port,
        view);
  }
  decision_.branches.push_back(branch);
}

}  // namespace

Decision Decide(const Program& program, const Request& request) {
  Decision decision;
  Deciding(program, request, decision).Take();
  return decision;
}

}  // namespace weft::engine::compiled
