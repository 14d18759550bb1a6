// Where requests go: for every host at every gateway and at the sidecars of every kind of caller,
// the routes of the policy against VirtualServices, Gateways and what proxies know.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "engine/hosts.h"
#include "prove/route_effect.h"
#include "prove/work.h"
#include "verifier/question.h"
#include "verifier/server.h"
#include "verifier/sites.h"
#include "verifier/work.h"

namespace weft::prove {
namespace {

using emit::check::PathChange;
using emit::check::RouteChoice;
using emit::check::RouteDecision;
using emit::check::RouteEffect;
using engine::Condition;
using engine::Layer;
using verifier::FormulaId;
using verifier::Formulas;
using verifier::Site;
using verifier::Space;

// A place, host and port, and what both sides do there.
struct Cell {
  Site site;  // the region of requests
  std::string name;
  const engine::Guard* guard = nullptr;  // of the gateway: what it refuses is not routed
  std::vector<RouteChoice> policy;
  std::vector<const engine::RouteRule*> rules;  // of `policy`, null = none
  RouteDecision emitted;
  Span line;  // of the policy, where no rule decides
};

RouteChoice Last(RouteEffect effect, Span span) {
  return {Condition::True(), std::move(effect), nullptr, span};
}

// ---- comparison -------------------------------------------------------------------------------

void CollectExactPaths(const Condition& condition, std::set<std::string>& paths) {
  for (const Condition& child : condition.children) CollectExactPaths(child, paths);
  const auto* match =
      condition.matcher ? std::get_if<engine::PathMatch>(&*condition.matcher) : nullptr;
  if (match == nullptr) return;
  for (const Pattern& pattern : match->any_of) {
    if (const auto* exact = std::get_if<Exact>(&pattern)) paths.insert(exact->value);
  }
}

bool Rewrites(const RouteChoice& choice) {
  return choice.effect.path.kind != PathChange::Kind::kNone;
}

// On a path that one side replaces as a whole, the other side's change is one, too.
std::vector<RouteChoice> SplitAt(const std::set<std::string>& paths,
                                 const std::vector<RouteChoice>& choices) {
  std::vector<RouteChoice> split;
  for (const RouteChoice& choice : choices) {
    const bool forwards = choice.effect.aspects.contains("to");
    for (const std::string& path : paths) {
      if (!forwards || choice.effect.path.kind == PathChange::Kind::kWhole) break;
      RouteChoice one = choice;
      one.when =
          Condition::And({one.when, Condition::Of(engine::PathMatch{{Pattern(Exact{path})}}, {})});
      one.effect.path = {PathChange::Kind::kWhole, "",
                         emit::check::Changed(choice.effect.path, path)};
      split.push_back(std::move(one));
    }
    split.push_back(choice);
  }
  return split;
}

std::string PathText(const PathChange& change) {
  switch (change.kind) {
    case PathChange::Kind::kNone:
      return "the path as it is";
    case PathChange::Kind::kWhole:
      return "the path " + change.to;
    case PathChange::Kind::kPrefix:
      return "`" + change.from + "` of the path replaced by `" + change.to + "`";
    case PathChange::Kind::kRegex:
      return "`" + change.from + "` in the path replaced by `" + change.to + "`";
  }
  return "";
}

// The first aspect in which the effects differ, with what each says.
struct Aspect {
  std::string name, policy, emitted;
};
Aspect AspectOf(const RouteEffect& policy, const RouteEffect& emitted) {
  static const std::string kNothing = "Istio's default";
  const auto of = [](const RouteEffect& effect, const std::string& name) {
    const auto at = effect.aspects.find(name);
    return at == effect.aspects.end() ? kNothing : at->second;
  };
  const auto whole = [&](const RouteEffect& effect) {
    return effect.aspects.contains("answer") ? "answers " + of(effect, "answer")
                                             : "sends to " + of(effect, "to");
  };
  if (whole(policy) != whole(emitted)) return {"destination", whole(policy), whole(emitted)};
  std::set<std::string> names;
  for (const auto* effect : {&policy, &emitted}) {
    for (const auto& [name, unused] : effect->aspects) names.insert(name);
  }
  for (const std::string& name : names) {
    if (of(policy, name) != of(emitted, name)) return {name, of(policy, name), of(emitted, name)};
  }
  return {"path", PathText(policy.path), PathText(emitted.path)};
}

class Comparison {
 public:
  Comparison(Work& work, const Cell& cell) : work_(work), cell_(cell) {}

