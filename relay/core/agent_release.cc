// The agent: from an offer to objects in force.
#include <algorithm>
#include <set>
#include <utility>

#include "relay/core/agent.h"
#include "relay/core/limits.h"
#include "relay/core/order.h"

namespace weft::relay::agent {
namespace {

constexpr Time kRetry = std::chrono::seconds(1);
// After so many repairs in a row somebody else keeps writing: repair rarely.
constexpr int kFight = 5;
constexpr Time kFightPause = std::chrono::minutes(5);

}  // namespace

void Agent::Handle(const Offer& offer) {
  if (work_ && work_->offer && work_->offer->version == offer.version) return;
  if (work_ && !(work_->offer && work_->stage == Stage::kFetching)) {
    waiting_ = offer;
    return;
  }
  work_.reset();
  TakeOffer(offer);
}

void Agent::TakeOffer(const Offer& offer) {
  if (offer.version == record_.applied && offer.delta.root == record_.release->root &&
      offer.store_id == record_.store_id) {
    if (in_force_) Acknowledge(effective_ ? Phase::kEffective : Phase::kApplied);
    return;
  }
  const std::string refusal = Refusal(offer);
  if (!refusal.empty()) return Reject(offer, refusal, false, {});
  if (!RemovalsAllowed(offer)) return Reject(offer, "removals beyond the budget", true, {});
  work_ = Work{.stage = Stage::kFetching, .offer = offer};
  std::vector<Digest> missing;
  for (const ObjectPtr& object : offer.delta.changed) {
    if (object->content.empty()) missing.push_back(object->digest);
  }
  if (missing.empty()) return Verify();
  actions_.emplace_back(Fetch{std::move(missing)});
}

std::string Agent::Refusal(const Offer& offer) const {
  if (!record_.store_id.empty() && offer.store_id != record_.store_id &&
      offer.adopt != record_.store_id) {
    return "it is of another store";
  }
  if (offer.version <= record_.highest) return "it is older than what was applied here";
  const Result<SnapshotPtr> result = ApplyDelta(*record_.release, offer.delta);
  return result.ok() ? "" : result.error();
}

bool Agent::RemovalsAllowed(const Offer& offer) const {
  if (budget_.Exceeded(*record_.release, offer.delta, now_).empty()) return true;
  return offer.permit &&
         offer.permit->removals == RemovalsDigest(config_.cluster, offer.delta.removed);
}

void Agent::Handle(const Fetched& event) {
  if (!work_ || work_->stage != Stage::kFetching || !work_->offer) return;
  std::map<Digest, ObjectPtr> got;
  for (const ObjectPtr& object : event.objects) got[object->digest] = object;
  for (ObjectPtr& object : work_->offer->delta.changed) {
    if (!object->content.empty()) continue;
    const auto found = got.find(object->digest);
    if (found == got.end() || found->second->key != object->key) {
      const Offer offer = std::move(*work_->offer);
      work_.reset();
      return Reject(offer, "its objects cannot be fetched", false, {});
    }
    object = found->second;
  }
  Verify();
}

void Agent::Verify() {
  const Offer& offer = *work_->offer;
  std::vector<ObjectError> errors;
  for (const ObjectPtr& object : offer.delta.changed) {
    std::string wrong = config_.validate ? config_.validate(*object) : "";
    if (!wrong.empty()) errors.push_back({object->key, object->digest, std::move(wrong)});
  }
  if (!errors.empty()) {
    const Offer rejected = std::move(*work_->offer);
    work_.reset();
    return Reject(rejected, "", false, std::move(errors));
  }
  if (!config_.try_first || offer.delta.changed.empty()) return Keep();
  work_->stage = Stage::kTrying;
  actions_.emplace_back(TryTarget{offer.delta.changed});
}

void Agent::Handle(const Tried& event) {
  if (!work_ || work_->stage != Stage::kTrying) return;
  if (event.failed.empty() && event.errors.empty()) return Keep();
  last_error_ = event.failed;
  const std::string why = event.failed.empty() ? "" : "the target cannot be asked: " + event.failed;
  Reject(*work_->offer, why, false, event.errors);
  FinishWork();
}

void Agent::Keep() {
  const Offer& offer = *work_->offer;
  const Result<SnapshotPtr> target = ApplyDelta(*record_.release, offer.delta);
  Check(target.ok(), "an offer that was checked does not apply");
  work_->target = target.value();
  work_->stage = Stage::kPersisting;
  work_->leaving = record_.leaving;
  work_->leaving.insert(offer.delta.removed.begin(), offer.delta.removed.end());
  std::erase_if(work_->leaving,
                [&](const ObjectKey& key) { return target.value()->objects.contains(key); });
  PruneBudget budget = budget_;
  if (!offer.permit) budget.Spend(offer.delta, now_);
  actions_.emplace_back(Persist{AgentRecord{.store_id = offer.store_id,
                                            .applied = offer.version,
                                            .highest = offer.version,
                                            .reign = offer.reign,
                                            .release = target.value(),
                                            .leaving = work_->leaving,
                                            .spent = budget.Spent(now_)}});
}

void Agent::Handle(const Persisted& event) {
  if (!work_ || work_->stage != Stage::kPersisting) return;
  if (!event.ok) {
    last_error_ = event.error;
    Reject(*work_->offer, "it cannot be kept on disk: " + event.error, false, {});
    return FinishWork();
  }
  const Offer& offer = *work_->offer;
  if (!offer.permit) budget_.Spend(offer.delta, now_);
  record_ = AgentRecord{.store_id = offer.store_id,
                        .applied = offer.version,
                        .highest = offer.version,
                        .reign = offer.reign,
                        .release = work_->target,
                        .leaving = work_->leaving,
                        .spent = budget_.Spent(now_)};
  in_force_ = effective_ = false;
  BeginApplying(work_->target);
}

void Agent::PutBack() {
  in_force_ = effective_ = false;
  work_ = Work{.target = record_.release};
  BeginApplying(record_.release);
}

void Agent::BeginApplying(const SnapshotPtr& target) {
  if (config_.stepwise && in_target_) work_->steps = ApplicationSteps(*in_target_, *target);
  // What changes nothing is written all the same: the target may hold more than its objects show.
  if (work_->steps.empty()) work_->steps = {target};
  std::reverse(work_->steps.begin(), work_->steps.end());
  ApplyNext();
}

void Agent::ApplyNext() {
  work_->stage = Stage::kApplying;
  work_->wait_until = Time(0);
  actions_.emplace_back(WriteTarget{work_->steps.back(), record_.applied, record_.leaving});
}

void Agent::LookAtTarget() {
  work_->stage = Stage::kReading;
  actions_.emplace_back(ReadTarget{record_.release, record_.leaving});
}

void Agent::Handle(const TargetWritten& event) {
  if (!work_ || work_->stage != Stage::kApplying) return;
  if (!event.ok) {
    last_error_ = event.error;
    if (work_->offer) {
      Reject(*work_->offer, "the target cannot be written: " + event.error, false, {});
    }
    work_->wait_until = now_ + kRetry;
    return;
  }
  for (const Drifted& one : event.drift) {
    if (drift_.size() < kMaxDrifted) drift_[one.key] = one.detail;
  }
  in_target_ = work_->steps.back();
  work_->steps.pop_back();
  if (!work_->steps.empty()) {
    work_->stage = Stage::kSettling;
    work_->wait_until = now_ + config_.settle;
    return;
  }
  in_force_ = true;
  last_error_.clear();
  Acknowledge(Phase::kApplied);
  LookAtTarget();
}

void Agent::Handle(const TargetRead& event) {
  if (!work_ || work_->stage != Stage::kReading) return;
  check_at_ = now_ + config_.check_target;
  if (event.found && event.found->root == record_.release->root) {
    repairs_in_a_row_ = 0;
    in_force_ = true;
    record_.leaving.clear();
    last_error_.clear();
    const bool news = !effective_;
    effective_ = true;
    if (news) Acknowledge(Phase::kEffective);
    ReportDrift(false);
    return FinishWork();
  }
  if (!event.failed.empty()) return Unreadable(event.failed);
  ++drift_repairs_;
  NoteDrift(event.found);
  if (++repairs_in_a_row_ >= kFight) {
    last_error_ = "somebody else keeps changing the target";
    in_force_ = effective_ = false;
    Say(Ack{.version = record_.applied,
            .phase = Phase::kRejected,
            .root = record_.release->root,
            .reason = last_error_});
    ReportDrift(true);
    repairs_in_a_row_ = 0;
    check_at_ = now_ + kFightPause;
    return FinishWork();
  }
  in_target_ = event.found;
  PutBack();
}

// The target names who did it, where it can (TargetWritten::drift); this is what can be seen.
void Agent::NoteDrift(const SnapshotPtr& found) {
  const Snapshot& there = found ? *found : *EmptySnapshot();
  const auto note = [&](const ObjectKey& key, const char* what) {
    if (drift_.size() < kMaxDrifted) drift_.emplace(key, what);
  };
  const Delta delta = Diff(there, *record_.release);
  for (const ObjectPtr& object : delta.changed) {
    note(object->key, there.objects.contains(object->key) ? "changed by others" : "gone");
  }
  for (const ObjectKey& key : delta.removed) note(key, "not of the release");
}

void Agent::ReportDrift(bool held) {
  if (drift_.empty() || !welcomed_) return;
  Drift drift{.objects = {}, .held = held};
  for (const auto& [key, detail] : drift_) drift.objects.push_back({key, detail});
  drift_.clear();
  Say(std::move(drift));
}

// What is there stays as it is until it can be seen again.
void Agent::Unreadable(const std::string& why) {
  last_error_ = "the target cannot be read: " + why;
  if (std::exchange(effective_, false)) {
    Say(Ack{.version = record_.applied,
            .phase = Phase::kRejected,
            .root = record_.release->root,
            .reason = last_error_});
  }
  FinishWork();
}

void Agent::FinishWork() {
  work_.reset();
  if (!waiting_) return;
  const Offer offer = std::move(*waiting_);
  waiting_.reset();
  TakeOffer(offer);
}

void Agent::Reject(const Offer& offer, std::string reason, bool over_budget,
                   std::vector<ObjectError> errors) {
  Say(Ack{.version = offer.version,
          .phase = Phase::kRejected,
          .root = record_.release->root,
          .reason = std::move(reason),
          .over_budget = over_budget,
          .errors = std::move(errors)});
}

void Agent::Acknowledge(Phase phase) {
  Say(Ack{.version = record_.applied, .phase = phase, .root = record_.release->root});
}

void Agent::Handle(const Inquire& message) {
  if (!message.wanted.empty()) {
    const std::set<Digest> wanted(message.wanted.begin(), message.wanted.end());
    Contents contents;
    std::size_t bytes = 0;
    for (const auto& [key, object] : record_.release->objects) {
      if (!wanted.contains(object->digest) || bytes > kPartBytes) continue;
      bytes += object->content.size();
      contents.objects.push_back(object);
    }
    return Say(std::move(contents));
  }
  Holdings holdings{.root = record_.release->root};
  for (const auto& [key, object] : record_.release->objects) {
    holdings.entries.push_back({key, object->digest});
  }
  Say(std::move(holdings));
}

}  // namespace weft::relay::agent
