// The agent's side of the protocol, without I/O: events in, actions out. It decides what is applied
// in its cluster, and its rules hold whatever a server says:
//  - versions only grow; a release of another store needs a person's word (Offer::adopt);
//  - an offer is for what is applied here, names every removal, and leads to the root it promises;
//  - removals stay within the budget or carry a permit for exactly these objects;
//  - an object that is not valid is refused, and nothing of its offer is applied;
//  - a release is on disk before it is applied, and what is applied stays without the server.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "relay/core/budget.h"
#include "relay/core/messages.h"

namespace weft::relay {

// Last known good: what is on disk.
struct AgentRecord {
  std::string store_id;
  Version applied;
  Version highest;
  std::uint64_t reign = 0;                     // Offer::reign
  SnapshotPtr release;                         // never null
  std::set<ObjectKey> leaving;                 // named for removal, and not seen gone yet
  std::map<std::string, std::uint64_t> spent;  // PruneBudget::Spent
};

namespace agent {

// ---- events

struct Started {
  std::optional<AgentRecord> last_good;
  SnapshotPtr found;  // objects of ours in the target; null when there is none or it cannot be read
};
struct SessionOpened {
  std::uint64_t session = 0;
};
struct SessionClosed {
  std::uint64_t session = 0;
};
struct Received {
  std::uint64_t session = 0;
  ServerMessage message;
};
struct Fetched {
  std::vector<ObjectPtr> objects;  // empty: failed
};
// Answer to TryTarget.
struct Tried {
  std::vector<ObjectError> errors;  // what the target would refuse
  std::string failed;               // why it could not be asked; "" = it could
};
struct Persisted {
  bool ok = false;
  std::string error;
};
struct TargetWritten {
  bool ok = false;
  std::string error;
  std::vector<Drifted> drift = {};  // what others had changed and the write put right
};
struct TargetRead {
  SnapshotPtr found;   // null: there is nothing of ours that makes sense
  std::string failed;  // why it could not be read, which says nothing of what is there; "" = it was
};
struct Discovered {
  SnapshotPtr inventory;  // null: the source is degraded
  std::string reason;
};
// How the cluster's traffic does, by whoever watches it.
struct HealthChecked {
  std::string complaint;  // "" = well
};
struct Tick {};
using Event = std::variant<Started, SessionOpened, SessionClosed, Received, Fetched, Tried,
                           Persisted, TargetWritten, TargetRead, Discovered, HealthChecked, Tick>;

// ---- actions

struct Connect {};  // open a session; answered by SessionOpened, or SessionClosed with session 0
struct Send {
  std::uint64_t session = 0;
  AgentMessage message;
};
struct Fetch {
  std::vector<Digest> digests;
};
struct Persist {
  AgentRecord record;
};
// Would the target take these? Answered by Tried.
struct TryTarget {
  std::vector<ObjectPtr> objects;
};
// Make the target hold exactly this. A target that holds other things as well lets go only what
// `leaving` names.
struct WriteTarget {
  SnapshotPtr objects;
  Version version;
  std::set<ObjectKey> leaving;
};
struct ReadTarget {
  SnapshotPtr wanted;  // what is hoped to be found
  std::set<ObjectKey> leaving;
};
using Action = std::variant<Connect, Send, Fetch, TryTarget, Persist, WriteTarget, ReadTarget>;

struct Config {
  std::string cluster;
  std::uint64_t seed = 0;  // of the jitter
  int servers = 1;  // addresses it connects to in turn; each has its turn before it waits longer
  bool stepwise = false;   // put a release in place step by step (order.h), not at once
  Time settle{0};          // between two steps
  bool try_first = false;  // ask the target whether it would take an offer before anything is kept
  Time reply_timeout = std::chrono::seconds(20);  // of an upload, before it is sent again
  Time heartbeat = std::chrono::seconds(15);
  Time check_target = std::chrono::seconds(10);  // between looks for drift
  // What is wrong with an object, "" when nothing is. Pure.
  std::function<std::string(const Object&)> validate;
};

struct Status {
  bool started = false;
  bool connected = false;
  Version applied;
  std::size_t objects = 0;
  bool effective = false;
  std::uint64_t drift_repairs = 0;
  std::string last_error;
};

// Not thread-safe.
class Agent {
 public:
  explicit Agent(Config config) : config_(std::move(config)), random_(config_.seed * 2 + 1) {}

