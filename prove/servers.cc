// What servers let in: for every port of every workload, the guard of the policy against
// PeerAuthentication, RequestAuthentication and AuthorizationPolicy.
#include <algorithm>
#include <memory>

#include "dsl/overloaded.h"
#include "engine/fronts.h"
#include "engine/model_text.h"
#include "prove/canonical.h"
#include "prove/work.h"
#include "verifier/callers.h"
#include "verifier/question.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::prove {
namespace {

using emit::check::Clause;
using emit::check::ServerDecision;
using engine::Guard;
using engine::MtlsMode;
using verifier::FormulaId;
using verifier::Formulas;
using verifier::Space;
using verifier::View;

// A port of a workload's proxy, and what both sides say of it.
struct Door {
  emit::check::Proxy proxy;
  engine::ServiceId service;  // none: a gateway, or a workload of the future
  engine::GatewayId gateway;
  engine::ServicePort port;  // number: as the policy knows it; target: of the workload
  const Guard* guard = nullptr;
  bool shut = false;  // whatever the guard says, nobody gets in
  Span shut_by;
  std::string name;
  ServerDecision emitted;
};

Span LineOf(const Door& door) {
  if (door.shut) return door.shut_by;
  if (door.guard == nullptr) return {};
  return door.guard->spans.empty() ? door.guard->mtls_span : door.guard->spans.front();
}

// ---- formulas

FormulaId HasPeer(Space& space, const View& view) {
  if (view.peer != nullptr) return view.peer->has_value() ? verifier::kTrue : verifier::kFalse;
  return space.CallerIs([](const verifier::Candidate& c) { return c.identity.has_value(); });
}

// The steps of emit/check/server.cc.
FormulaId LetIn(Space& space, Formulas& formulas, const ServerDecision& decision, View view) {
  static const std::optional<engine::Identity> kNobody;
  std::vector<FormulaId> all;
  if (decision.mtls == MtlsMode::kStrict) all.push_back(HasPeer(space, view));
  if (decision.mtls == MtlsMode::kDisable) view.peer = &kNobody;
  std::vector<FormulaId> valid, invalid, allowed;
  for (const emit::check::TokenRule& token : decision.tokens) {
    valid.push_back(space.TokenIs(token.provider, 1));
    invalid.push_back(space.TokenIs(token.provider, 2));
  }
  if (!valid.empty()) {
    all.push_back(formulas.Or({formulas.Or(valid), formulas.Not(formulas.Or(std::move(invalid)))}));
  }
  for (const Clause& clause : decision.clauses) {
    const FormulaId fits = space.Encode(clause.when, view);
    switch (clause.action) {
      case Clause::Action::kAllow:
        allowed.push_back(fits);
        break;
      case Clause::Action::kDeny:
        all.push_back(formulas.Not(fits));
        break;
      case Clause::Action::kAsk: {
        std::vector<FormulaId> any{formulas.Not(fits),
                                   space.AnswerIs(clause.authorizer, engine::Answer::kAllow)};
        if (clause.open) {
          any.push_back(space.AnswerIs(clause.authorizer, engine::Answer::kUnavailable));
        }
        all.push_back(formulas.Or(std::move(any)));
        break;
      }
    }
  }
  if (decision.closed_by != nullptr) all.push_back(formulas.Or(std::move(allowed)));
  return formulas.And(std::move(all));
}

// Envoy takes the first good token: requests with several are left out (docs/semantics.md).
FormulaId OneToken(Space& space, Formulas& formulas, const engine::Model& model) {
  std::vector<FormulaId> all;
  for (std::uint32_t i = 0; i < model.jwts.size(); ++i) {
    for (std::uint32_t j = i + 1; j < model.jwts.size(); ++j) {
      all.push_back(formulas.Not(formulas.And({space.TokenIs({i}, 1), space.TokenIs({j}, 1)})));
    }
  }
  return formulas.And(std::move(all));
}

// Some matcher of the condition is of one of the kinds.
template <typename... Kinds>
bool LooksAt(const engine::Condition& condition) {
  if (condition.matcher) return (std::holds_alternative<Kinds>(*condition.matcher) || ...);
  return std::any_of(condition.children.begin(), condition.children.end(), LooksAt<Kinds...>);
}

// Every pattern and every set of callers that conditions name, once.
class Vocabulary {
 public:
  void Add(const engine::Condition& condition) {
    for (const engine::Condition& child : condition.children) Add(child);
    if (!condition.matcher) return;
    std::visit(Overloaded{
                   [&](const engine::PathMatch& m) { AddTo(paths_, m.any_of); },
                   [&](const engine::HostMatch& m) { AddTo(hosts_, m.any_of); },
                   [&](const engine::HeaderMatch& m) { AddTo(headers_[m.name], m.any_of); },
                   [&](const engine::ClaimMatch& m) {
                     AddTo(claims_[{m.provider, m.claim}], m.any_of);
                   },
                   [&](const engine::CallerMatch& m) {
                     for (const engine::CallerSet& set : m.any_of) {
                       callers_.insert(set.any_of.begin(), set.any_of.end());
                     }
                   },
                   [](const auto&) {},
               },
               *condition.matcher);
  }