  void Run() {
    for (const emit::check::Unsaid& unsaid : cell_.emitted.unsaid) {
      work_.Undecided(cell_.site.cluster, unsaid.object, unsaid.span, {},
                      unsaid.reason + " in the routes of `" + cell_.name + "`");
    }
    if (!cell_.emitted.unsaid.empty()) return;
    if (const engine::External* external = LedOut()) {
      return work_.Undecided(cell_.site.cluster, nullptr, {}, external->span,
                             "what is led to external `" + external->name + "` through a gateway");
    }
    Split();
    Number();
    // One list, word for word.
    if (keys_.size() == 1) return;
    Build();
    if (!study_.decidable) {
      return work_.Undecided(cell_.site.cluster, nullptr, {}, cell_.line,
                             "`" + cell_.name + "`: " + study_.reason);
    }
    for (std::size_t i = 0; i < keys_.size(); ++i) CompareKey(i);
  }

 private:
  // The external service behind an egress gateway that the place is about.
  [[nodiscard]] const engine::External* LedOut() const {
    const engine::Model& model = work_.model;
    const auto led = [&](const engine::TargetRef& target) -> const engine::External* {
      const auto* id = std::get_if<engine::ExternalId>(&target);
      return id == nullptr || model[*id].via.IsNone() ? nullptr : &model[*id];
    };
    const verifier::Site& site = cell_.site;
    if (site.target && led(*site.target) != nullptr) return led(*site.target);
    for (const engine::RouteRule* rule : site.rules) {
      const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule->action);
      if (forwards == nullptr) continue;
      for (const engine::Forward& forward : *forwards) {
        if (const engine::External* external = led(forward.target)) return external;
      }
    }
    for (const engine::External& external : model.externals) {
      const bool here = !site.gateway.IsNone() && external.via == site.gateway;
      if (here && std::find(external.hosts.begin(), external.hosts.end(), site.host) !=
                      external.hosts.end()) {
        return &external;
      }
    }
    return nullptr;
  }

  void Split() {
    std::set<std::string> paths;
    for (const auto* choices : {&cell_.policy, &cell_.emitted.choices}) {
      for (const RouteChoice& choice : *choices) {
        if (Rewrites(choice)) CollectExactPaths(choice.when, paths);
      }
    }
    policy_ = SplitAt(paths, cell_.policy);
    emitted_ = SplitAt(paths, cell_.emitted.choices);
  }

  // Every effect that occurs.
  void Number() {
    for (const auto* choices : {&policy_, &emitted_}) {
      for (const RouteChoice& choice : *choices) keys_.emplace(choice.effect, keys_.size());
    }
  }

  // Of each effect, the requests it is the effect for.
  std::vector<FormulaId> ByKey(Space& space, Formulas& formulas,
                               const std::vector<RouteChoice>& choices) {
    const verifier::View view{.rule = nullptr, .port = cell_.site.port, .peer = &cell_.site.peer};
    std::vector<std::vector<FormulaId>> any(keys_.size());
    FormulaId none_before = verifier::kTrue;
    for (const RouteChoice& choice : choices) {
      const FormulaId fits = space.Encode(choice.when, view);
      any[keys_.at(choice.effect)].push_back(formulas.And({none_before, fits}));
      none_before = formulas.And({none_before, formulas.Not(fits)});
    }
    std::vector<FormulaId> by_key;
    for (auto& one : any) by_key.push_back(formulas.Or(std::move(one)));
    return by_key;
  }

