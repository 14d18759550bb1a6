// `replicas of X stay at least …`: what is left to callers when places are lost.
#include <cmath>
#include <map>
#include <set>

#include "engine/delivery.h"
#include "engine/places.h"
#include "verifier/laws.h"

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
    if (losses_.empty()) {
      SaysNothing(
          work_, law_, law_.parts.loss,
          "there are not " + std::to_string(law_.losses + 1) + " " + engine::LossWord(law_.loss) +
              "s, of which any could be lost",
          "say where clusters are: `cluster NAME { " + engine::LossWord(law_.loss) + " \"…\" }`");
      return;
    }
    for (const TargetRef& target : law_.to) {
      for (const Sender& sender : SendersTo(target)) {
        if (!ProveFor(target, sender)) return;
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
  // Of the callers the law is about, one for each place they call from.
  std::vector<Sender> SendersTo(const TargetRef& target) const {
    std::vector<Sender> senders;
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
        senders.push_back(std::move(sender));
      }
    }
    return senders;
  }

  bool Reaches(engine::WorkspaceId from, const TargetRef& target) const {
    const auto [at, fresh] = reaches_.try_emplace({from, target});
    if (fresh) at->second = engine::Reaches(work_.model, from, target);
    return at->second;
  }

  bool ProveFor(const TargetRef& target, const Sender& sender) {
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
      Violate(target, sender, loss, left, intact);
      return false;
    }
    return true;
  }

  void Violate(const TargetRef& target, const Sender& sender, const Request& loss,
               std::int64_t left, std::int64_t intact) {
    const std::string& cluster = work_.model[sender.cluster].name;
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
    Request request = loss;
    request.cluster = sender.cluster;
    request.source = AnyCallerAt(sender, target);
    request.host = HostOf(work_.model, target);
    request.port = FirstPort(target, sender.cluster);
    if (left == 0 && !request.source.IsNone()) work_.Witness(request, target, false, true);
  }

  engine::WorkloadId AnyCallerAt(const Sender& sender, const TargetRef& target) const {
    const engine::Model& model = work_.model;
    for (std::uint32_t w = 0; w < model.workloads.size(); ++w) {
      const engine::Workload& workload = model.workloads[w];
      if (workload.cluster != sender.cluster || !Reaches(workload.workspace, target)) continue;
      if (engine::SidecarSender(model, {w}, workload.cluster, {}).locality == sender.locality) {
        return {w};
      }
    }
    return {};
  }

  std::uint16_t FirstPort(const TargetRef& target, engine::ClusterId cluster) const {
    return engine::PortOf(work_.model, {.target = target}, Request{}, cluster);
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
