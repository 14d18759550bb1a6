// What is set for a destination, a token provider or an authorizer as a whole, so that it is the
// same for every request: compared part by part, shown by one request that meets it.
#include <algorithm>
#include <array>
#include <set>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "engine/model_text.h"
#include "verifier/change_work.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

using engine::ClientTls;
using engine::DestinationPolicy;
using engine::Model;
using engine::TargetRef;

std::string EjectionText(const std::optional<engine::Outlier>& outlier) {
  if (!outlier) return "";
  std::string share = std::to_string(outlier->max_share);
  share.resize(share.find('.'));
  return "ejected after " + std::to_string(outlier->errors) +
         (outlier->gateway_errors ? " gateway errors" : " errors") + " in " +
         DurationText(outlier->interval) + " for " + DurationText(outlier->base_time) +
         ", at most " + share + "%";
}

// One part of how connections are kept and endpoints chosen. Failover is compared with the routes,
// by what it does.
using Part = std::string (*)(const DestinationPolicy&);

template <auto Member>
std::string Only(const DestinationPolicy& policy) {
  DestinationPolicy part;
  part.*Member = policy.*Member;
  const std::string text = engine::MeaningOf(part);
  return text.empty() ? text : text.substr(1);
}

constexpr std::array<Part, 5> kParts = {
    [](const DestinationPolicy& policy) { return EjectionText(policy.outlier); },
    &Only<&DestinationPolicy::connections>, &Only<&DestinationPolicy::balance>,
    &Only<&DestinationPolicy::health_check>, &Only<&DestinationPolicy::adapt>};

// Larger = better protected. Nothing said: mTLS inside of the mesh, what the caller does outside.
int ProtectionOf(const std::optional<ClientTls>& tls, bool external) {
  if (!tls) return external ? 0 : 4;
  switch (tls->mode) {
    case ClientTls::Mode::kOff:
      return 0;
    case ClientTls::Mode::kSimple:
      return tls->skip_verify ? 1 : 2;
    case ClientTls::Mode::kMutual:
      return tls->skip_verify ? 1 : 3;
    case ClientTls::Mode::kIstioMutual:
      return 4;
  }
  return 0;
}

std::string TlsText(const std::optional<ClientTls>& tls, bool external) {
  if (!tls) return external ? "sent as the caller sends it" : "sent with mTLS";
  const std::string checked = tls->skip_verify ? ", the server's certificate unchecked" : "";
  switch (tls->mode) {
    case ClientTls::Mode::kOff:
      return "sent in clear text";
    case ClientTls::Mode::kSimple:
      return "sent with TLS" + checked;
    case ClientTls::Mode::kMutual:
      return "sent with TLS and a client certificate" + checked;
    case ClientTls::Mode::kIstioMutual:
      return "sent with mTLS";
  }
  return "";
}

// A target that both versions have.
struct Pair {
  TargetRef before, after;
};

class TargetSettings {
 public:
  TargetSettings(ChangeWork& work, const Pair& pair) : work_(work), pair_(pair) {}

  void Run() {
    const DestinationPolicy& was = engine::PolicyOf(work_.before(), pair_.before);
    const DestinationPolicy& now = engine::PolicyOf(work_.after(), pair_.after);
    const auto words = [](const std::string& text) { return text.empty() ? "nothing said" : text; };
    for (const Part part : kParts) {
      const std::string before = part(was);
      const std::string after = part(now);
      if (before != after) Report(ChangeKind::kSettings, words(before), words(after));
    }
    const bool external = std::holds_alternative<engine::ExternalId>(pair_.after);
    CompareTls(was.tls, now.tls, external);
    if (const auto* id = std::get_if<engine::ExternalId>(&pair_.after)) ComparePorts(*id);
  }

 private:
  void ComparePorts(engine::ExternalId id) {
    const auto* old = std::get_if<engine::ExternalId>(&pair_.before);
    if (old == nullptr) return;
    for (const engine::External::Port& port : work_.after()[id].ports) {
      for (const engine::External::Port& same : work_.before()[*old].ports) {
        if (same.port.number == port.port.number) CompareTls(same.tls, port.tls, true);
      }
    }
  }