  void Build() {
    study_ = verifier::Prepare(work_.atlas, nullptr, [&](Space& space, Formulas& formulas) {
      engine::Assumptions assumed{.answers = {}, .within_limits = true};
      for (std::uint32_t a = 0; a < work_.model.authorizers.size(); ++a) {
        assumed.answers[{a}] = engine::Answer::kAllow;
      }
      space.Assume(std::move(assumed));
      const FormulaId region = formulas.And(
          {verifier::Region(space, formulas, cell_.site),
           verifier::Passes(space, formulas, work_.model, cell_.guard, cell_.site.layer,
                            {.rule = nullptr, .port = cell_.site.port, .peer = &cell_.site.peer})});
      std::vector<FormulaId> parts = ByKey(space, formulas, policy_);
      const std::vector<FormulaId> emitted = ByKey(space, formulas, emitted_);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i] = formulas.And({region, parts[i], formulas.Not(emitted[i])});
      }
      return parts;
    });
  }

  void CompareKey(std::size_t key) {
    const verifier::Found found = verifier::Ask(work_.solver, study_, study_.parts[key]);
    if (found.verdict == verifier::Verdict::kUnsat) return;
    if (!found.Sat()) {
      return work_.Undecided(cell_.site.cluster, nullptr, {}, cell_.line,
                             "`" + cell_.name + "`: " + found.reason);
    }
    engine::Request request = verifier::RequestAt(cell_.site, found);
    const RouteChoice& wanted = Decider(policy_, request);
    const RouteChoice& given = Decider(emitted_, request);
    const Aspect aspect = AspectOf(wanted.effect, given.effect);
    if (aspect.name == "path" && emit::check::Changed(wanted.effect.path, request.path) ==
                                     emit::check::Changed(given.effect.path, request.path)) {
      return work_.Undecided(
          cell_.site.cluster, given.object, given.span, wanted.span,
          "two expressions that rewrite the path of requests to `" + cell_.name + "`");
    }
    Report(std::move(request), wanted, given, aspect);
  }

  [[nodiscard]] const RouteChoice& Decider(const std::vector<RouteChoice>& choices,
                                           const engine::Request& request) const {
    for (const RouteChoice& choice : choices) {
      if (engine::Holds(work_.model, choice.when, request, cell_.site.peer)) return choice;
    }
    return choices.back();
  }

  void Report(engine::Request request, const RouteChoice& wanted, const RouteChoice& given,
              const Aspect& aspect) {
    Difference d{.cluster = cell_.site.cluster,
                 .message = "a request to `" + cell_.name + "` is given another " + aspect.name +
                            " by what is emitted than by the policy",
                 .policy = wanted.span.IsKnown() ? wanted.span : cell_.line,
                 .object = given.object,
                 .part = given.span};
    d.allowed = given.effect.aspects.contains("to");
    d.confirmed = Confirmed(request, wanted, given);
    const std::string place = work_.PlaceOf(d.policy);
    const bool plain = aspect.name == "destination" || aspect.name == "path";
    const std::string what = plain ? "" : aspect.name + " ";
    d.notes.push_back("  policy " + what + aspect.policy + (place.empty() ? "" : "   " + place));
    d.notes.push_back("  Istio  " + what + aspect.emitted);
    d.request = std::move(request);
    work_.Differs(std::move(d));
  }

  // Both judges take the request the way their side was read.
  [[nodiscard]] bool Confirmed(const engine::Request& request, const RouteChoice& wanted,
                               const RouteChoice& given) const {
    const engine::Outcome outcome = engine::Evaluate(work_.model, request);
    const emit::check::Decision decision = emit::check::Interpret(work_.mesh, request);
    const auto settled = [](bool forwards, bool forwarded, const RouteChoice& choice,
                            const std::string& path, const engine::Request& sent) {
      return forwards == forwarded &&
             (!forwards || path == emit::check::Changed(choice.effect.path, sent.path));
    };
    // Settings of a route for tokens and authorizers may refuse what it takes, and faults all of
    // it.
    const bool refused = outcome.blocked && outcome.blocked->stage != engine::Stage::kNoRoute &&
                         outcome.blocked->stage != engine::Stage::kHidden;
    const bool as_read = settled(wanted.effect.aspects.contains("to"), !outcome.branches.empty(),
                                 wanted, outcome.path, request);
    const bool gone = decision.kind == emit::check::Decision::Kind::kBlocked &&
                      decision.stage != "no-route" && decision.stage != "hidden";
    const bool as_interpreted = settled(given.effect.aspects.contains("to"),
                                        decision.kind == emit::check::Decision::Kind::kForwarded,
                                        given, decision.path, request);
    return (refused || as_read) && (gone || as_interpreted);
  }

  Work& work_;
  const Cell& cell_;
  std::vector<RouteChoice> policy_, emitted_;
  std::map<RouteEffect, std::size_t> keys_;
  verifier::Study study_;
};

