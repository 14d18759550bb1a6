#include "verifier/verify.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "verifier/work.h"

namespace weft::verifier {
namespace {

struct Prover {
  const char* name;
  void (*prove)(Work&);
};

constexpr std::array kProvers = {
    Prover{"isolation", ProveIsolation}, Prover{"routes", ProveRoutes},
    Prover{"access", ProveAccess},       Prover{"hosts", ProveHosts},
    Prover{"mtls", ProveMtls},           Prover{"references", ProveReferences},
    Prover{"failover", ProveFailover},   Prover{"budgets", ProveBudgets},
    Prover{"limits", ProveLimits},       Prover{"authorizers", ProveAuthorization},
    Prover{"prove", ProveLaws},
};

}  // namespace

const std::vector<std::string>& PropertyNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Prover& prover : kProvers) all.emplace_back(prover.name);
    return all;
  }();
  return names;
}

namespace {

// A line that stands in the way twice (of two backends, say) is shown once.
void ShowOnce(std::vector<Label>& labels) {
  std::set<std::pair<Span, std::string>> shown;
  std::erase_if(
      labels, [&](const Label& label) { return !shown.emplace(label.span, label.message).second; });
}

}  // namespace

Report Verify(const engine::Model& model, const Options& options) {
  Report report;
  Solver solver;
  Callers callers(model);
  Atlas atlas(model);
  ServerStudies servers(model, callers, atlas);
  Work work{.model = model,
            .options = options,
            .solver = solver,
            .callers = callers,
            .atlas = atlas,
            .servers = servers,
            .report = report};
  if (options.seconds) work.since = options.seconds();
  for (const Prover& prover : kProvers) {
    if (!options.only.empty() && options.only != prover.name) continue;
    if (options.began) options.began(prover.name);
    prover.prove(work);
  }
  work.Charge();
  NameAssumptions(work);
  report.questions = solver.questions();
  for (Finding& finding : report.findings) ShowOnce(finding.diagnostic.related);
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return std::tie(a.diagnostic.span, a.diagnostic.number) <
                            std::tie(b.diagnostic.span, b.diagnostic.number);
                   });
  return report;
}

}  // namespace weft::verifier
