#include "verifier/change.h"

#include <algorithm>
#include <tuple>

#include "engine/lower.h"
#include "verifier/change_work.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

using engine::Model;

// What both versions name of callers and namespaces, for the callers that tell all rules apart.
Model Joint(const Versions& versions) {
  Model joint = versions.after;
  const Model& before = versions.before;
  joint.access_rules.insert(joint.access_rules.end(), before.access_rules.begin(),
                            before.access_rules.end());
  const Counterparts forth(before, versions.after);
  for (const engine::Workspace& workspace : before.workspaces) {
    const engine::WorkspaceId id = joint.FindWorkspace(workspace.name);
    if (id.IsNone()) continue;
    for (const auto& [cluster, ns] : workspace.namespaces) {
      const engine::ClusterId here = forth.Of(cluster);
      if (!here.IsNone()) joint.workspaces[id.index()].namespaces.insert({here, ns});
    }
  }
  return joint;
}

void Unique(std::vector<Span>& spans) {
  std::sort(spans.begin(), spans.end());
  spans.erase(std::unique(spans.begin(), spans.end()), spans.end());
}

}  // namespace

std::string_view ChangeName(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kNewlyAllowed:
      return "newly-allowed";
    case ChangeKind::kMtlsWeakened:
      return "mtls-weakened";
    case ChangeKind::kNewlyBlocked:
      return "newly-blocked";
    case ChangeKind::kMtlsStrengthened:
      return "mtls-strengthened";
    case ChangeKind::kRerouted:
      return "rerouted";
    case ChangeKind::kFailover:
      return "failover-changed";
    case ChangeKind::kLimited:
      return "limit-changed";
    case ChangeKind::kTimeout:
      return "timeout-changed";
    case ChangeKind::kRetries:
      return "retries-changed";
    case ChangeKind::kHandled:
      return "handled-differently";
    case ChangeKind::kSettings:
      return "settings-changed";
  }
  return "";
}

bool Widens(ChangeKind kind) {
  return kind == ChangeKind::kNewlyAllowed || kind == ChangeKind::kMtlsWeakened;
}

ChangeWork::ChangeWork(std::shared_ptr<const Versions> versions, const ChangeOptions& options)
    : versions_(std::move(versions)),
      options_(options),
      back_(versions_->after, versions_->before),
      callers_(Joint(*versions_)) {}

bool Shows(ChangeKind kind, const Replay& replay) {
  const bool was = replay.was.AllowedSomewhere();
  const bool now = replay.now.AllowedSomewhere();
  switch (kind) {
    case ChangeKind::kNewlyAllowed:
      return !was && now;
    case ChangeKind::kNewlyBlocked:
      return was && !now;
    case ChangeKind::kMtlsWeakened:
    case ChangeKind::kMtlsStrengthened:
    case ChangeKind::kSettings:
      return true;
    case ChangeKind::kRerouted:
    case ChangeKind::kFailover:
    case ChangeKind::kLimited:
    case ChangeKind::kTimeout:
    case ChangeKind::kRetries:
    case ChangeKind::kHandled:
      return was && now;
  }
  return false;
}

Replay ChangeWork::Evaluate(engine::Request before, engine::Request after) const {
  Replay replay{std::move(before), std::move(after), {}, {}};
  replay.was = engine::Evaluate(this->before(), replay.before);
  replay.now = engine::Evaluate(this->after(), replay.after);
  return replay;
}

Replay ChangeWork::EvaluateFor(ChangeKind kind, const engine::Request& before,
                               const engine::Request& after) const {
  Replay replay = Evaluate(before, after);
  if (Shows(kind, replay) || !after.gateway.IsNone()) return replay;
  engine::Request around_before = before;
  engine::Request around_after = after;
  around_before.direct = around_after.direct = true;
  Replay around = Evaluate(std::move(around_before), std::move(around_after));
  return Shows(kind, around) ? around : replay;
}

// Narrow places come first: a line that was edited says more than the block it stands in.
std::vector<Span> ChangeWork::EditedOn(bool after, std::vector<Span> spans) const {
  std::stable_sort(spans.begin(), spans.end(),
                   [](const Span& a, const Span& b) { return a.end - a.begin < b.end - b.begin; });
  constexpr std::uint32_t kNarrow = 600;  // bytes; a statement, not a declaration of many
  std::vector<Span> edited;
  for (const Span& span : spans) {
    if (!span.IsKnown()) continue;
    if (!edited.empty() && span.end - span.begin > kNarrow) break;
    for (const Span& line : options_.edited(after, span)) edited.push_back(line);
  }
  Unique(edited);
  return edited;
}

