// Draws requests for the lab to send: from the proofs of a policy, for every rule one request that
// it decides, and the requests beside that one; then others at random. All are different. Prints
// them with what the evaluator says, in the format of `weft test -o json`. Same policy, same
// requests.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/output.h"
#include "cli/policy.h"
#include "cli/request_json.h"
#include "engine/path.h"
#include "tests/conformance/sampler/drawn.h"
#include "tests/conformance/sampler/neighbours.h"
#include "verifier/atlas.h"
#include "verifier/callers.h"
#include "verifier/server.h"
#include "verifier/sites.h"
#include "verifier/work.h"

namespace weft::lab {
namespace {

using engine::Model;
using engine::Request;
using verifier::FormulaId;
using verifier::Formulas;
using verifier::Space;
using verifier::Study;

struct Sample {
  Request request;
  Span rule;
  std::string title;
};

class Sampler {
 public:
  explicit Sampler(const Model& model)
      : model_(model), callers_(model), palette_(PaletteOf(model)), atlas_(model) {}

  // Requests that rules decide, then those beside them.
  std::vector<Sample> Draw() {
    for (const verifier::Site& site : verifier::GatewaySites(model_)) DrawSite(site);
    for (const verifier::Site& site : verifier::SidecarSites(model_)) DrawSite(site);
    for (std::uint32_t i = 0; i < model_.services.size(); ++i) DrawService({i});
    for (const engine::Destination& destination : model_.destinations) Call(destination);
    DrawRedirects();
    std::vector<Sample> all = std::move(witnesses_);
    all.insert(all.end(), beside_.begin(), beside_.end());
    return all;
  }

  // `count` more at random; fewer when the policy is too small for as many different ones.
  std::vector<Sample> DrawAtRandom(std::size_t count) {
    RandomRequests random(model_, palette_, callers_.all(), kSeed);
    std::vector<Sample> drawn;
    for (std::size_t tries = 0; random.Any() && drawn.size() < count && tries < 20 * count;
         ++tries) {
      Request request = random.Next();
      if (seen_.insert(request).second) drawn.push_back({request, {}, "drawn at random"});
    }
    return drawn;
  }

 private:
  static constexpr unsigned kSeed = 20;

  void Add(const Request& witness, Span rule, const std::vector<verifier::Candidate>& callers) {
    if (!seen_.insert(witness).second) return;
    witnesses_.push_back({witness, rule, "decided by this rule"});
    for (Request& other : Neighbours(model_, palette_, witness, callers)) {
      if (!seen_.insert(other).second) continue;
      beside_.push_back({std::move(other), rule, "beside a request this rule decides"});
    }
  }

  // One request for each rule of the tables at a place.
  void DrawSite(const verifier::Site& site) {
    if (!site.base.source.IsNone() && IsGateway(model_, site.base.source)) return;
    const Study study = verifier::Prepare(atlas_, nullptr, [&](Space& space, Formulas& formulas) {
      std::vector<FormulaId> decides;
      for (std::size_t i = 0; i < site.rules.size(); ++i) {
        decides.push_back(verifier::Decides(space, formulas, site, i));
      }
      return decides;
    });
    if (!study.decidable) return;
    for (std::size_t i = 0; i < site.rules.size(); ++i) {
      const verifier::Found found = verifier::Ask(solver_, study, study.parts[i]);
      if (found.Sat()) Add(Normal(verifier::RequestAt(site, found)), site.rules[i]->span, {});
    }
  }

  void DrawService(engine::ServiceId id) {
    for (const engine::ServiceInstance& instance : model_[id].instances) {
      // A gateway's own Service leads to its listeners, which are asked through the gateway.
      const auto& behind = instance.workloads;
      if (std::all_of(behind.begin(), behind.end(),
                      [&](engine::WorkloadId w) { return IsGateway(model_, w); })) {
        continue;
      }
      for (const engine::ServicePort& port : instance.ports) DrawPort(id, instance.cluster, port);
    }
  }

  // One request for each access rule of a server: it makes the difference.
  void DrawPort(engine::ServiceId id, engine::ClusterId cluster, const engine::ServicePort& port) {
    const engine::Guard* guard = model_.GuardOf(id, cluster);
    if (guard == nullptr || verifier::LayerOf(port) == engine::Layer::kTls) return;
    const auto candidates =
        callers_.Relevant(verifier::CallerSetsOf(model_, *guard), cluster, false,
                          [](const verifier::Candidate& c) { return c.source.IsNone(); });
    const engine::Layer layer = verifier::LayerOf(port);
    const Study study =
        verifier::Prepare(atlas_, &candidates, [&](Space& space, Formulas& formulas) {
          return Differences(space, formulas, *guard, layer, port.number);
        });
    if (!study.decidable) return;
    std::vector<engine::AccessRuleId> rules = guard->allow;
    rules.insert(rules.end(), guard->deny.begin(), guard->deny.end());
    for (std::size_t i = 0; i < study.parts.size(); ++i) {
      const verifier::Found found = verifier::Ask(solver_, study, study.parts[i]);
      if (!found.Sat()) continue;
      const verifier::Candidate* caller = found.Caller();
      Request request = found.Request(verifier::RequestTo(
          model_, id, cluster, port, caller == nullptr ? verifier::Candidate{} : *caller));
      request.layer = layer;
      request = Normal(std::move(request));
      if (caller != nullptr) request = SentBy(model_, std::move(request), *caller);
      request.cluster = cluster;
      Add(request, i < rules.size() ? model_[rules[i]].span : model_[id].span, candidates);
    }
  }