  [[nodiscard]] engine::Condition All() const {
    std::vector<engine::Condition> any;
    any.push_back(engine::Condition::Of(engine::PathMatch{List(paths_)}, {}));
    any.push_back(engine::Condition::Of(engine::HostMatch{List(hosts_)}, {}));
    for (const auto& [name, patterns] : headers_) {
      any.push_back(engine::Condition::Of(engine::HeaderMatch{name, List(patterns)}, {}));
    }
    for (const auto& [claim, patterns] : claims_) {
      any.push_back(
          engine::Condition::Of(engine::ClaimMatch{claim.first, claim.second, List(patterns)}, {}));
    }
    engine::CallerSet set;
    set.any_of.assign(callers_.begin(), callers_.end());
    any.push_back(engine::Condition::Of(engine::CallerMatch{{std::move(set)}}, {}));
    return engine::Condition::Or(std::move(any));
  }

 private:
  using Patterns = std::set<Pattern>;
  static void AddTo(Patterns& known, const std::vector<Pattern>& patterns) {
    known.insert(patterns.begin(), patterns.end());
  }
  static std::vector<Pattern> List(const Patterns& known) { return {known.begin(), known.end()}; }

  Patterns paths_, hosts_;
  std::map<std::string, Patterns> headers_;
  std::map<std::pair<engine::JwtId, std::vector<std::string>>, Patterns> claims_;
  std::set<engine::Caller> callers_;
};

class Servers {
 public:
  explicit Servers(Work& work) : work_(work), model_(work.model) {}

  void Run() {
    for (std::uint32_t c = 0; c < model_.clusters.size(); ++c) {
      AddServices({c});
      AddGateways({c});
      AddFuture({c});
    }
    Imagine();
    for (const Door& door : doors_) Compare(door);
  }

 private:
  // ---- doors

  void AddServices(engine::ClusterId cluster) {
    for (std::uint32_t s = 0; s < model_.services.size(); ++s) {
      const engine::Service& service = model_.services[s];
      const engine::ServiceInstance* instance = service.In(cluster);
      if (instance == nullptr || !engine::GatewayBehind(model_, *instance).IsNone()) continue;
      const Guard* guard = model_.GuardOf(engine::ServiceId{s}, cluster);
      for (const engine::WorkloadId id : instance->workloads) {
        const engine::Workload& workload = model_[id];
        if (!workload.sidecar || workload.cluster != cluster) continue;
        for (const engine::ServicePort& port : instance->ports) {
          if (port.protocol == engine::PortProtocol::kUdp) continue;
          Add({.proxy = {cluster, workload.ns, workload.labels, false, ""},
               .service = {s},
               .port = port,
               .guard = guard,
               .name = service.name + "." + service.ns + ":" + std::to_string(port.number)});
        }
      }
    }
  }

