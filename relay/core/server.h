// The server's side of the protocol, without I/O: events in, actions out. It turns proved
// candidates into releases and releases into offers. What holds at every step:
//  - the cluster of a session comes from its certificate; nothing in a message names one;
//  - a release is committed by a transaction that fails unless this server still leads and the head
//    is the one it builds on; it is offered only after that;
//  - nothing is released before every declared cluster has reported once, nothing that is not
//  proved;
//  - a cluster's discovery stays as it was while the cluster is away or its source cannot be read;
//  - removals beyond the budget are held for a person, and approved for exactly these objects;
//  - an object an agent refused is not offered again with the same digest;
//  - with rings, a policy reaches a cluster once every cluster of the rings before has held it for
//    the soak; where an agent refuses it or complains, the ring goes back to what it held before;
//  - one offer in flight for each agent, newer releases coalesce.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "relay/core/budget.h"
#include "relay/core/messages.h"

namespace weft::relay {

enum class Verdict { kProved, kViolated, kUndecided, kInvalid };
[[nodiscard]] std::string_view VerdictName(Verdict verdict);

// Something that waits for a person (`weft approve ID`).
struct Hold {
  enum class Kind {
    kRemovals,  // a release that removes more than the budget
    kAgent,     // the same, found by the agent
    kAhead      // the agent was given releases this store does not know: a restored or new store
  };
  std::string id;  // names kind, cluster and the exact list: another list is another id
  Kind kind = Kind::kRemovals;
  std::string reason;
  std::vector<ObjectKey> removed;
};

// An object that an agent cannot take. Until another one is wanted, the cluster keeps what it had.
struct Refusal {
  std::string detail;
  // What it had; null = nothing. Without content when this store never saw it: then the agent is
  // asked, and nothing is released that would need it before.
  ObjectPtr instead;
  std::optional<ObjectKey> needs;  // ObjectError::needs
  Time again_at{0};                // when `needs` was there by what was discovered, and it was not
};
// By key, then by digest: an agent may refuse one object in several forms, the former one too.
using Refusals = std::map<ObjectKey, std::map<Digest, Refusal>>;

// What the store keeps of one cluster.
struct ClusterRecord {
  Version version;                        // of `desired`; {0,0} = nothing released yet
  SnapshotPtr desired = EmptySnapshot();  // never null
  SnapshotPtr input = EmptySnapshot();    // never null
  bool reported = false;                  // discovery was complete once
  std::vector<Permit> permits;            // given for the way to `desired`
  Refusals refused;
  std::string pinned_policy;  // rolled back from it: not released again; "" = none
  std::string pinned_why;     // the complaint about it; "" = a person rolled back
  std::string admitted;       // newest policy its ring was opened for; "" = none, or no rings
  SnapshotPtr good;           // with rings: held for the soak without complaint; null = none yet
  std::string good_policy;    // that it is of
  bool rebase = false;        // a person let its agent, which is ahead, be moved here
  std::string adopt;          // store that agent may leave for this one; "" = none
  std::map<std::string, std::uint64_t> spent;
};

// A term as the store knows it.
struct Reign {
  std::uint64_t number = 0;           // random; see Offer::reign
  std::uint64_t last_generation = 0;  // released in it
};

// What a server starts from.
struct ServerImage {
  std::string store_id;
  std::uint64_t term = 0;                 // its own, just won
  std::map<std::uint64_t, Reign> reigns;  // by term, its own included
  Version head;                           // newest release of any cluster
  std::string head_policy;
  std::map<std::string, ClusterRecord> clusters;
};

namespace server {

// What the pipeline made of policy and discovery (relay/compile).
struct Candidate {
  std::uint64_t serial = 0;  // of the Compile it answers
  std::string policy;        // digest
  Verdict verdict = Verdict::kInvalid;
  std::string findings;               // JSON array; opaque here
  std::vector<std::string> declared;  // clusters the policy names
  std::map<std::string, SnapshotPtr> outputs;
};

// ---- events

struct SessionOpened {
  std::uint64_t session = 0;  // never used twice
  std::string cluster;        // from the certificate
};
struct SessionClosed {
  std::uint64_t session = 0;
};
struct Received {
  std::uint64_t session = 0;
  AgentMessage message;
};
// The policy source was read, or cannot be.
struct PolicyRead {
  std::string digest;    // "" = degraded
  std::string degraded;  // why
};
struct Compiled {
  Candidate candidate;
};
// Answer to Commit.
struct Committed {
  enum class Outcome { kDone, kFenced, kFailed };
  Outcome outcome = Outcome::kDone;
  std::string error;
};
// Answer to CheckLeadership.
struct Leadership {
  bool still = false;
};
struct Approve {
  std::string hold;
  std::string actor;
};
// Back to the given sets, as a new generation.
struct Rollback {
  std::map<std::string, SnapshotPtr> to;
  std::uint64_t generation = 0;  // they are from; for the audit
  std::string actor;
};
// The newest proved policy goes to every ring at once.
struct Express {
  std::string actor;
};
// The session of this cluster, if it has one, is to end.
struct Dismiss {
  std::string cluster;
  std::string reason;
};
struct Tick {};
using Event = std::variant<SessionOpened, SessionClosed, Received, PolicyRead, Compiled, Committed,
                           Leadership, Approve, Rollback, Express, Dismiss, Tick>;

// ---- actions

struct Send {
  std::uint64_t session = 0;
  ServerMessage message;
};
struct Close {
  std::uint64_t session = 0;
  std::string reason;
};
// Run the pipeline; one at a time.
struct Compile {
  std::uint64_t serial = 0;
  std::map<std::string, SnapshotPtr> inputs;  // of the clusters that reported
};
// One transaction: succeeds only if the store's term is `term` and its head is `parent`. Answered
// by Committed.
struct Commit {
  std::uint64_t term = 0;
  std::uint64_t new_term = 0;  // = term, or larger to pass an agent that is ahead
  Reign reign;                 // of the new term, after this
  Version parent;
  Version head;  // = parent when only records change
  std::string policy;
  std::string actor;
  std::string what;                              // for the audit log
  std::map<std::string, ClusterRecord> records;  // of the clusters that change
};
struct CheckLeadership {};
// This server no longer leads: it must stop.
struct StepDown {};
struct Audit {
  std::string actor;
  std::string what;
};
using Action = std::variant<Send, Close, Compile, Commit, CheckLeadership, StepDown, Audit>;

struct Config {
  Time quiet = std::chrono::milliseconds(100);    // after so long without a change, start at once
  Time debounce = std::chrono::milliseconds(50);  // else wait so long for more of them
  Time offer_timeout = std::chrono::seconds(20);  // unanswered: offered again
  Time retry = std::chrono::seconds(5);  // after a rejection that may pass, a failed commit
  Time retry_refused = std::chrono::seconds(30);    // what needs an object that seems to be there
  Time session_timeout = std::chrono::seconds(60);  // nothing heard: closed
  Time check_leadership = std::chrono::seconds(10);
  // By cluster; 0 comes first, the clusters that are not named come last. Empty: no rings.
  std::map<std::string, unsigned> rings;
  Time soak = std::chrono::seconds(30);  // a ring holds a policy so long before the next gets it
  // What is wrong with a discovered object, "" when nothing is. Pure.
  std::function<std::string(const Object&)> check_input;
};

inline constexpr Time kDriftTold = std::chrono::hours(1);
// One object that others changed within that time.
struct DriftStatus {
  Drifted object;
  bool held = false;  // they keep changing it: it is not put right for now
  std::uint64_t times = 0;
  Time ago{0};  // the last time
};

struct ClusterStatus {
  std::string name;
  unsigned ring = 0;
  bool connected = false;
  bool declared = false;
  Version desired;
  Version applied;
  bool in_sync = false;
  bool effective = false;
  std::size_t objects = 0;     // desired
  std::size_t discovered = 0;  // objects
  std::string discovery;       // complete, degraded, frozen; missing before the first report
  std::string discovery_reason;
  std::vector<Hold> holds;
  std::vector<ObjectError> errors;
  std::vector<DriftStatus> drift;
  std::string rejection;  // of the newest offer as a whole
  std::string complaint;  // Heartbeat::complaint
};
struct RingStatus {
  enum class State { kWaiting, kReleasing, kSoaking, kThrough, kRolledBack };
  unsigned number = 0;
  State state = State::kWaiting;  // with regard to the newest proved policy
  Time left{0};                   // of the soak
  std::string why;                // it was rolled back, or does not get on; "" = nothing is wrong
};
[[nodiscard]] std::string_view StateName(RingStatus::State state);
struct Status {
  std::uint64_t term = 0;
  std::uint64_t generation = 0;
  bool leader = true;
  std::string policy;  // digest of the newest candidate
  Verdict verdict = Verdict::kUndecided;
  bool live = false;                     // the newest candidate is what is enforced
  std::string findings = "[]";           // JSON array
  std::string degraded;                  // why the policy source cannot be read; "" = it can
  std::vector<std::string> waiting_for;  // declared clusters that never reported
  std::string store_error;               // of the last commit; "" = it went well
  std::vector<ClusterStatus> clusters;
  std::vector<RingStatus> rings;  // by number; empty: no rings
};

// Not thread-safe.
class Server {
 public:
  Server(Config config, ServerImage image, Time now);