  void CompareTls(const std::optional<ClientTls>& was, const std::optional<ClientTls>& now,
                  bool external) {
    const int before = ProtectionOf(was, external);
    const int after = ProtectionOf(now, external);
    if (before == after) return;
    Report(after < before ? ChangeKind::kMtlsWeakened : ChangeKind::kMtlsStrengthened,
           TlsText(was, external), TlsText(now, external));
  }

  void Report(ChangeKind kind, std::string was, std::string now) {
    Change change{.kind = kind,
                  .before = LinesOf(work_.before(), pair_.before),
                  .after = LinesOf(work_.after(), pair_.after),
                  .was = std::move(was),
                  .now = std::move(now),
                  .destinations = {HostOf(work_.after(), pair_.after)}};
    std::optional<Replay> shown;
    const Model& after = work_.after();
    for (std::uint32_t w = 0; w < after.workloads.size(); ++w) {
      const engine::Workload& workload = after.workloads[w];
      if (!workload.sidecar || !engine::IsVisible(after, workload.workspace, pair_.after)) continue;
      std::optional<Replay> replay = Call({w});
      if (!replay) continue;
      const bool served = replay->now.AllowedSomewhere();
      if (served) change.callers.insert(Name({w}));
      if (!shown || (served && !shown->now.AllowedSomewhere())) shown = std::move(replay);
    }
    if (shown) work_.Report(std::move(change), *shown);
  }

  [[nodiscard]] std::string Name(engine::WorkloadId caller) const {
    const engine::Workload& w = work_.after()[caller];
    return w.ns + "/" + w.account + "@" + work_.after()[w.cluster].name;
  }

  // A plain request of the workload to the target's first port; nullopt where there is none.
  [[nodiscard]] std::optional<Replay> Call(engine::WorkloadId caller) const {
    const engine::WorkloadId old = work_.back().Of(caller);
    const engine::ClusterId cluster = work_.after()[caller].cluster;
    const std::optional<engine::ServicePort> port = FirstPort(cluster);
    if (old.IsNone() || !port) return std::nullopt;
    engine::Request after;
    after.layer = LayerOf(*port);
    after.source = caller;
    after.cluster = cluster;
    after.port = port->number;
    after.host = HostOf(work_.after(), pair_.after);
    engine::Request before = after;
    before.source = old;
    before.cluster = work_.before()[old].cluster;
    before.host = HostOf(work_.before(), pair_.before);
    return work_.Evaluate(std::move(before), std::move(after));
  }

  [[nodiscard]] std::optional<engine::ServicePort> FirstPort(engine::ClusterId cluster) const {
    const Model& model = work_.after();
    std::vector<engine::ServicePort> ports;
    std::visit(Overloaded{
                   [&](engine::ServiceId id) {
                     if (const auto* instance = model[id].In(cluster)) ports = instance->ports;
                   },
                   [&](engine::DestinationId id) { ports = model[id].ports; },
                   [&](engine::ExternalId id) {
                     for (const auto& port : model[id].ports) ports.push_back(port.port);
                   },
               },
               pair_.after);
    return ports.empty() ? std::nullopt : std::optional(ports.front());
  }

  static std::vector<Span> LinesOf(const Model& model, const TargetRef& target) {
    std::vector<Span> lines = engine::PolicyOf(model, target).spans;
    lines.push_back(std::visit([&](auto id) { return model[id].span; }, target));
    return lines;
  }

  ChangeWork& work_;
  Pair pair_;
};

// ---- providers --------------------------------------------------------------------------------