  // Ports of the pods behind the gateway's listeners.
  void AddGateways(engine::ClusterId cluster) {
    for (std::uint32_t g = 0; g < model_.gateways.size(); ++g) {
      const engine::Gateway& gateway = model_.gateways[g];
      const auto& here = gateway.clusters;
      if (std::find(here.begin(), here.end(), cluster) == here.end()) continue;
      engine::Labels labels = gateway.selector;
      for (const engine::WorkloadId id : gateway.workloads) {
        if (model_[id].cluster == cluster) labels = model_[id].labels;
      }
      for (const engine::Listener& listener : gateway.listeners) {
        const bool raw = listener.tls == engine::TlsMode::kPassthrough ||
                         listener.tls == engine::TlsMode::kAutoPassthrough;
        engine::ServicePort port{.name = "",
                                 .number = listener.port,
                                 .target = TargetOf(cluster, gateway, labels, listener.port),
                                 .protocol = raw ? engine::PortProtocol::kTls : listener.protocol};
        if (listener.tls && !raw && listener.protocol == engine::PortProtocol::kHttps) {
          port.protocol = engine::PortProtocol::kHttp;  // inside of the TLS it ends
        }
        Add({.proxy = {cluster, gateway.ns, labels, true, ""},
             .gateway = {g},
             .port = port,
             .guard = model_.GuardOf(engine::GatewayId{g}, cluster),
             .name = "gateway " + gateway.name + ":" + std::to_string(listener.port)});
      }
    }
  }

  std::uint16_t TargetOf(engine::ClusterId cluster, const engine::Gateway& gateway,
                         const engine::Labels& labels, std::uint16_t listener) const {
    for (const engine::Service& service : model_.services) {
      const engine::ServiceInstance* instance = service.In(cluster);
      if (service.ns != gateway.ns || instance == nullptr || instance->selector.empty() ||
          !engine::Selects(instance->selector, labels)) {
        continue;
      }
      for (const engine::ServicePort& port : instance->ports) {
        if (port.number == listener) return port.target;
      }
    }
    return listener;
  }

  // Isolation also shuts what is deployed later, behind no service that is known.
  void AddFuture(engine::ClusterId cluster) {
    for (const engine::Workspace& workspace : model_.workspaces) {
      if (!workspace.isolated) continue;
      for (const auto& [at, ns] : workspace.namespaces) {
        const bool gateways =
            std::any_of(model_.gateways.begin(), model_.gateways.end(),
                        [&, here = ns](const engine::Gateway& g) { return g.ns == here; });
        if (at != cluster || gateways) continue;
        Add({.proxy = {cluster, ns, {}, false, ""},
             .port = {.number = 80, .target = 80},
             .shut = true,
             .shut_by = workspace.isolate_span,
             .name = "a new workload in `" + ns + "`"});
      }
    }
  }

  void Add(Door door) {
    const auto key = std::make_tuple(door.proxy.cluster, door.proxy.ns, door.proxy.labels,
                                     door.guard, door.port.number, door.port.target);
    if (!seen_.insert(key).second) return;
    const bool http = door.port.IsHttp();
    door.emitted = emit::check::DecideServer(work_.mesh, work_.index, door.proxy, door.port.target,
                                             http, false);
    doors_.push_back(std::move(door));
  }

  // ---- words of both sides: identities and patterns

  // The model with what the objects name besides: callers and atoms are made of it.
  void Imagine() {
    imagined_ = std::make_unique<engine::Model>(model_);
    Vocabulary words;
    for (const Door& door : doors_) {
      for (const Clause& clause : door.emitted.clauses) words.Add(clause.when);
    }
    engine::AccessRule rule;
    rule.when = words.All();
    imagined_->access_rules.push_back(std::move(rule));
    callers_ = std::make_unique<verifier::Callers>(*imagined_);
    work_.atlas = verifier::Atlas(*imagined_);
  }

