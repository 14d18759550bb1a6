// `chain a -> b -> c …`: how long a call may take from end to end, and how many it may become.
#include <algorithm>

#include "verifier/laws.h"

namespace weft::verifier {
namespace {

using engine::Law;

bool SendsTo(const engine::Model& model, const engine::RouteRule& rule, engine::ServiceId to) {
  const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
  if (forwards == nullptr) return false;
  return std::any_of(forwards->begin(), forwards->end(), [&](const engine::Forward& forward) {
    if (forward.target == engine::TargetRef(to)) return true;
    const auto* id = std::get_if<engine::DestinationId>(&forward.target);
    if (id == nullptr) return false;
    const auto& backings = model[*id].backings;
    return std::any_of(backings.begin(), backings.end(),
                       [&](const engine::Backing& backing) { return backing.service == to; });
  });
}

// The routes at sidecars of the caller's workspace that send to the callee, or to a destination it
// stands behind.
std::vector<const engine::RouteRule*> RulesOfHop(const engine::Model& model, engine::ServiceId from,
                                                 engine::ServiceId to) {
  std::vector<const engine::RouteRule*> rules;
  for (const engine::Table& table : model.tables) {
    const auto& of = table.sidecars_of;
    if (!table.on_sidecars || std::find(of.begin(), of.end(), model[from].workspace) == of.end()) {
      continue;
    }
    for (const engine::RouteRule& rule : table.rules) {
      if (SendsTo(model, rule, to)) rules.push_back(&rule);
    }
  }
  return rules;
}

// Longest wait of the hop: what the caller declares, else what the routes to the callee say;
// nullopt when one of them, or nothing, says nothing. `span`: the line that says so.
std::optional<engine::Millis> HopLimit(const engine::Model& model, engine::ServiceId from,
                                       engine::ServiceId to, Span& span) {
  for (const engine::Call& call : model[from].calls) {
    if (call.callee == to && call.within) {
      span = call.span;
      return call.within;
    }
  }
  std::optional<engine::Millis> longest;
  for (const engine::RouteRule* rule : RulesOfHop(model, from, to)) {
    const auto& limit = rule->modifiers.timeout;
    if (!limit || limit->count() == 0) {
      span = rule->span;
      return std::nullopt;
    }
    if (longest && *longest >= *limit) continue;
    longest = limit;
    span = rule->modifiers.timeout_span;
  }
  return longest;
}

void ProveTime(Work& work, const Law& law) {
  engine::Millis sum{0};
  std::vector<Span> spans;
  for (std::size_t i = 0; i + 1 < law.chain.size(); ++i) {
    Span span;
    const auto limit = HopLimit(work.model, law.chain[i], law.chain[i + 1], span);
    if (!limit || limit->count() == 0) {
      Diagnostic& d = ViolateLaw(work, law,
                                 "nothing limits how long `" + work.TargetName(law.chain[i]) +
                                     "` waits for `" + work.TargetName(law.chain[i + 1]) + "`");
      d.related.push_back(span.IsKnown() ? Label{span, "this route has no `timeout`"}
                                         : Label{work.model[law.chain[i]].span, "the caller"});
      d.help = "declare it: `calls " + work.model[law.chain[i + 1]].name + " within 2s`";
      return;
    }
    sum += *limit;
    spans.push_back(span);
  }
  if (!law.budget || sum <= *law.budget) return;
  Diagnostic& d = ViolateLaw(work, law,
                             "the chain can take " + std::to_string(sum.count()) +
                                 "ms, allowed are " + std::to_string(law.budget->count()) + "ms");
  for (const Span& span : spans) d.related.push_back({span, "a limit of a hop"});
}

// What a sidecar tries again when no rule says otherwise (Istio: defaultHttpRetryPolicy of the
// mesh).
constexpr std::int64_t kDefaultRetries = 2;

// How often one call of the hop is sent at most, with the line that says so when one does.
std::int64_t Attempts(const engine::Model& model, engine::ServiceId from, engine::ServiceId to,
                      Span& span) {
  const std::vector<const engine::RouteRule*> rules = RulesOfHop(model, from, to);
  if (rules.empty()) return 1 + kDefaultRetries;
  std::int64_t most = 0;
  for (const engine::RouteRule* rule : rules) {
    const auto& retries = rule->modifiers.retries;
    const std::int64_t attempts = 1 + (retries ? retries->attempts : kDefaultRetries);
    if (attempts <= most) continue;
    most = attempts;
    span = retries ? retries->span : Span{};
  }
  return most;
}

void ProveRequests(Work& work, const Law& law) {
  std::int64_t requests = 1;
  std::vector<std::pair<Span, std::string>> hops;
  for (std::size_t i = 0; i + 1 < law.chain.size(); ++i) {
    Span span;
    const std::int64_t attempts = Attempts(work.model, law.chain[i], law.chain[i + 1], span);
    // Beyond what any law allows nothing is gained by counting on.
    requests = std::min(requests * attempts, std::int64_t{1} << 40);
    const std::string hop =
        "`" + work.TargetName(law.chain[i]) + "` -> `" + work.TargetName(law.chain[i + 1]) + "`";
    hops.emplace_back(
        span.IsKnown() ? span : work.model[law.chain[i]].span,
        hop +
            (attempts == 1 ? " is tried once"
                           : " is tried up to " + std::to_string(attempts) + " times") +
            (span.IsKnown() ? "" : ", as sidecars do when no route says `retries`"));
  }
  if (requests <= *law.requests) return;
  Diagnostic& d =
      ViolateLaw(work, law,
                 "one request to `" + work.TargetName(law.chain.front()) + "` can become " +
                     std::to_string(requests) + " to `" + work.TargetName(law.chain.back()) +
                     "`, allowed are " + std::to_string(*law.requests));
  for (auto& [span, text] : hops) d.related.push_back({span, std::move(text)});
  d.help =
      "say `retries none` on all hops but one: a failure deep in the chain is then tried again "
      "once, not at every level";
}

}  // namespace

void ProveChain(Work& work, const Law& law) {
  if (law.budget) ProveTime(work, law);
  if (law.requests) ProveRequests(work, law);
}

}  // namespace weft::verifier