  // For each rule: it applies, and no other of its kind that would do the same. Last: no rule
  // applies.
  std::vector<FormulaId> Differences(Space& space, Formulas& formulas, const engine::Guard& guard,
                                     engine::Layer layer, std::uint16_t port) {
    const verifier::View view{.rule = nullptr, .port = port, .peer = nullptr};
    std::vector<FormulaId> allows;
    std::vector<FormulaId> denies;
    for (const engine::AccessRuleId rule : guard.allow) {
      allows.push_back(verifier::Applies(space, formulas, model_[rule], layer, view));
    }
    for (const engine::AccessRuleId rule : guard.deny) {
      denies.push_back(verifier::Applies(space, formulas, model_[rule], layer, view));
    }
    std::vector<FormulaId> all;
    const auto others = [&](const std::vector<FormulaId>& of, std::size_t but) {
      std::vector<FormulaId> rest;
      for (std::size_t i = 0; i < of.size(); ++i) {
        if (i != but) rest.push_back(of[i]);
      }
      return formulas.Not(formulas.Or(std::move(rest)));
    };
    for (std::size_t i = 0; i < allows.size(); ++i) {
      all.push_back(formulas.And({allows[i], others(allows, i), others(denies, denies.size())}));
    }
    for (std::size_t i = 0; i < denies.size(); ++i) {
      all.push_back(formulas.And(
          {denies[i], others(denies, i), allows.empty() ? verifier::kTrue : formulas.Or(allows)}));
    }
    all.push_back(formulas.And({others(allows, allows.size()), others(denies, denies.size())}));
    return all;
  }

  // Every caller of every cluster calls every host of a destination.
  void Call(const engine::Destination& destination) {
    for (std::uint32_t w = 0; w < model_.workloads.size(); ++w) {
      const engine::Workload& workload = model_.workloads[w];
      if (!workload.sidecar) continue;
      const verifier::Candidate caller{
          .source = {w},
          .identity = engine::Identity{model_[workload.cluster].trust_domain, workload.ns,
                                       workload.account},
          .cluster = workload.cluster,
          .workspace = workload.workspace};
      for (const std::string& host : destination.hosts) {
        for (const engine::ServicePort& port : destination.ports) {
          Request request;
          request.host = host;
          request.port = port.number;
          request.layer = verifier::LayerOf(port);
          request = SentBy(model_, std::move(request), caller);
          if (!request.direct) Add(request, destination.span, {});
        }
      }
    }
  }

  void DrawRedirects() {
    for (std::uint32_t g = 0; g < model_.gateways.size(); ++g) {
      for (const engine::Listener& listener : model_.gateways[g].listeners) {
        if (!listener.redirect_https) continue;
        for (const engine::ClusterId cluster : model_.gateways[g].clusters) {
          Request request;
          request.gateway = {g};
          request.cluster = cluster;
          request.plaintext = true;
          request.port = listener.port;
          for (const std::string& host : palette_.hosts) {
            request.host = host;
            Add(request, listener.span, {});
          }
        }
      }
    }
  }

  // As it can really be sent: the address of the peer is that of the caller.
  [[nodiscard]] Request Normal(Request request) const {
    if (request.layer == engine::Layer::kHttp) {
      request.path = engine::NormalizePath(request.path, model_.normalization);
    }
    request.remote_ip.clear();
    if (request.source_ip.find(':') != std::string::npos) request.source_ip = "10.0.0.1";
    return request;
  }

  const Model& model_;
  verifier::Callers callers_;
  Palette palette_;
  verifier::Solver solver_;
  verifier::Atlas atlas_;
  std::set<Request> seen_;
  std::vector<Sample> witnesses_, beside_;
};

// `most` of the samples, evenly over their order.
std::vector<Sample> Thin(std::vector<Sample> all, std::size_t most) {
  if (all.size() <= most) return all;
  std::vector<Sample> kept;
  for (std::size_t i = 0; i < most; ++i) kept.push_back(all[i * all.size() / most]);
  return kept;
}

int Run(const cli::PolicyOptions& options, std::size_t most, std::size_t random) {
  const std::unique_ptr<cli::Policy> policy = cli::LoadPolicy(options);
  if (policy->ExitCode() != 0) {
    cli::PrintDiagnostics(policy->diagnostics, policy->inputs.sources, cli::Format::kPlain);
    return policy->ExitCode();
  }
  nlohmann::ordered_json json;
  json["tests"] = nlohmann::ordered_json::array();
  Sampler sampler(policy->model);
  std::vector<Sample> samples = Thin(sampler.Draw(), most);
  std::vector<Sample> more = sampler.DrawAtRandom(random);
  samples.insert(samples.end(), more.begin(), more.end());
  for (const Sample& sample : samples) {
    const engine::Outcome outcome = engine::Evaluate(policy->model, sample.request);
    nlohmann::ordered_json one = cli::PlaceJson(sample.rule, policy->inputs.sources);
    if (!one.is_object()) one = nlohmann::ordered_json::object();
    one["title"] = sample.title;
    one["passed"] = true;
    one["expect"] = nlohmann::ordered_json::array();
    one["request"] = cli::RequestJson(policy->model, sample.request);
    one["result"] = cli::ResultJson(policy->model, sample.request, outcome);
    json["tests"].push_back(std::move(one));
  }
  json["clusters"] = cli::ClustersJson(policy->model);
  cli::PrintText(json.dump(1));
  return 0;
}

}  // namespace
}  // namespace weft::lab

int main(int argc, char** argv) {
  CLI::App app("draws requests from the proofs of a policy, and at random");
  weft::cli::PolicyOptions options;
  std::size_t most = 1500;
  std::size_t random = 0;
  weft::cli::AddInputOptions(app, options);
  app.add_option("--most", most, "how many requests from the proofs at most");
  app.add_option("--random", random, "how many requests at random");
  CLI11_PARSE(app, argc, argv);
  return weft::lab::Run(options, most, random);
}