  [[nodiscard]] std::vector<verifier::Candidate> CallersOf(const Door& door) const {
    std::vector<const engine::CallerSet*> sets;
    if (door.guard != nullptr) sets = verifier::CallerSetsOf(model_, *door.guard);
    for (const Clause& clause : door.emitted.clauses) {
      verifier::CollectCallerSets(clause.when, sets);
    }
    return callers_->Relevant(sets, door.proxy.cluster, true, {});
  }

  // ---- comparison

  void Compare(const Door& door) {
    for (const emit::check::Unsaid& unsaid : door.emitted.unsaid) {
      work_.Undecided(door.proxy.cluster, unsaid.object, unsaid.span, LineOf(door), unsaid.reason);
    }
    if (!door.emitted.unsaid.empty()) return;
    CompareModes(door);
    CompareTokens(door);
    CompareLetIn(door, door.emitted, false);
    const auto& clauses = door.emitted.clauses;
    if (!std::any_of(clauses.begin(), clauses.end(), [](const Clause& clause) {
          return LooksAt<engine::HostMatch>(clause.when);
        })) {
      return;
    }
    const ServerDecision named = emit::check::DecideServer(
        work_.mesh, work_.index, door.proxy, door.port.target, door.port.IsHttp(), true);
    CompareLetIn(door, named, true);
  }

  [[nodiscard]] bool TokensMatter(const Door& door) const {
    if (!door.emitted.tokens.empty()) return true;
    if (door.guard == nullptr) return false;
    for (const auto* ids : {&door.guard->allow, &door.guard->deny}) {
      for (const engine::AccessRuleId id : *ids) {
        if (LooksAt<engine::JwtMatch, engine::ClaimMatch>(model_[id].when)) return true;
      }
    }
    return !door.guard->authentication.empty();
  }

  // Both sides in words: what is proved of a door holds for each that has the same.
  [[nodiscard]] std::string TextOf(const Door& door, const ServerDecision& emitted,
                                   bool named) const {
    std::string text = std::to_string(static_cast<int>(verifier::LayerOf(door.port))) + " " +
                       std::to_string(door.port.number) + (named ? " named" : "") +
                       (door.shut ? " shut" : "") + (door.gateway.IsNone() ? "" : " gateway");
    const auto add = [&](const auto&... parts) { ((text += parts, text += '\n'), ...); };
    if (const Guard* guard = door.guard; guard != nullptr && !door.shut) {
      const auto own = guard->port_mtls.find(door.port.number);
      const MtlsMode mode = own == guard->port_mtls.end() ? guard->mtls : own->second;
      add(std::to_string(static_cast<int>(mode)), guard->closed ? "closed" : "open");
      for (const auto* ids : {&guard->deny, &guard->allow}) {
        for (const engine::AccessRuleId id : *ids) {
          const engine::AccessRule& rule = model_[id];
          if (rule.dry_run) continue;
          add(ids == &guard->deny ? "deny" : "allow", rule.tcp_only ? "tcp" : "",
              rule.callers.empty()
                  ? std::string()
                  : engine::MeaningOf(model_,
                                      engine::Condition::Of(engine::CallerMatch{rule.callers}, {})),
              engine::MeaningOf(model_, rule.when));
        }
      }
      for (const engine::Authentication& a : guard->authentication) {
        add(model_[a.provider].name, a.optional ? "optional" : "");
      }
      for (const engine::ExternalAuthorization& a : guard->authorization) {
        add(model_[a.provider].name, engine::MeaningOf(model_, a.when));
      }
    }
    add("Istio", std::to_string(static_cast<int>(emitted.mtls)),
        emitted.closed_by == nullptr ? "open" : "closed");
    for (const emit::check::TokenRule& token : emitted.tokens) add(model_[token.provider].name);
    for (const Clause& clause : emitted.clauses) {
      add(std::to_string(static_cast<int>(clause.action)), clause.open ? "fails open" : "",
          clause.authorizer.IsNone() ? std::string() : model_[clause.authorizer].name,
          engine::MeaningOf(model_, clause.when));
    }
    return text;
  }

