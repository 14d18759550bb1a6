#include "engine/compile.h"

#include <utility>

#include "engine/compiled/decide.h"
#include "engine/compiled/program.h"

namespace weft::engine {
namespace {

void Append(const Lines& lines, std::vector<Span>& to) {
  to.insert(to.end(), lines.begin(), lines.end());
}

std::vector<Span> LinesFrom(const Decision& decision, std::size_t first) {
  std::vector<Span> spans;
  for (std::size_t i = first; i < decision.lines.size(); ++i) Append(decision.lines[i], spans);
  return spans;
}

Branch BranchOf(const DecidedBranch& decided, const std::vector<Tier>* tiers) {
  Branch branch{
      .weight = 100, .target = decided.target, .subset = "", .tiers = {}, .blocked = std::nullopt};
  if (decided.forward != nullptr) {
    branch.weight = decided.forward->weight;
    branch.subset = decided.forward->subset;
  }
  if (tiers != nullptr) branch.tiers = *tiers;
  if (decided.refused) {
    branch.blocked = Block{decided.refused->stage, decided.refused->status, {}};
    Append(decided.refused->lines, branch.blocked->rules);
  }
  return branch;
}

// What a rule that decided says beyond where the request goes.
void AddRule(const compiled::CompiledRoute& route, const Request& request, Outcome& outcome) {
  const RouteRule& rule = *route.rule;
  outcome.rule = &rule;
  if (const auto* redirect = std::get_if<Redirect>(&rule.action)) outcome.answered = *redirect;
  if (const auto* respond = std::get_if<Respond>(&rule.action)) outcome.answered = *respond;
  if (outcome.blocked || outcome.answered) return;
  if (route.rewrite) outcome.path = route.rewrite->Apply(request.path);
  if (rule.modifiers.rewrite && rule.modifiers.rewrite->host) {
    outcome.host = *rule.modifiers.rewrite->host;
  }
  outcome.timeout = rule.modifiers.timeout;
  outcome.retries = rule.modifiers.retries;
  outcome.headers = rule.modifiers.headers;
}

}  // namespace

bool Decision::AllowedSomewhere() const {
  if (kind != Kind::kForwarded) return kind == Kind::kAnswered;
  for (std::size_t i = 0; i < branches.size(); ++i) {
    if (!branches[i].refused) return true;
  }
  return false;
}

CompiledModel::CompiledModel(std::unique_ptr<const compiled::Program> program)
    : program_(std::move(program)) {}
CompiledModel::CompiledModel(CompiledModel&&) noexcept = default;
CompiledModel& CompiledModel::operator=(CompiledModel&&) noexcept = default;
CompiledModel::~CompiledModel() = default;

Decision CompiledModel::Decide(const Request& request) const {
  return compiled::Decide(*program_, request);
}

const std::vector<Tier>& CompiledModel::TiersOf(const Decision& decision,
                                                const DecidedBranch& branch) const {
  if (branch.has_own_tiers) return decision.own_tiers[branch.tiers];
  return program_->delivery.TiersOf(branch.tiers);
}

Outcome CompiledModel::Evaluate(const Request& request) const {
  const Decision decision = Decide(request);
  Outcome outcome;
  outcome.rules = LinesFrom(decision, 0);
  if (decision.kind == Decision::Kind::kBlocked) {
    outcome.blocked =
        Block{decision.stage, decision.status, LinesFrom(decision, decision.refusal_lines)};
  }
  if (decision.https_redirect != nullptr) {
    outcome.answered = Redirect{.https = true, .host = "", .path = "", .port = {}, .code = 301};
  }
  if (decision.rule != nullptr || decision.kind == Decision::Kind::kForwarded) {
    outcome.path = request.path;
    outcome.host = request.host;
  }
  if (decision.rule != nullptr) AddRule(program_->routes[decision.route], request, outcome);
  for (std::size_t i = 0; i < decision.branches.size(); ++i) {
    const DecidedBranch& decided = decision.branches[i];
    outcome.branches.push_back(BranchOf(decided, &TiersOf(decision, decided)));
  }
  return outcome;
}

CompiledModel Compile(const Model& model) {
  return CompiledModel(std::make_unique<const compiled::Program>(model));
}

}  // namespace weft::engine
