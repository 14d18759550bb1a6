// Access: every `allow` admits some request, every `deny` takes one away.
#include <algorithm>
#include <map>
#include <set>

#include "engine/delivery.h"
#include "engine/fronts.h"
#include "verifier/codes.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

constexpr const char* kProperty = "access";

using engine::AccessRule;
using engine::AccessRuleId;

struct Standing {
  bool works = false;
  bool seen = false;
  std::string subject;      // the first service it stands for
  std::set<Span> taken_by;  // of an allow: denies it meets
  Span blind;               // why the server knows no caller, if it does not
};

class AccessProof {
 public:
  explicit AccessProof(Work& work) : work_(work) {}

  void Prove() {
    for (const engine::Guard& guard : work_.model.guards) {
      const auto* service = std::get_if<engine::ServiceId>(&guard.target);
      if (service == nullptr) continue;
      const engine::Service& object = work_.model[*service];
      if (engine::StandsBeforeGateway(work_.model, guard)) continue;
      if (!guard.replaced.empty()) ShowReplaced(guard, *service);
      bool declared = false;
      for (const auto* rules : {&guard.allow, &guard.deny}) {
        for (const AccessRuleId id : *rules) {
          declared = declared || work_.model[id].origin == AccessRule::Origin::kDeclared;
        }
      }
      if (!declared) continue;
      work_.Conclude(kProperty, Subject(object), PropertyVerdict::kProved);
      const engine::ServiceInstance* instance = object.In(guard.cluster);
      for (const engine::ServicePort& port : instance->ports) {
        ProvePort(guard, object, *service, port);
      }
    }
    Report();
  }

 private:
  [[nodiscard]] std::string Subject(const engine::Service& service) const {
    return work_.Workspace(service.workspace) + "." + service.name;
  }

  void ProvePort(const engine::Guard& guard, const engine::Service& service, engine::ServiceId id,
                 const engine::ServicePort& port) {
    const ServerStudy& server = work_.servers.Of(&guard, id, guard.cluster, port);
    if (!server.study.decidable) {
      for (const auto* rules : {&guard.allow, &guard.deny}) {
        for (const AccessRuleId rule : *rules) standings_[rule].works = true;
      }
      work_.Undecided(kProperty, Subject(service), service.span, server.study.reason);
      return;
    }
    const View seen = SeenBy(&guard, {.rule = nullptr, .port = port.number, .peer = nullptr});
    for (const AccessRuleId rule : guard.allow) {
      if (seen.peer != nullptr) standings_[rule].blind = guard.mtls_span;
    }
    for (const auto* rules : {&guard.allow, &guard.deny}) {
      for (const AccessRuleId rule : *rules) {
        std::string& subject = standings_[rule].subject;
        if (subject.empty()) subject = Subject(service);
      }
    }
    ProveAllows(guard, server);
    ProveDenies(guard, server);
  }

  void ProveAllows(const engine::Guard& guard, const ServerStudy& server) {
    const Study& study = server.study;
    std::vector<FormulaId> open{server.open};
    for (const FormulaId deny : server.deny) open.push_back(study.formulas->Not(deny));
    for (std::size_t i = 0; i < guard.allow.size(); ++i) {
      if (work_.model[guard.allow[i]].origin != AccessRule::Origin::kDeclared) continue;
      Standing& standing = standings_[guard.allow[i]];
      standing.seen = true;
      if (standing.works || work_.model[guard.allow[i]].dry_run) {
        standing.works = true;
        continue;
      }
      std::vector<FormulaId> all = open;
      all.push_back(server.allow[i]);
      standing.works =
          Ask(work_.solver, study, study.formulas->And(std::move(all))).verdict != Verdict::kUnsat;
      if (standing.works) continue;
      for (std::size_t d = 0; d < guard.deny.size(); ++d) {
        const FormulaId both = study.formulas->And({server.allow[i], server.deny[d]});
        if (Ask(work_.solver, study, both).Sat()) {
          standing.taken_by.insert(work_.model[guard.deny[d]].span);
        }
      }
    }
  }

  void ProveDenies(const engine::Guard& guard, const ServerStudy& server) {
    const Study& study = server.study;
    const FormulaId allowed = guard.closed ? study.formulas->Or(server.allow) : kTrue;
    for (std::size_t d = 0; d < guard.deny.size(); ++d) {
      if (work_.model[guard.deny[d]].dry_run) continue;
      Standing& standing = standings_[guard.deny[d]];
      standing.seen = true;
      if (standing.works) continue;
      const FormulaId meets = study.formulas->And({server.open, allowed, server.deny[d]});
      standing.works = Ask(work_.solver, study, meets).verdict != Verdict::kUnsat;
    }
  }

  // A caller that isolation would admit and the policy in its place does not.
  void ShowReplaced(const engine::Guard& guard, engine::ServiceId id) {
    const engine::Service& service = work_.model[id];
    const engine::ServiceInstance* instance = service.In(guard.cluster);
    if (instance == nullptr || instance->ports.empty()) return;
    for (const Candidate& caller : work_.callers.all()) {
      if (!caller.identity || caller.source.IsNone() || caller.cluster != guard.cluster) continue;
      const bool admitted =
          std::any_of(guard.replaced.begin(), guard.replaced.end(), [&](AccessRuleId rule) {
            return engine::Admits(work_.model[rule].callers, caller.identity);
          });
      if (!admitted) continue;
      engine::Request request =
          RequestTo(work_.model, id, guard.cluster, instance->ports.front(), caller);
      if (engine::Evaluate(work_.model, request).AllowedSomewhere()) continue;
      Diagnostic& d = work_.Violation(
          kProperty, Subject(service), codes::kAddedInOriginal, Severity::kWarning,
          guard.replaced_by,
          "this replaces service isolation for `" + Subject(service) +
              "`; in Gloo Mesh it adds to it, and callers it does not list get in, too");
      d.clusters = {work_.model[guard.cluster].name};
      d.help = "list the caller if it shall get in; else nothing is left to do";
      work_.Witness(std::move(request), engine::TargetRef(id), false, false);
      return;
    }
  }

  // A rule is idle when it does nothing for any server it stands for.
  void Report() {
    for (const auto& [id, standing] : standings_) {
      if (standing.works || !standing.seen) continue;
      const AccessRule& rule = work_.model[id];
      if (rule.effect == AccessRule::Effect::kDeny) {
        Diagnostic& d = work_.Violation(kProperty, "", codes::kIdleDeny, Severity::kWarning,
                                        rule.span, "this `deny` meets no request that is allowed");
        d.help = "remove it, or check that it says what is meant";
        continue;
      }
      Diagnostic& d = work_.Violation(kProperty, standing.subject, codes::kIdleAllow,
                                      Severity::kError, rule.span, "this `allow` admits nobody");
      for (const Span& span : standing.taken_by) d.related.push_back({span, "takes it away"});
      if (standing.blind.IsKnown()) {
        d.related.push_back({standing.blind, "without mTLS the server knows no caller"});
      }
      d.help = standing.taken_by.empty() ? "check its sources and its condition"
                                         : "narrow the `deny`, or remove the `allow`";
    }
  }

  Work& work_;
  std::map<AccessRuleId, Standing> standings_;
};

}  // namespace

void ProveAccess(Work& work) { AccessProof(work).Prove(); }

}  // namespace weft::verifier