// Requests to the first server that relies on the provider, and all such servers.
template <typename Relies>
void ReportProvider(ChangeWork& work, Change change, Relies relies) {
  const Model& after = work.after();
  std::optional<Replay> shown;
  for (const engine::Guard& guard : after.guards) {
    if (!relies(guard)) continue;
    const auto* service = std::get_if<engine::ServiceId>(&guard.target);
    if (service == nullptr) continue;
    const engine::ServiceInstance* instance = after[*service].In(guard.cluster);
    const engine::ServiceId old = work.back().Of(*service);
    const engine::ClusterId old_cluster = work.back().Of(guard.cluster);
    if (instance == nullptr || instance->ports.empty() || old.IsNone() || old_cluster.IsNone() ||
        work.before()[old].In(old_cluster) == nullptr) {
      continue;
    }
    const engine::ServicePort& port = instance->ports.front();
    change.destinations.insert(after[*service].ns + "/" + after[*service].name + ":" +
                               std::to_string(port.number) + "@" + after[guard.cluster].name);
    if (shown) continue;
    const Candidate outside{.cluster = guard.cluster};
    const Candidate before{.cluster = old_cluster};
    shown = work.Evaluate(RequestTo(work.before(), old, old_cluster, port, before),
                          RequestTo(after, *service, guard.cluster, port, outside));
  }
  if (!shown) return;
  shown->was.rules.clear();  // the provider's own lines are the cause
  shown->now.rules.clear();
  change.anonymous_callers = true;
  work.Report(std::move(change), *shown);
}

bool AsksFor(const engine::Condition& condition, engine::JwtId provider) {
  if (condition.matcher) {
    const bool asks =
        std::visit(Overloaded{
                       [&](const engine::JwtMatch& match) { return match.provider == provider; },
                       [&](const engine::ClaimMatch& match) { return match.provider == provider; },
                       [](const auto&) { return false; },
                   },
                   *condition.matcher);
    if (asks) return true;
  }
  return std::any_of(condition.children.begin(), condition.children.end(),
                     [&](const engine::Condition& child) { return AsksFor(child, provider); });
}

// `relies(guard)`: what the guard decides depends on the provider.
template <typename Id, typename Relies>
void CompareProvider(ChangeWork& work, Id id, Relies relies) {
  const Model& before = work.before();
  const Model& after = work.after();
  // Else one of them is a placeholder.
  if (!before[id].span.IsKnown() || !after[id].span.IsKnown()) return;
  const std::string was = engine::MeaningOf(before, id);
  const std::string now = engine::MeaningOf(after, id);
  if (was == now) return;
  Change change{.kind = ChangeKind::kSettings,
                .before = {before[id].span},
                .after = {after[id].span},
                .was = was.substr(0, was.size() - 1),
                .now = now.substr(0, now.size() - 1)};
  ReportProvider(work, std::move(change), relies);
}

void CompareProviders(ChangeWork& work) {
  const Model& after = work.after();
  for (std::uint32_t i = 0; i < after.jwts.size(); ++i) {
    const engine::JwtId id{i};
    CompareProvider(work, id, [&](const engine::Guard& guard) {
      return std::any_of(guard.authentication.begin(), guard.authentication.end(),
                         [&](const auto& a) { return a.provider == id; }) ||
             std::any_of(guard.allow.begin(), guard.allow.end(),
                         [&](engine::AccessRuleId rule) { return AsksFor(after[rule].when, id); });
    });
  }
  for (std::uint32_t i = 0; i < after.authorizers.size(); ++i) {
    const engine::AuthorizerId id{i};
    CompareProvider(work, id, [&](const engine::Guard& guard) {
      return std::any_of(guard.authorization.begin(), guard.authorization.end(),
                         [&](const auto& asked) { return asked.provider == id; });
    });
  }
}

}  // namespace

void CompareSettings(ChangeWork& work) {
  const Model& after = work.after();
  const auto compare = [&](const TargetRef& target) {
    const std::optional<TargetRef> old = work.back().Of(target);
    if (old) TargetSettings(work, {*old, target}).Run();
  };
  for (std::uint32_t i = 0; i < after.services.size(); ++i) compare(engine::ServiceId{i});
  for (std::uint32_t i = 0; i < after.destinations.size(); ++i) compare(engine::DestinationId{i});
  for (std::uint32_t i = 0; i < after.externals.size(); ++i) compare(engine::ExternalId{i});
  CompareProviders(work);
}

}  // namespace weft::verifier