  // `named`: clients write the port behind the host.
  void CompareLetIn(const Door& door, const ServerDecision& emitted, bool named) {
    const std::string key = TextOf(door, emitted, named);
    if (proved_.contains(key)) return;
    const std::vector<verifier::Candidate> candidates = CallersOf(door);
    const View view{.rule = nullptr, .port = door.port.number, .peer = nullptr};
    const engine::Layer layer = verifier::LayerOf(door.port);
    const bool gateway = !door.gateway.IsNone();
    const verifier::Study study =
        verifier::Prepare(work_.atlas, &candidates, [&](Space& space, Formulas& formulas) {
          engine::Assumptions assumed{.answers = {}, .within_limits = true};
          // Routes of a gateway may ask for themselves, or not at all.
          for (std::uint32_t a = 0; gateway && a < model_.authorizers.size(); ++a) {
            assumed.answers[{a}] = engine::Answer::kAllow;
          }
          space.Assume(std::move(assumed));
          const FormulaId policy =
              door.shut ? verifier::kFalse
                        : verifier::Passes(space, formulas, model_, door.guard, layer, view);
          const FormulaId objects = LetIn(space, formulas, emitted, view);
          const FormulaId fair = TokensMatter(door) && layer == engine::Layer::kHttp
                                     ? OneToken(space, formulas, model_)
                                     : verifier::kTrue;
          std::vector<FormulaId> parts{
              formulas.And({fair, objects, formulas.Not(policy)}),
              formulas.And({fair, policy, formulas.Not(objects)}),
          };
          parts.push_back(formulas.Or({parts[0], parts[1]}));
          parts.push_back(policy);
          parts.push_back(objects);
          return parts;
        });
    if (!study.decidable) {
      const emit::check::IstioObject* object = nullptr;
      return work_.Undecided(door.proxy.cluster, object, {}, LineOf(door),
                             "`" + door.name + "`: " + study.reason);
    }
    // Most are built alike; else one question where nothing differs.
    const Formulas& formulas = *study.formulas;
    const bool alike =
        CanonicalText(formulas, study.parts[3]) == CanonicalText(formulas, study.parts[4]);
    if (alike ||
        verifier::Ask(work_.solver, study, study.parts[2]).verdict == verifier::Verdict::kUnsat) {
      proved_.insert(key);
      return;
    }
    for (const bool let_in : {true, false}) {
      const verifier::Found found = verifier::Ask(work_.solver, study, study.parts[let_in ? 0 : 1]);
      if (found.verdict == verifier::Verdict::kUnknown) {
        work_.Undecided(door.proxy.cluster, nullptr, {}, LineOf(door),
                        "`" + door.name + "`: " + found.reason);
      } else if (found.Sat()) {
        Report(door, emitted, found, let_in, named);
      }
    }
  }

  [[nodiscard]] engine::Request RequestFor(const Door& door, const verifier::Found& found) const {
    const verifier::Candidate& caller = *found.Caller();
    engine::Request base;
    if (!door.service.IsNone()) {
      base = verifier::RequestTo(model_, door.service, door.proxy.cluster, door.port, caller);
      base.direct = true;
    } else {
      base.layer = verifier::LayerOf(door.port);
      base.cluster = door.proxy.cluster;
      base.gateway = door.gateway;
      base.host = door.gateway.IsNone() ? "new." + door.proxy.ns : "any.example";
      base.port = door.port.number;
      base.source = caller.source;
      base.identity = caller.identity;
    }
    return found.Request(std::move(base));
  }