  // Takes one event and returns what is to be done, in order. `now` never goes back.
  [[nodiscard]] std::vector<Action> On(const Event& event, Time now);

  [[nodiscard]] Status GetStatus() const;
  // The object, if the cluster may have it: it is in what the cluster is to run.
  [[nodiscard]] ObjectPtr Find(const std::string& cluster, const Digest& digest) const;
  [[nodiscard]] bool HasHold(const std::string& id) const;
  // Whether some ring still waits for the newest proved policy.
  [[nodiscard]] bool HasWaitingRing() const;

 private:
  // An upload of which the last part is still to come.
  struct Upload {
    std::uint64_t sequence = 0;
    std::uint32_t parts = 0;
    std::size_t bytes = 0;
    bool full = false;
    Delta delta;
  };
  struct InFlight {
    Version version;
    SnapshotPtr target;
    std::vector<ObjectKey> removed;
    Time at{0};
  };
  struct Cluster {
    ClusterRecord record;
    PruneBudget budget;
    SnapshotPtr candidate;  // newest proved output; null = none in this life
    std::string candidate_policy;
    std::uint64_t session = 0;  // 0: away
    bool greeted = false;       // said Hello
    Time heard_at{0};
    std::string source_error;    // why its source cannot be read; "" = it can
    std::string input_refused;   // why the newest upload was refused; "" = it was not
    bool fresh = false;          // reported in this session
    bool reported_here = false;  // reported to this process
    std::optional<Upload> upload;
    Hello hello;
    Version applied;
    SnapshotPtr holds_now;  // what its agent has; null = unknown, then it was asked
    Time asked_at{0};
    bool in_force = false;
    bool effective = false;
    std::optional<InFlight> in_flight;
    Time offer_not_before{0};
    std::optional<Hold> hold;        // of its next release
    std::optional<Hold> agent_hold;  // of the offer of what is released
    std::optional<Permit> approved;  // for its next release
    SnapshotPtr rollback_to;         // a person's wish for its next release; null = none
    std::string rejection;
    std::string complaint;
    bool complained_before = false;  // when its ring was opened
    // Since when it is in force, without complaint, what its ring was opened for.
    std::optional<Time> held_since;
    std::map<ObjectKey, DriftStatus> drift;  // `ago` is when, here
    std::map<Digest, SnapshotPtr> known;     // sets released for it, by root
    std::vector<Digest> known_order;
  };

