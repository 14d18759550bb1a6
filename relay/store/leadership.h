// Which of several servers over one etcd leads: the one that made the key `leader`, which lives by
// its lease. The key's create revision grows from leader to leader.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "relay/store/etcd_client.h"
#include "relay/store/etcd_store.h"

namespace weft::relay {

// What the key says of the server that leads.
struct LeaderName {
  std::string server;  // host and port of its sessions; for people
  std::string root;    // FingerprintOf its authority's root
};
[[nodiscard]] std::string ToText(const LeaderName& name);
[[nodiscard]] LeaderName ParseLeaderName(const std::string& text);  // empty when it is none

// Candidate from the start, then leader, then neither. A thread of its own asks for the key 5 times
// a second until it is its own, then renews the lease once a second.
class Leadership {
 public:
  // So long after a leader that died is another one elected, and a little.
  static constexpr std::chrono::seconds kLease{3};
  // Without an answer of etcd for so long it ends being leader.
  static constexpr std::chrono::seconds kSilence{10};

  // `lost` is called from its thread when it led and no longer does, unless it resigned.
  Leadership(std::shared_ptr<EtcdClient> client, const std::string& prefix, LeaderName own,
             std::function<void()> lost);
  ~Leadership();  // as Resign
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;

  [[nodiscard]] bool leads() const { return state_ == State::kLeads; }
  [[nodiscard]] bool lost() const { return state_ == State::kLost; }
  // To be asked once it leads.
  [[nodiscard]] EtcdFence fence() const { return {key_, revision_}; }
  // Who leads, as last seen; empty: nobody.
  [[nodiscard]] LeaderName leader() const;
  // Lets another one lead at once. Waits for its thread.
  void Resign();

 private:
  enum class State { kCandidate, kLeads, kLost };

  void Run();
  // Whether it leads now.
  bool Try();
  // Until the lease is gone, nobody answers, or Resign.
  void Hold();
  void Pause(std::chrono::milliseconds time);

  const std::shared_ptr<EtcdClient> client_;
  const std::string key_;
  const LeaderName own_;
  const std::function<void()> lost_;
  std::atomic<State> state_ = State::kCandidate;
  std::atomic<bool> stopping_ = false;
  std::int64_t lease_ = 0;  // 0: none
  std::int64_t revision_ = 0;
  mutable std::mutex mutex_;
  LeaderName leader_;
  std::thread thread_;
};

}  // namespace weft::relay
