#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "dsl/render.h"
#include "emit/check/interpret.h"
#include "engine/compile.h"
#include "tests/cross/compare.h"
#include "tests/cross/environment.h"
#include "tests/cross/pipeline.h"
#include "tests/cross/random_request.h"
#include "verifier/verify.h"

namespace weft::cross {
namespace {

TEST(Cross, EvaluatorAndEmittedObjectsAgree) {
  const unsigned seed = FromEnvironment("WEFT_CROSS_SEED", 20'011);
  const unsigned wanted = FromEnvironment("WEFT_CROSS_PAIRS", 100'000);
  constexpr unsigned kPerPolicy = 250;
  Random random(seed);  // NOLINT: the seed is printed, so that a failure can be repeated
  unsigned pairs = 0;
  unsigned policies = 0;
  unsigned skipped = 0;
  unsigned served = 0;
  std::map<std::string, unsigned> reasons;
  while (pairs < wanted) {
    const std::unique_ptr<Case> one = MakeCase(random);
    ++policies;
    if (!one->usable) {
      ++skipped;
      for (const Diagnostic& d : one->diagnostics.all()) {
        if (d.severity == Severity::kError) ++reasons[std::string(d.name)];
      }
      ASSERT_LT(skipped, 200 + policies / 2) << Errors(*one) << one->text;
      continue;
    }
    SourceMap texts;
    Diagnostics reading;
    const emit::check::Mesh mesh = ReadBack(*one, texts, reading);
    for (const Diagnostic& d : reading.all()) FAIL() << RenderHuman(d, texts, {});
    const engine::CompiledModel compiled = engine::Compile(one->model);
    for (unsigned i = 0; i < kPerPolicy; ++i, ++pairs) {
      const engine::Request request = RandomRequest(one->model, random);
      const engine::Outcome outcome = engine::Evaluate(one->model, request);
      const emit::check::Decision decision = emit::check::Interpret(mesh, request);
      served += outcome.AllowedSomewhere() ? 1 : 0;
      const std::string difference = Difference(one->model, request, outcome, decision);
      ASSERT_EQ(difference, "") << "seed " << seed << ", policy " << policies << "\n"
                                << RequestText(one->model, request) << "\n"
                                << one->text;
      const std::string other = Difference(outcome, compiled.Evaluate(request));
      ASSERT_EQ(other, "") << "seed " << seed << ", policy " << policies << "\n"
                           << RequestText(one->model, request) << "\n"
                           << one->text;
    }
  }
  std::cout << "seed " << seed << ": " << pairs << " pairs over " << policies - skipped
            << " policies, " << skipped << " not expressible, " << served << " served\n";
  for (const auto& [reason, count] : reasons) std::cout << "  " << count << " " << reason << "\n";
  EXPECT_GT(served, pairs / 10);
  EXPECT_LT(served, pairs - pairs / 10);
}

TEST(Cross, EveryCounterexampleIsReplayedAndProofsHold) {
  const unsigned seed = FromEnvironment("WEFT_CROSS_SEED", 20'011) + 1;
  const unsigned wanted = FromEnvironment("WEFT_CROSS_PROOFS", 60);
  Random random(seed);  // NOLINT: the seed is printed, so that a failure can be repeated
  unsigned findings = 0;
  for (unsigned done = 0; done < wanted;) {
    const std::unique_ptr<Case> one = MakeCase(random);
    if (!one->usable) continue;
    ++done;
    const verifier::Report report = verifier::Verify(one->model, {});
    std::set<engine::WorkspaceId> proved;
    for (const verifier::Property& p : report.properties) {
      if (p.name == "isolation" && p.verdict == verifier::PropertyVerdict::kProved) {
        proved.insert(one->model.FindWorkspace(p.subject));
      }
    }
    for (const verifier::Finding& finding : report.findings) {
      if (!finding.witness) continue;
      ++findings;
      EXPECT_TRUE(finding.replayed) << "seed " << seed << "\n"
                                    << finding.diagnostic.message << "\n"
                                    << RequestText(one->model, *finding.witness) << "\n"
                                    << one->text;
    }
    // No sampled request gets into a workspace whose isolation is proved.
    for (unsigned i = 0; i < 500; ++i) {
      engine::Request request = RandomRequest(one->model, random);
      if (!request.gateway.IsNone() || request.source.IsNone()) continue;
      request.direct = true;
      const engine::Outcome outcome = engine::Evaluate(one->model, request);
      for (const engine::Branch& branch : outcome.branches) {
        const auto* service = std::get_if<engine::ServiceId>(&branch.target);
        if (branch.blocked || service == nullptr) continue;
        const engine::Service& target = one->model[*service];
        const engine::WorkspaceId from = one->model[request.source].workspace;
        if (!proved.contains(target.workspace) || !one->model[target.workspace].isolated) continue;
        bool shared = from == target.workspace;
        for (const engine::Grant& grant : target.grants) shared = shared || grant.to == from;
        for (const engine::Destination& d : one->model.destinations) {
          for (const engine::Backing& b : d.backings) {
            if (b.service != *service) continue;
            for (const engine::Grant& grant : d.grants) shared = shared || grant.to == from;
          }
        }
        EXPECT_TRUE(shared) << "seed " << seed << "\n"
                            << RequestText(one->model, request) << "\n"
                            << one->text;
      }
    }
  }
  std::cout << "seed " << seed << ": " << findings << " counterexamples replayed\n";
  EXPECT_GT(findings, 20U);
}

// ---- planted bugs: what a wrong emitter could write must be noticed ---------------------------

struct Bug {
  const char* name;
  bool (*plant)(Objects&);  // false: nothing to break in these objects
};

const Bug kBugs[] = {
    {"notPaths is forgotten",
     [](Objects& o) { return Drop(o, "AuthorizationPolicy", "notPaths"); }},
    {"notPrincipals is forgotten",
     [](Objects& o) { return Drop(o, "AuthorizationPolicy", "notPrincipals"); }},
    {"paths are forgotten", [](Objects& o) { return Drop(o, "AuthorizationPolicy", "paths"); }},
    {"methods are forgotten", [](Objects& o) { return Drop(o, "AuthorizationPolicy", "methods"); }},
    {"principals are forgotten",
     [](Objects& o) { return Drop(o, "AuthorizationPolicy", "principals"); }},
    {"conditions are forgotten", [](Objects& o) { return Drop(o, "AuthorizationPolicy", "when"); }},
    {"ports are forgotten", [](Objects& o) { return Drop(o, "AuthorizationPolicy", "ports"); }},
    {"paths become prefixes",
     [](Objects& o) {
       return InKind(o, "AuthorizationPolicy", [](emit::Value& spec) {
         return AtField(spec, "paths", [](emit::Value& at) {
           for (auto& path : at["paths"]) {
             if (!path.get<std::string>().ends_with('*')) path = path.get<std::string>() + "*";
           }
           return true;
         });
       });
     }},
    {"denials are not written",
     [](Objects& o) { return RemoveObjects(o, "AuthorizationPolicy", "DENY"); }},
    {"allowances are not written",
     [](Objects& o) { return RemoveObjects(o, "AuthorizationPolicy", "ALLOW"); }},
    {"DENY becomes ALLOW",
     [](Objects& o) { return ReplaceWord(o, "AuthorizationPolicy", "action", "DENY", "ALLOW"); }},
    {"STRICT becomes PERMISSIVE",
     [](Objects& o) {
       return ReplaceWord(o, "PeerAuthentication", "mode", "STRICT", "PERMISSIVE");
     }},
    {"tokens are not checked",
     [](Objects& o) { return RemoveObjects(o, "RequestAuthentication", ""); }},
    {"routes stand in reverse",
     [](Objects& o) {
       return InKind(o, "VirtualService", [](emit::Value& spec) {
         if (!spec.contains("http") || spec["http"].size() < 2) return false;
         std::reverse(spec["http"].begin(), spec["http"].end());
         return true;
       });
     }},
    {"a whole segment becomes a raw prefix",
     [](Objects& o) {
       return InKind(o, "VirtualService", [](emit::Value& spec) {
         return AtField(spec, "uri", [](emit::Value& at) {
           if (!at["uri"].is_object() || !at["uri"].contains("prefix")) return false;
           auto prefix = at["uri"]["prefix"].get<std::string>();
           if (prefix.size() < 2 || !prefix.ends_with('/')) return false;
           prefix.pop_back();
           at["uri"]["prefix"] = prefix;
           return true;
         });
       });
     }},
    {"headers are not matched",
     [](Objects& o) { return Drop(o, "VirtualService", "withoutHeaders"); }},
    {"query is not matched", [](Objects& o) { return Drop(o, "VirtualService", "queryParams"); }},
    {"rewrites are forgotten", [](Objects& o) { return Drop(o, "VirtualService", "rewrite"); }},
    {"subsets are forgotten", [](Objects& o) { return Drop(o, "VirtualService", "subset"); }},
    {"faults are forgotten", [](Objects& o) { return Drop(o, "VirtualService", "fault"); }},
    {"subsets are not defined", [](Objects& o) { return Drop(o, "DestinationRule", "subsets"); }},
    {"nothing is ejected",
     [](Objects& o) { return Drop(o, "DestinationRule", "outlierDetection"); }},
    {"other clusters are not entered",
     [](Objects& o) { return RemoveObjects(o, "WorkloadEntry", ""); }},
    {"proxies are not trimmed", [](Objects& o) { return RemoveObjects(o, "Sidecar", ""); }},
    {"https is not demanded", [](Objects& o) { return Drop(o, "Gateway", "httpsRedirect"); }},
    {"authorizers are not asked",
     [](Objects& o) { return RemoveObjects(o, "AuthorizationPolicy", "CUSTOM"); }},
    {"origins are not looked at",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "filter_enabled"); }},
    {"bodies may be of any size",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "max_request_bytes"); }},
    {"limits of a gateway are forgotten beside those of a route",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "vh_rate_limits"); }},
    {"routes do not opt out",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "typed_per_filter_config"); }},
    {"limiters know no rates", [](Objects& o) { return RemoveObjects(o, "ConfigMap", ""); }},
    {"nothing is sent to limiters", [](Objects& o) { return Drop(o, "EnvoyFilter", "actions"); }},
    {"limits before authorization are forgotten",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "stage"); }},
    {"a limiter that fails lets pass",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "failure_mode_deny"); }},
    {"limits are counted for all requests",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "headers"); }},
    {"conditions of limits are not inverted",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "invert_match"); }},
    {"tokens of routes are not demanded",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "requirement_name"); }},
    {"claims of routes are not looked at",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "rbac"); }},
    {"payloads of tokens are not kept",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "payload_in_metadata"); }},
    {"missing tokens of routes are refused",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "allow_missing"); }},
    {"tokens are checked after limits",
     [](Objects& o) { return Drop(o, "EnvoyFilter", "priority"); }},
};

class PlantedBug : public testing::TestWithParam<Bug> {};

TEST_P(PlantedBug, IsNoticed) {
  Random random(4711);  // NOLINT: a fixed seed keeps the test reproducible
  int broken = 0;
  for (int policy = 0; policy < 2500 && broken < 700; ++policy) {
    const std::unique_ptr<Case> one = MakeCase(random);
    if (!one->usable || !GetParam().plant(one->objects)) continue;
    ++broken;
    SourceMap texts;
    Diagnostics reading;
    const emit::check::Mesh mesh = ReadBack(*one, texts, reading);
    for (int i = 0; i < 300; ++i) {
      const engine::Request request = RandomRequest(one->model, random);
      const auto decision = emit::check::Interpret(mesh, request);
      const engine::Outcome outcome = engine::Evaluate(one->model, request);
      if (!Difference(one->model, request, outcome, decision).empty()) return;
    }
  }
  FAIL() << "`" << GetParam().name << "` was planted in " << broken << " policies and not noticed";
}

INSTANTIATE_TEST_SUITE_P(Emitter, PlantedBug, testing::ValuesIn(kBugs),
                         [](const testing::TestParamInfo<Bug>& bug) {
                           std::string name = bug.param.name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace weft::cross