  void Handle(const SessionOpened& event);
  void Handle(const SessionClosed& event);
  void Handle(const Received& event);
  void Handle(const PolicyRead& event);
  void Handle(const Compiled& event);
  void Handle(const Committed& event);
  void Handle(const Leadership& event);
  void Handle(const Approve& event);
  void Handle(const Rollback& event);
  void Handle(const Express& event);
  void Handle(const Dismiss& event);
  void Handle(const Tick& event);

  void Handle(const std::string& name, Cluster& cluster, const Hello& message);
  void Handle(const std::string& name, Cluster& cluster, const Holdings& message);
  void Handle(const std::string& name, Cluster& cluster, const Contents& message);
  void Handle(const std::string& name, Cluster& cluster, const Discovery& message);
  void Handle(const std::string& name, Cluster& cluster, const Degraded& message);
  void Handle(const std::string& name, Cluster& cluster, const Ack& message);
  void Handle(const std::string& name, Cluster& cluster, const Heartbeat& message);
  void Handle(const std::string& name, Cluster& cluster, const Drift& message);

  // server_inputs.cc
  void TakeUpload(const std::string& name, Cluster& cluster);
  void Quarantine(const std::string& name, Cluster& cluster, const std::string& why);
  void Changed();  // something the pipeline depends on
  void MaybeCompile();