  void Report(const Door& door, const ServerDecision& emitted, const verifier::Found& found,
              bool let_in, bool named) {
    const std::optional<engine::Identity>& peer = found.Caller()->identity;
    Difference d{.cluster = door.proxy.cluster, .allowed = let_in};
    d.request = RequestFor(door, found);
    std::vector<Span> rules;
    std::optional<engine::Block> blocked;
    if (door.shut) {
      blocked = engine::Block{engine::Stage::kNotAllowed, 403, {door.shut_by}};
    } else if (door.guard != nullptr) {
      blocked = engine::CheckGuard(model_, *door.guard, *d.request, peer, door.port.number, rules);
    }
    engine::Request sent = *d.request;
    if (named) sent.host += ":" + std::to_string(door.port.target);
    const auto refusal =
        emit::check::AskProxy(work_.mesh, door.proxy, sent, peer, door.port.target);
    d.confirmed = blocked.has_value() == let_in && refusal.has_value() != let_in;
    Blame(door, emitted, *d.request, peer, blocked, let_in, d);
    d.message =
        let_in ? "what is emitted lets a request into " + Quoted(door) + " that the policy blocks"
               : "what is emitted blocks a request to " + Quoted(door) + " that the policy lets in";
    if (named) d.notes.push_back("  with   the host written as `" + sent.host + "`");
    const std::string place = work_.PlaceOf(d.policy);
    const std::string by = place.empty() ? "" : " by " + place;
    const std::string stage = blocked ? std::string(engine::StageName(blocked->stage)) : "";
    d.notes.push_back(let_in ? "  policy blocks it (" + stage + ")" + by
                             : "  policy lets it in" + by);
    d.notes.push_back(let_in ? "  Istio  lets it in"
                             : "  Istio  blocks it" +
                                   (refusal ? " (" + refusal->stage + ")" : std::string()));
    work_.Differs(std::move(d));
  }

  static std::string Quoted(const Door& door) {
    return door.shut ? door.name : "`" + door.name + "`";
  }

  // The object that decides the request, and the line of the policy that decides otherwise.
  void Blame(const Door& door, const ServerDecision& emitted, const engine::Request& request,
             const std::optional<engine::Identity>& peer,
             const std::optional<engine::Block>& blocked, bool let_in, Difference& d) const {
    d.policy = blocked && !blocked->rules.empty() ? blocked->rules.back() : LineOf(door);
    const auto seen = emitted.mtls == MtlsMode::kDisable ? std::nullopt : peer;
    const auto decides = [&](Clause::Action action) -> const Clause* {
      for (const Clause& clause : emitted.clauses) {
        if (clause.action == action && engine::Holds(model_, clause.when, request, seen)) {
          return &clause;
        }
      }
      return nullptr;
    };
    const bool by_mtls = let_in ? blocked && blocked->stage == engine::Stage::kMtls
                                : emitted.mtls == MtlsMode::kStrict && !peer;
    if (by_mtls) {
      d.object = emitted.mtls_by;
      return;
    }
    if (let_in && blocked && blocked->stage != engine::Stage::kNotAllowed) {
      d.object = MissedBy(emitted, blocked->stage);
      return;
    }
    const Clause* clause = decides(let_in ? Clause::Action::kAllow : Clause::Action::kDeny);
    if (clause == nullptr && !let_in) clause = decides(Clause::Action::kAsk);
    if (clause != nullptr) {
      d.object = clause->object;
      d.part = clause->span;
    } else if (!let_in && emitted.closed_by != nullptr) {
      d.object = emitted.closed_by;
    } else if (!let_in && !emitted.tokens.empty()) {
      d.object = emitted.tokens.front().object;
    }
    if (!let_in && door.guard != nullptr) {
      for (const engine::AccessRuleId id : door.guard->allow) {
        const engine::AccessRule& rule = model_[id];
        const bool admits = rule.callers.empty() || engine::Admits(rule.callers, peer);
        if (!admits || !engine::Holds(model_, rule.when, request, peer)) continue;
        d.policy = rule.span;
        break;
      }
    }
  }

