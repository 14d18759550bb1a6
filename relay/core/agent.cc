#include "relay/core/agent.h"

#include <algorithm>
#include <utility>

namespace weft::relay::agent {
namespace {

constexpr std::uint64_t kFirstBackoff = 100;  // ms
constexpr std::uint64_t kLastBackoff = 30'000;

}  // namespace

std::vector<Action> Agent::On(const Event& event, Time now) {
  now_ = now;
  actions_.clear();
  std::visit([this](const auto& e) { Handle(e); }, event);
  return std::move(actions_);
}

Status Agent::GetStatus() const {
  return {.started = started_,
          .connected = welcomed_,
          .applied = record_.applied,
          .objects = record_.release->objects.size(),
          .effective = effective_,
          .drift_repairs = drift_repairs_,
          .last_error = last_error_};
}

void Agent::Handle(const Started& event) {
  started_ = true;
  check_at_ = now_ + config_.check_target;
  in_target_ = event.found;
  if (event.last_good) {
    record_ = *event.last_good;
    budget_.Restore(record_.spent, now_);
    in_force_ = effective_ = event.found && event.found->root == record_.release->root;
    if (!in_force_) PutBack();
  } else if (event.found) {
    // Objects of an earlier life: they are the parent of what comes, so that nothing of them goes
    // unnamed.
    record_.release = event.found;
    in_force_ = effective_ = true;
  }
  connecting_ = true;
  actions_.emplace_back(Connect{});
}

void Agent::Handle(const SessionOpened& event) {
  connecting_ = false;
  welcomed_ = false;
  session_ = event.session;
  Greet();
}

void Agent::Greet() {
  greeted_at_ = now_;
  Say(Hello{.store_id = record_.store_id,
            .applied = record_.applied,
            .highest = record_.highest,
            .reign = record_.reign,
            .root = record_.release->root,
            .in_force = in_force_});
}

void Agent::Handle(const SessionClosed& event) {
  if (session_ != 0 && event.session != session_) return;
  LoseSession();
}

void Agent::LoseSession() {
  session_ = 0;
  connecting_ = false;
  welcomed_ = false;
  server_input_ = nullptr;
  uploading_ = nullptr;
  send_full_ = false;
  waiting_.reset();
  // Full jitter: a herd that lost one server does not come back as one.
  const std::uint64_t cap =
      std::min(kLastBackoff, kFirstBackoff << std::min(failures_ / config_.servers, 10));
  failures_ = std::min(failures_ + 1, 20 * config_.servers);
  retry_at_ = now_ + Time(static_cast<std::int64_t>(1 + Random(cap)));
}

void Agent::Handle(const Received& event) {
  if (event.session != session_ || session_ == 0) return;
  std::visit([this](const auto& message) { Handle(message); }, event.message);
}

void Agent::Handle(const Tick&) {
  if (!started_) return;
  if (session_ == 0 && !connecting_ && now_ >= retry_at_) {
    connecting_ = true;
    actions_.emplace_back(Connect{});
  }
  if (work_ && now_ >= work_->wait_until &&
      (work_->stage == Stage::kSettling ||
       (work_->stage == Stage::kApplying && work_->wait_until > Time(0)))) {
    ApplyNext();
  }
  if (!work_ && now_ >= check_at_ && (in_force_ || record_.applied.generation > 0)) {
    work_ = Work{.target = record_.release};
    LookAtTarget();
  }
  if (uploading_ && now_ - uploaded_at_ >= config_.reply_timeout) {
    uploading_ = nullptr;
    send_full_ = true;
    Upload();
  }
  if (session_ != 0 && !welcomed_ && now_ - greeted_at_ >= config_.reply_timeout) Greet();
  if (session_ != 0 && now_ - said_at_ >= config_.heartbeat) Say(Heartbeat{degraded_, complaint_});
}

void Agent::Handle(const HealthChecked& event) {
  if (event.complaint == complaint_) return;
  complaint_ = event.complaint;
  if (welcomed_) Say(Heartbeat{degraded_, complaint_});
}

void Agent::Say(AgentMessage message) {
  if (session_ == 0) return;
  said_at_ = now_;
  actions_.emplace_back(Send{session_, std::move(message)});
}

std::uint64_t Agent::Random(std::uint64_t below) {
  random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
  return (random_ >> 33) % below;
}

}  // namespace weft::relay::agent