  // server_release.cc
  void MaybeCommit();
  // Puts the cluster's next release into `commit`, or holds it.
  void Prepare(const std::string& name, Cluster& cluster, Commit& commit);
  // What the cluster is to run next, given its ring and what its agent refuses.
  [[nodiscard]] SnapshotPtr Next(const Cluster& cluster) const;
  // What its agent keeps in place of the refused objects of `wanted`; null while the content of one
  // of them is not known here.
  [[nodiscard]] static SnapshotPtr WithoutRefused(const Cluster& cluster,
                                                  const SnapshotPtr& wanted);
  [[nodiscard]] std::vector<std::string> WaitingFor() const;
  [[nodiscard]] bool AllReportedHere() const;
  void Depose();

  // server_rings.cc
  // The clusters that the newest proved policy is for.
  [[nodiscard]] std::map<unsigned, std::vector<std::string>> Rings() const;
  [[nodiscard]] unsigned RingOf(const std::string& name) const;
  // Whether its ring was opened for the newest proved policy.
  [[nodiscard]] bool IsIn(const Cluster& cluster) const;
  void AdvanceRings();
  void Open(const std::string& name, Cluster& cluster);
  void Watch(Cluster& cluster) const;
  [[nodiscard]] bool IsSettled(const Cluster& cluster) const;
  [[nodiscard]] bool IsThrough(const Cluster& cluster) const;
  void KeepGood(const std::string& name, Cluster& cluster);
  // Why what its ring was opened for has to go again; "" = nothing says so.
  [[nodiscard]] std::string Complaint(const Cluster& cluster) const;
  void RollBackRing(unsigned number, const std::vector<std::string>& names);
  [[nodiscard]] RingStatus StatusOf(unsigned number, const std::vector<std::string>& names) const;

  // server_offers.cc
  void MaybeOffer(const std::string& name, Cluster& cluster);
  // Digests of the object that the cluster runs, is to run next, or keeps in place of a refused
  // one.
  [[nodiscard]] static std::set<Digest> Wanted(const Cluster& cluster, const ObjectKey& key);
  [[nodiscard]] static bool ForgetRefusals(Cluster& cluster);
  // Forgets refusals for want of an object that is there by now.
  [[nodiscard]] bool ForgetServed(Cluster& cluster) const;
  void Refused(const std::string& name, Cluster& cluster, const Ack& message);
  void Took(const std::string& name, Cluster& cluster, const Ack& message);
  // Whether what the agent was given last was released by this store.
  [[nodiscard]] bool Knows(const Cluster& cluster) const;
  // Finds the set with this root, or asks the agent for its names.
  void Learn(Cluster& cluster, const Digest& root);
  // Asks the agent for what it keeps in place of refused objects and this store never saw.
  void AskContents(Cluster& cluster);
  void Remember(Cluster& cluster, const SnapshotPtr& snapshot);
  void HoldAgent(const std::string& name, Cluster& cluster, Hold::Kind kind, std::string reason,
                 std::vector<ObjectKey> removed);
  void Drop(Cluster& cluster);
  // Whether its target holds what was released for it.
  [[nodiscard]] static bool Runs(const Cluster& cluster);
  void CloseSession(Cluster& cluster, const std::string& reason);

  Config config_;
  ServerImage image_;
  Time now_{0};
  std::vector<Action> actions_;
  std::map<std::string, Cluster> clusters_;
  std::map<std::uint64_t, std::string> sessions_;
  bool leader_ = true;

  std::string policy_;  // digest of the newest that was read
  std::string degraded_;
  std::uint64_t serial_ = 0;     // grows with every change of policy or discovery
  std::uint64_t compiled_ = 0;   // serial of the newest candidate
  std::uint64_t compiling_ = 0;  // serial in the pipeline; 0 = none
  Time changed_at_{0};
  Time compile_at_{0};
  // The newest candidate rests on what every declared cluster reported to this process. Before that
  // an agent that is ahead gets nothing: a restored store remembers older discovery than was used.
  bool rebased_ = false;
  bool compiling_rebased_ = false;
  Candidate candidate_;  // newest; outputs moved to the clusters when proved
  std::string proved_;   // policy of the newest that was proved; "" = none in this life

  std::set<std::string> dirty_;   // clusters whose records changed and are not in the store
  std::uint64_t raise_term_ = 0;  // the next commit starts this term; 0 = keeps the term
  std::string actor_ = "weft";    // on whose word the next commit is made
  std::optional<Commit> committing_;
  Time commit_not_before_{0};
  std::string store_error_;
  Time check_leadership_at_{0};
  std::set<std::string> ahead_;  // clusters whose agents are ahead, while leadership is checked
};

}  // namespace server
}  // namespace weft::relay