// ---- gateways ---------------------------------------------------------------------------------

std::string Sample(const std::string& pattern) {
  if (pattern == "*") return "any-host.invalid";
  return pattern.starts_with('*') ? "any-host" + pattern.substr(1) : pattern;
}

bool IsNarrower(const std::string& other, const std::string& pattern) {
  if (pattern == other || other == "*") return false;
  if (pattern == "*") return true;
  return pattern.starts_with('*') && other.size() >= pattern.size() &&
         other.ends_with(pattern.substr(1));
}

struct Entry {
  std::uint16_t port = 0;
  bool tls = false;
  Layer layer = Layer::kHttp;
  auto operator<=>(const Entry&) const = default;
};

class GatewayCells {
 public:
  explicit GatewayCells(Work& work) : work_(work), model_(work.model) {}

  void Run() {
    for (std::uint32_t g = 0; g < model_.gateways.size(); ++g) {
      for (const engine::ClusterId cluster : model_.gateways[g].clusters) Compare({g}, cluster);
    }
  }

 private:
  void Compare(engine::GatewayId id, engine::ClusterId cluster) {
    const engine::Gateway& gateway = model_[id];
    std::set<Entry> entries;
    std::set<std::string> hosts = work_.routes.HostsAt(cluster, gateway.ns + "/" + gateway.name);
    for (const engine::Listener& listener : gateway.listeners) {
      // Callers of the mesh come by identities that differ.
      if (listener.tls == engine::TlsMode::kIstioMutual) continue;
      entries.insert(
          {listener.port, listener.tls.has_value(), verifier::LayerOfListener(listener)});
      hosts.insert(listener.hosts.begin(), listener.hosts.end());
    }
    for (const engine::Table& table : model_.tables) {
      const auto& bound = table.gateways;
      if (!table.root || std::find(bound.begin(), bound.end(), id) == bound.end()) continue;
      hosts.insert(table.hosts.begin(), table.hosts.end());
    }
    hosts.insert("*");
    const emit::check::Client client = ClientOf(id, cluster);
    for (const Entry& entry : entries) {
      for (const std::string& host : hosts) CompareHost(id, client, entry, host, hosts);
    }
  }

  [[nodiscard]] emit::check::Client ClientOf(engine::GatewayId id,
                                             engine::ClusterId cluster) const {
    const engine::Gateway& gateway = model_[id];
    emit::check::Client client{.cluster = cluster,
                               .ns = gateway.ns,
                               .labels = gateway.selector,
                               .locality = model_[cluster].locality,
                               .identity = {},
                               .gateway = gateway.ns + "/" + gateway.name};
    for (const engine::WorkloadId w : gateway.workloads) {
      if (model_[w].cluster == cluster) client.labels = model_[w].labels;
    }
    return client;
  }

  void CompareHost(engine::GatewayId id, const emit::check::Client& client, const Entry& entry,
                   const std::string& host, const std::set<std::string>& hosts) {
    static const engine::Listener kAny;
    const engine::Gateway& gateway = model_[id];
    Cell cell;
    Site& site = cell.site;
    site.gateway = id;
    site.cluster = client.cluster;
    site.listener = &kAny;
    site.host = host;
    for (const std::string& other : hosts) {
      if (IsNarrower(other, host)) site.more_specific.push_back(other);
    }
    site.layer = entry.layer;
    site.port = entry.port;
    engine::Request& base = site.base;
    base.layer = entry.layer;
    base.gateway = id;
    base.cluster = client.cluster;
    base.port = entry.port;
    base.tls = entry.tls;
    base.plaintext = true;
    base.host = base.sni = Sample(host);
    cell.name = host + " through gateway " + gateway.name;
    cell.guard = model_.GuardOf(id, client.cluster);
    AddPolicy(gateway, cell);
    cell.emitted = work_.routes.AtGateway(client, gateway.name, entry.tls,
                                          {entry.layer, base.host, entry.port});
    Comparison(work_, cell).Run();
  }