  // Takes one event and returns what is to be done, in order. `now` never goes back.
  [[nodiscard]] std::vector<Action> On(const Event& event, Time now);

  [[nodiscard]] Status GetStatus() const;

 private:
  enum class Stage { kFetching, kTrying, kPersisting, kApplying, kSettling, kReading };
  // Objects on their way into the target; one such work at a time.
  struct Work {
    Stage stage = Stage::kFetching;
    std::optional<Offer> offer;      // none: putting back what is applied (start, drift)
    SnapshotPtr target;              // what it leads to; null while objects are missing
    std::vector<SnapshotPtr> steps;  // still to be applied, last first
    std::set<ObjectKey> leaving;     // AgentRecord::leaving once it is kept
    Time wait_until{0};              // kSettling: next step; kApplying: try again; else unused
  };

  void Handle(const Started& event);
  void Handle(const SessionOpened& event);
  void Handle(const SessionClosed& event);
  void Handle(const Received& event);
  void Handle(const Fetched& event);
  void Handle(const Tried& event);
  void Handle(const Persisted& event);
  void Handle(const TargetWritten& event);
  void Handle(const TargetRead& event);
  void Handle(const Discovered& event);
  void Handle(const HealthChecked& event);
  void Handle(const Tick& event);

  void Handle(const Welcome& message);
  void Handle(const Offer& message);
  void Handle(const Inquire& message);
  void Handle(const InputAck& message);
  void Handle(const InputNack& message);

  void TakeOffer(const Offer& offer);
  // Why the offer cannot be taken; "" when it can.
  [[nodiscard]] std::string Refusal(const Offer& offer) const;
  [[nodiscard]] bool RemovalsAllowed(const Offer& offer) const;
  void Verify();   // every object is here: check them, then ask the target
  void Keep();     // keep the release on disk
  void PutBack();  // make the target hold what is applied
  void BeginApplying(const SnapshotPtr& target);
  void ApplyNext();
  void LookAtTarget();
  void Unreadable(const std::string& why);
  void NoteDrift(const SnapshotPtr& found);
  void ReportDrift(bool held);
  void FinishWork();
  void Reject(const Offer& offer, std::string reason, bool over_budget,
              std::vector<ObjectError> errors);
  void Acknowledge(Phase phase);
  void Greet();
  void LoseSession();
  void Upload();
  void SendDelta(Delta delta, bool full);
  void Say(AgentMessage message);
  [[nodiscard]] std::uint64_t Random(std::uint64_t below);

  Config config_;
  std::uint64_t random_;
  Time now_{0};
  std::vector<Action> actions_;

  bool started_ = false;
  AgentRecord record_{.release = EmptySnapshot()};
  SnapshotPtr in_target_;  // as last written or found; null = unknown, then nothing goes stepwise
  PruneBudget budget_;
  std::optional<Work> work_;
  std::optional<Offer> waiting_;  // came while there was work
  bool in_force_ = false;         // the target holds record_.release
  bool effective_ = false;        // and was read back
  Time check_at_{0};
  int repairs_in_a_row_ = 0;
  std::uint64_t drift_repairs_ = 0;
  std::map<ObjectKey, std::string> drift_;  // not reported yet: what was done to each
  std::string last_error_;

  std::uint64_t session_ = 0;  // 0: none
  bool connecting_ = false;
  bool welcomed_ = false;
  int failures_ = 0;
  Time retry_at_{0};
  Time greeted_at_{0};
  Time said_at_{0};

  SnapshotPtr inventory_;     // newest; null before the first
  std::string degraded_;      // why the source cannot be read; "" = it can
  std::string complaint_;     // HealthChecked
  Digest welcome_input_;      // what the server had when the session began
  SnapshotPtr server_input_;  // what it took in this session; null = nothing yet
  SnapshotPtr uploading_;     // null: no upload in flight
  std::uint64_t upload_ = 0;  // its sequence
  bool send_full_ = false;    // the server cannot use a change
  Time uploaded_at_{0};
  Digest refused_input_;  // an inventory the server will never take
};

}  // namespace agent
}  // namespace weft::relay
