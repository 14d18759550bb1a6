// `replicas of X stay at least …`: what is left to callers when places are lost.
#include <cmath>
#include <map>
#include <set>

#include "engine/delivery.h"
#include "engine/places.h"
#include "verifier/client_law.h"

namespace weft::verifier {
namespace {

using engine::Law;
using engine::Request;
using engine::Sender;
using engine::TargetRef;

class ReplicaLaw {
 public:
  ReplicaLaw(Work& work, const Law& law) : work_(work), law_(law) {}

  void Prove() {
    losses_ = engine::LossesOf(work_.model, law_.loss, law_.losses);
    if (losses_.empty()) return ReportEmpty(work_, law_, Got::kNowhere);
    for (const TargetRef& target : law_.to) {
      for (const Caller& caller : CallersOf(target)) {
        if (!ProveFor(target, caller)) return;
      }
    }
    if (meant_) return;
    SaysNothing(
        work_, law_, law_.from.empty() ? law_.parts.to : law_.parts.from,
        "no discovered workload that is left can call " +
            (law_.to_text == "every destination" ? "a destination" : "`" + law_.to_text + "`"),
        "laws of this form are about the callers that are there; say who calls");
  }

 private:
  struct Caller {
    engine::WorkloadId id;
    Sender sender;
  };

  // Of the callers the law is about, one for each place they call from.
  std::vector<Caller> CallersOf(const TargetRef& target) const {
    std::vector<Caller> callers;
    std::set<std::pair<engine::ClusterId, engine::Locality>> places;
    const engine::Model& model = work_.model;
    for (std::uint32_t w = 0; w < model.workloads.size(); ++w) {
      const engine::Workload& workload = model.workloads[w];
      if (!Reaches(workload.workspace, target)) continue;
      const engine::Identity identity{model[workload.cluster].trust_domain, workload.ns,
                                      workload.account};
      if (!law_.from.empty() && !engine::Admits(law_.from, identity)) continue;
      Sender sender = engine::SidecarSender(model, {w}, workload.cluster, identity);
      if (places.insert({workload.cluster, sender.locality}).second) {
        callers.push_back({{w}, std::move(sender)});
      }
    }
    return callers;
  }

  bool Reaches(engine::WorkspaceId from, const TargetRef& target) const {
    const auto [at, fresh] = reaches_.try_emplace({from, target});
    if (fresh) at->second = engine::Reaches(work_.model, from, target);
    return at->second;
  }

  bool ProveFor(const TargetRef& target, const Caller& caller) {
    const Sender& sender = caller.sender;
    const std::int64_t intact = engine::ReplicasOf(work_.model, target, sender, Request{});
    const std::int64_t needed =
        law_.replicas ? *law_.replicas
                      : static_cast<std::int64_t>(std::ceil(
                            static_cast<double>(intact) * law_.replica_share / 100.0 - 1e-9));
    for (const Request& loss : losses_) {
      if (engine::IsLost(loss, sender.cluster, sender.locality)) continue;
      meant_ = true;
      const std::int64_t left = engine::ReplicasOf(work_.model, target, sender, loss);
      if (left >= needed) continue;
      Violate(target, caller, loss, left, intact);
      return false;
    }
    return true;
  }

  void Violate(const TargetRef& target, const Caller& caller, const Request& loss,
               std::int64_t left, std::int64_t intact) {
    const engine::ClusterId from = caller.sender.cluster;
    const std::string& cluster = work_.model[from].name;
    const std::string lost = engine::LossText(work_.model, loss);
    const std::string what = "callers in `" + cluster + "` have " + std::to_string(left) + " of " +
                             std::to_string(intact) + " replicas of `" + work_.TargetName(target) +
                             "`";
    Diagnostic& d = ViolateLaw(work_, law_, lost.empty() ? what : "without " + lost + ", " + what);
    d.clusters = {cluster};
    d.related.push_back(
        {std::visit([&](auto id) { return work_.model[id].span; }, target), "of this"});
    const auto& failover = engine::PolicyOf(work_.model, target).failover;
    if (failover) d.related.push_back({failover->span, "where requests may go instead"});
    d.help = "more replicas elsewhere, a failover that reaches further, or a lower demand";
    if (left > 0) return;
    Request request = loss;
    request.cluster = from;
    request.source = caller.id;
    request.host = HostOf(work_.model, target);
    request.port = engine::PortOf(work_.model, {.target = target}, Request{}, from);
    work_.Witness(request, target, false, true);
  }

  Work& work_;
  const Law& law_;
  std::vector<Request> losses_;
  mutable std::map<std::pair<engine::WorkspaceId, TargetRef>, bool> reaches_;
  bool meant_ = false;
};

}  // namespace

void ProveReplicas(Work& work, const Law& law) { ReplicaLaw(work, law).Prove(); }

}  // namespace weft::verifier