SideLines ChangeWork::EditedOf(const SideLines& lines) const {
  SideLines edited{EditedOn(false, lines.before), EditedOn(true, lines.after)};
  const auto fill = [&](std::vector<Span>& side, const std::vector<Span>& other, bool other_after) {
    if (!side.empty()) return;
    for (const Span& line : other) {
      for (const Span& opposite : options_.opposite(other_after, line)) side.push_back(opposite);
    }
    Unique(side);
  };
  const std::vector<Span> before = edited.before;
  fill(edited.before, edited.after, true);
  fill(edited.after, before, false);
  return edited;
}

// The lines that decide stand on both sides: what they mean was changed elsewhere, or their order.
SideLines ChangeWork::Elsewhere(const SideLines& said, const SideLines& decided) const {
  constexpr std::size_t kFew = 8;
  SideLines all{options_.all(false), options_.all(true)};
  if (!all.IsEmpty() && all.before.size() <= kFew && all.after.size() <= kFew) return all;
  const auto last = [](const std::vector<Span>& first, const std::vector<Span>& second) {
    for (const auto* spans : {&second, &first}) {
      for (std::size_t i = spans->size(); i-- > 0;) {
        if ((*spans)[i].IsKnown()) return std::vector<Span>{(*spans)[i]};
      }
    }
    return std::vector<Span>{};
  };
  return {last(decided.before, said.before), last(decided.after, said.after)};
}

void ChangeWork::Report(Change change, const Replay& replay, const SideLines& context) {
  if (!Shows(change.kind, replay)) return Unconfirmed();
  if (change.was.empty()) change.was = engine::OutcomeText(before(), replay.was);
  if (change.now.empty()) change.now = engine::OutcomeText(after(), replay.now);
  const SideLines said{change.before, change.after};
  const SideLines decided{replay.was.rules, replay.now.rules};
  SideLines cause = EditedOf(said);
  if (cause.IsEmpty()) cause = EditedOf(decided);
  if (cause.IsEmpty()) cause = EditedOf(context);
  if (cause.IsEmpty()) cause = Elsewhere(said, decided);
  change.before = std::move(cause.before);
  change.after = std::move(cause.after);
  for (Change& known : report_.changes) {
    if (known.kind != change.kind || known.before != change.before || known.after != change.after) {
      continue;
    }
    known.callers.merge(change.callers);
    known.destinations.merge(change.destinations);
    known.future_callers = known.future_callers || change.future_callers;
    known.anonymous_callers = known.anonymous_callers || change.anonymous_callers;
    return;
  }
  // A version that lacks the place the request is sent to has no such request.
  if (!replay.before.cluster.IsNone()) change.sent_before = replay.before;
  if (!replay.after.cluster.IsNone()) change.sent_after = replay.after;
  change.request = change.sent_after ? RequestLines(after(), replay.after)
                                     : RequestLines(before(), replay.before);
  report_.changes.push_back(std::move(change));
}

void ChangeWork::Undecided(const std::string& where, const std::string& reason) {
  report_.undecided.push_back(where + ": " + (reason.empty() ? "the solver gave up" : reason));
}

ChangeReport ChangeWork::Finish() {
  std::stable_sort(
      report_.changes.begin(), report_.changes.end(), [](const Change& a, const Change& b) {
        return std::tie(a.kind, a.after, a.before) < std::tie(b.kind, b.after, b.before);
      });
  std::sort(report_.undecided.begin(), report_.undecided.end());
  report_.undecided.erase(std::unique(report_.undecided.begin(), report_.undecided.end()),
                          report_.undecided.end());
  report_.questions = solver_.questions();
  report_.versions = versions_;
  return std::move(report_);
}

void AddPlaces(const engine::Condition& condition, std::vector<Span>& places) {
  places.push_back(condition.span);
  for (const engine::Condition& child : condition.children) AddPlaces(child, places);
}

std::string DurationText(engine::Millis time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + "s" : std::to_string(count) + "ms";
}

std::string CallerName(const Model& model, const Candidate& candidate) {
  if (!candidate.identity) return "";
  std::string name = candidate.identity->ns + "/" + candidate.identity->account;
  if (!candidate.cluster.IsNone()) name += "@" + model[candidate.cluster].name;
  return name;
}

ChangeReport Compare(const Model& before, const Model& after, const ChangeOptions& options) {
  ChangeWork work(Align(before, after), options);
  CompareServers(work);
  CompareRoutes(work);
  CompareSettings(work);
  return work.Finish();
}

}  // namespace weft::verifier