  void AddPolicy(const engine::Gateway& gateway, Cell& cell) const {
    const engine::Request& base = cell.site.base;
    const engine::Listener* listener = engine::ListenerFor(gateway, base);
    cell.line = listener == nullptr ? gateway.span : listener->span;
    const auto answer = [&](const std::string& text) {
      cell.policy.push_back(Last(emit::check::Answer(text), cell.line));
    };
    if (listener == nullptr) return answer("unknown");
    const bool named = listener->hosts.empty() || engine::BestHost(listener->hosts, base.host);
    cell.site.tables = engine::TablesAtGateway(model_, cell.site.gateway, base.host);
    if (!named || cell.site.tables.empty()) return answer("404 ");
    if (listener->redirect_https && base.layer == Layer::kHttp) return answer("to https");
    verifier::OrderRules(cell.site);
    for (const engine::RouteRule* rule : cell.site.rules) {
      for (RouteChoice& choice : ChoicesOf(model_, cell.site.cluster, base, *rule)) {
        cell.policy.push_back(std::move(choice));
      }
    }
    answer("404 ");
  }

  Work& work_;
  const engine::Model& model_;
};

// ---- sidecars ---------------------------------------------------------------------------------

class SidecarCells {
 public:
  explicit SidecarCells(Work& work) : work_(work), model_(work.model) {
    for (const engine::Table& table : model_.tables) {
      if (!table.root || !table.on_sidecars) continue;
      by_labels_ = by_labels_ || table.workloads.has_value();
      for (const std::string& host : table.hosts) {
        if (host.starts_with('*')) {
          wild_.push_back(host);
        } else {
          tabled_.insert(host);
        }
      }
    }
  }

  void Run() {
    for (std::uint32_t c = 0; c < model_.clusters.size(); ++c) {
      for (const engine::WorkloadId caller : CallersOf({c})) {
        for (std::uint32_t i = 0; i < model_.services.size(); ++i) {
          const engine::ServiceInstance* instance = model_.services[i].In({c});
          if (instance != nullptr) Compare(caller, engine::ServiceId{i}, instance->ports);
        }
        for (std::uint32_t i = 0; i < model_.destinations.size(); ++i) {
          Compare(caller, engine::DestinationId{i}, model_.destinations[i].ports);
        }
        for (std::uint32_t i = 0; i < model_.externals.size(); ++i) {
          std::vector<engine::ServicePort> ports;
          for (const auto& port : model_.externals[i].ports) ports.push_back(port.port);
          Compare(caller, engine::ExternalId{i}, ports);
        }
      }
    }
  }

 private:
  // One caller of every kind: proxies of a namespace differ where labels are looked at only.
  [[nodiscard]] std::vector<engine::WorkloadId> CallersOf(engine::ClusterId cluster) const {
    const bool labels = by_labels_ || work_.routes.LooksAtLabels(cluster);
    std::set<std::tuple<engine::WorkspaceId, std::string, engine::Labels>> seen;
    std::vector<engine::WorkloadId> callers;
    for (std::uint32_t w = 0; w < model_.workloads.size(); ++w) {
      const engine::Workload& workload = model_.workloads[w];
      if (workload.cluster != cluster || !workload.sidecar) continue;
      if (seen.insert(
                  {workload.workspace, workload.ns, labels ? workload.labels : engine::Labels{}})
              .second) {
        callers.push_back({w});
      }
    }
    return callers;
  }