  // What should have refused the request: an object of weft's that refuses others.
  static const emit::check::IstioObject* MissedBy(const ServerDecision& emitted,
                                                  engine::Stage stage) {
    const auto action = stage == engine::Stage::kExternalAuthorization ? Clause::Action::kAsk
                                                                       : Clause::Action::kDeny;
    for (const Clause& clause : emitted.clauses) {
      if (clause.action == action && clause.object->ours) return clause.object;
    }
    return nullptr;
  }

  // ---- what no request shows: clear text that is refused later, how tokens are checked

  static const char* ModeText(MtlsMode mode) {
    switch (mode) {
      case MtlsMode::kStrict:
        return "demands mTLS";
      case MtlsMode::kPermissive:
        return "takes clear text as well as mTLS";
      case MtlsMode::kDisable:
        return "takes clear text only";
    }
    return "";
  }

  void CompareModes(const Door& door) {
    if (!door.gateway.IsNone() || door.shut) return;
    MtlsMode mode = MtlsMode::kPermissive;
    if (door.guard != nullptr) {
      const auto own = door.guard->port_mtls.find(door.port.number);
      mode = own == door.guard->port_mtls.end() ? door.guard->mtls : own->second;
    }
    if (mode == door.emitted.mtls) return;
    work_.Differs({.cluster = door.proxy.cluster,
                   .message = "what is emitted makes `" + door.name + "` one that " +
                              ModeText(door.emitted.mtls) + "; by the policy it " + ModeText(mode),
                   .policy = door.guard == nullptr ? Span{} : door.guard->mtls_span,
                   .object = door.emitted.mtls_by});
  }

  void CompareTokens(const Door& door) {
    if (door.guard == nullptr) return;
    for (const engine::Authentication& wanted : door.guard->authentication) {
      const engine::JwtProvider& provider = model_[wanted.provider];
      for (const emit::check::TokenRule& rule : door.emitted.tokens) {
        if (rule.provider != wanted.provider) continue;
        const std::string what = DifferenceOf(provider, rule);
        if (what.empty()) continue;
        Difference d{.cluster = door.proxy.cluster,
                     .message = "tokens of `" + provider.name + "` are checked at `" + door.name +
                                "` with other " + what + " than the policy says",
                     .policy = provider.span,
                     .object = rule.object,
                     .part = rule.span};
        work_.Differs(std::move(d));
      }
    }
  }

  static std::string DifferenceOf(const engine::JwtProvider& provider,
                                  const emit::check::TokenRule& rule) {
    using Kind = engine::JwtProvider::Location::Kind;
    std::set<std::string> locations;
    for (const auto& location : provider.locations) {
      locations.insert(location.kind == Kind::kHeader
                           ? "header " + location.name + " " + location.prefix
                       : location.kind == Kind::kQuery ? "query " + location.name
                                                       : "cookie " + location.name);
    }
    const std::set<std::string> audiences(provider.audiences.begin(), provider.audiences.end());
    if (audiences != rule.audiences) return "audiences";
    if (provider.jwks_inline != rule.jwks || provider.jwks_uri != rule.jwks_uri) return "keys";
    if (locations != rule.locations) return "places to look for them";
    if (provider.claims_to_headers != rule.claims_to_headers) return "headers made of claims";
    return provider.forward == rule.forward ? "" : "say whether they are passed on";
  }

  Work& work_;
  const engine::Model& model_;
  std::vector<Door> doors_;
  std::set<std::tuple<engine::ClusterId, std::string, engine::Labels, const Guard*, std::uint16_t,
                      std::uint16_t>>
      seen_;
  std::set<std::string> proved_;
  std::unique_ptr<engine::Model> imagined_;
  std::unique_ptr<verifier::Callers> callers_;
};

}  // namespace

void CompareServers(Work& work) { Servers(work).Run(); }

}  // namespace weft::prove
