#include "relay/store/leadership.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "relay/store/etcd_requests.h"

namespace weft::relay {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kAskEvery{200};
constexpr std::chrono::milliseconds kRenewEvery{1000};

}  // namespace

std::string ToText(const LeaderName& name) {
  return nlohmann::json{{"server", name.server}, {"root", name.root}}.dump();
}

LeaderName ParseLeaderName(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  LeaderName name;
  if (!json.is_object()) return name;
  for (const auto& [key, field] :
       {std::pair{"server", &name.server}, std::pair{"root", &name.root}}) {
    if (json.contains(key) && json[key].is_string()) *field = json[key].get<std::string>();
  }
  return name;
}

Leadership::Leadership(std::shared_ptr<EtcdClient> client, const std::string& prefix,
                       LeaderName own, std::function<void()> lost)
    : client_(std::move(client)),
      key_(EtcdKeys(prefix).Leader()),
      own_(std::move(own)),
      lost_(std::move(lost)),
      thread_([this] { Run(); }) {}

Leadership::~Leadership() { Resign(); }

LeaderName Leadership::leader() const {
  const std::lock_guard<std::mutex> guard(mutex_);
  return leader_;
}

void Leadership::Resign() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  // The key goes with its lease.
  if (const std::int64_t lease = std::exchange(lease_, 0); lease != 0) client_->Revoke(lease);
}

void Leadership::Run() {
  while (!stopping_ && !Try()) Pause(kAskEvery);
  if (!leads()) return;
  Hold();
  if (stopping_) return;
  state_ = State::kLost;
  lost_();
}

bool Leadership::Try() {
  etcdserverpb::RangeRequest question;
  question.set_key(key_);
  etcdserverpb::RangeResponse found;
  if (!client_->Range(question, found).ok()) return false;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    leader_ = found.kvs_size() == 0 ? LeaderName() : ParseLeaderName(found.kvs(0).value());
  }
  if (found.kvs_size() > 0) return false;
  const Result<std::int64_t> lease = client_->Grant(kLease);
  if (!lease.ok()) return false;
  lease_ = lease.value();
  etcdserverpb::TxnRequest request;
  CompareCreated(request, key_, 0);
  AddPut(request, key_, ToText(own_), lease_);
  AddRead(request, key_, true);
  AddRead(request, key_, false);
  etcdserverpb::TxnResponse response;
  if (client_->Txn(request, response).ok()) {
    // When an answer was lost, the key with this lease tells that it was made.
    const etcdserverpb::RangeResponse& made =
        response.responses(response.succeeded() ? 1 : 0).response_range();
    if (made.kvs_size() == 1 && made.kvs(0).lease() == lease_) {
      revision_ = made.kvs(0).create_revision();
      state_ = State::kLeads;
      return true;
    }
  }
  client_->Revoke(std::exchange(lease_, 0));
  return false;
}

void Leadership::Hold() {
  Clock::time_point heard = Clock::now();
  while (!stopping_) {
    const Result<bool> alive = client_->KeepAlive(lease_, kRenewEvery);
    if (alive.ok() && !alive.value()) return;
    if (alive.ok()) heard = Clock::now();
    if (Clock::now() - heard > kSilence) return;
    Pause(kRenewEvery);
  }
}

void Leadership::Pause(std::chrono::milliseconds time) {
  const Clock::time_point end = Clock::now() + time;
  while (!stopping_ && Clock::now() < end) {
    std::this_thread::sleep_for(
        std::min<Clock::duration>(std::chrono::milliseconds(50), end - Clock::now()));
  }
}

}  // namespace weft::relay