  void Compare(engine::WorkloadId caller, const engine::TargetRef& target,
               const std::vector<engine::ServicePort>& ports) {
    const engine::Workload& workload = model_[caller];
    for (const std::string& name : engine::HostsOf(model_, target)) {
      const std::string host = Sample(FullName(workload.cluster, target, name));
      const bool tabled = IsTabled(target, host);
      const bool claimed = work_.routes.IsClaimed(workload.cluster, host);
      const bool visible = engine::IsVisible(model_, workload.workspace, target);
      const bool known = work_.registry.Find(workload.cluster, workload.ns, host) != nullptr;
      if (!tabled && !claimed && visible == known) continue;
      for (const engine::ServicePort& port : ports) {
        if (port.protocol != engine::PortProtocol::kUdp) {
          CompareAt(caller, target, host, port, tabled, visible);
        }
      }
    }
  }

  [[nodiscard]] std::string FullName(engine::ClusterId cluster, const engine::TargetRef& target,
                                     const std::string& name) const {
    const auto* service = std::get_if<engine::ServiceId>(&target);
    return service == nullptr ? name : model_[*service].Fqdn(model_[cluster]);
  }

  [[nodiscard]] bool IsTabled(const engine::TargetRef& target, const std::string& host) const {
    std::vector<std::string> names = engine::HostsOf(model_, target);
    names.push_back(host);
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return tabled_.contains(name) ||
             std::any_of(wild_.begin(), wild_.end(), [&](const std::string& pattern) {
               return engine::HostMatches(pattern, name);
             });
    });
  }

  void CompareAt(engine::WorkloadId caller, const engine::TargetRef& target,
                 const std::string& host, const engine::ServicePort& port, bool tabled,
                 bool visible) {
    const engine::Workload& workload = model_[caller];
    Cell cell;
    Site& site = cell.site;
    site.cluster = workload.cluster;
    site.host = host;
    site.target = target;
    site.layer = verifier::LayerOf(port);
    site.port = port.number;
    site.peer =
        engine::Identity{model_[workload.cluster].trust_domain, workload.ns, workload.account};
    engine::Request& base = site.base;
    base.layer = site.layer;
    base.source = caller;
    base.cluster = workload.cluster;
    base.port = port.number;
    base.host = host;
    if (site.layer == Layer::kTls) base.sni = host;
    cell.name = host + ":" + std::to_string(port.number);
    cell.line = std::visit([&](auto id) { return model_[id].span; }, target);
    AddPolicy(target, tabled, visible, cell);
    const emit::check::Client client{.cluster = workload.cluster,
                                     .ns = workload.ns,
                                     .labels = workload.labels,
                                     .locality = model_[workload.cluster].locality,
                                     .identity = site.peer};
    cell.emitted = work_.routes.AtSidecar(client, {site.layer, host, port.number});
    Comparison(work_, cell).Run();
  }

  void AddPolicy(const engine::TargetRef& target, bool tabled, bool visible, Cell& cell) const {
    Site& site = cell.site;
    const engine::WorkspaceId from = model_[site.base.source].workspace;
    const auto usual = [&] {
      const bool service = std::holds_alternative<engine::ServiceId>(target);
      const std::string host = service ? HostOf(model_, site.cluster, target) : site.host;
      cell.policy.push_back(Last(emit::check::ToHost(host, site.port), cell.line));
    };
    if (!visible) {
      // Proxies that are not trimmed pass on what lies outside.
      if (engine::Reaches(model_, from, target)) return usual();
      cell.policy.push_back(Last(emit::check::Answer("unknown"), cell.line));
      return;
    }
    if (tabled) {
      site.tables = engine::TablesAtSidecar(model_, site.base.source, target, site.host);
    }
    if (!engine::HasLayer(site.tables, site.layer)) return usual();
    verifier::OrderRules(site);
    for (const engine::RouteRule* rule : site.rules) {
      for (RouteChoice& choice : ChoicesOf(model_, site.cluster, site.base, *rule)) {
        cell.policy.push_back(std::move(choice));
      }
    }
    cell.policy.push_back(Last(emit::check::Answer("404 "), site.tables.front()->span));
  }

  Work& work_;
  const engine::Model& model_;
  std::set<std::string> tabled_;
  std::vector<std::string> wild_;
  bool by_labels_ = false;
};

}  // namespace

void CompareRoutes(Work& work) {
  GatewayCells(work).Run();
  SidecarCells(work).Run();
}

}  // namespace weft::prove
