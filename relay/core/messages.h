// What server and agent say to one another in a session, as plain values. relay/net/codec.h turns
// them into the protobuf messages of relay/proto/relay.proto and back.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "relay/core/object.h"

namespace weft::relay {

// Fencing pair. A term is one leader's reign, a generation one release; both only grow. Compared
// term first, so that whatever a deposed leader still sends is older.
struct Version {
  std::uint64_t term = 0;
  std::uint64_t generation = 0;
  auto operator<=>(const Version&) const = default;
};

// How far an agent has come with an offer.
enum class Phase { kRejected, kApplied, kEffective };

// One object an agent cannot take, or does not find in force.
struct ObjectError {
  ObjectKey key;
  Digest digest;
  std::string detail;
  // It is taken once this object is there (a namespace); none: only another content may help.
  std::optional<ObjectKey> needs = std::nullopt;
};

// What somebody else did to an object in a target.
struct Drifted {
  ObjectKey key;
  std::string detail;
};

// ---- agent to server

// First message of a session.
struct Hello {
  std::uint32_t protocol = 1;
  std::string store_id;  // of the server whose release is applied; "" = none
  Version applied;
  Version highest;          // largest ever taken; what is older is refused
  std::uint64_t reign = 0;  // of `highest`: Offer::reign
  Digest root;              // of what is applied
  bool in_force = false;    // the target holds it
};

// Answer to Inquire: everything that is applied, by name and digest.
struct Holdings {
  struct Entry {
    ObjectKey key;
    Digest digest;
  };
  Digest root;
  std::vector<Entry> entries;
};

// Answer to Inquire::wanted: those of the objects that are applied, as many as one message holds.
struct Contents {
  std::vector<ObjectPtr> objects;
};

// What was discovered in the cluster: a change of the set with root `delta.parent`; with `full`,
// the whole set whatever the server had. A large one comes in parts; nothing counts before the
// last.
struct Discovery {
  std::uint64_t sequence = 0;  // of the upload; one number for all its parts
  std::uint32_t part = 0;
  bool last = true;
  bool full = false;
  Delta delta;  // parent and root are those of the whole upload
};

// The source can not be read: what the server has stays as it is.
struct Degraded {
  std::string reason;
};

struct Ack {
  Version version;
  Phase phase = Phase::kRejected;
  Digest root;                      // of what is applied now
  std::string reason;               // why it was rejected as a whole; "" = because of `errors`
  bool over_budget = false;         // rejected for want of a permit to remove
  std::vector<ObjectError> errors;  // objects that cannot be applied, or are not in force
};

struct Heartbeat {
  std::string degraded;   // as in Degraded; "" = the source can be read
  std::string complaint;  // what is wrong with the cluster's traffic; "" = nothing, or nobody looks
};

// What others changed in the target: put right, or left as it is because they keep changing it.
struct Drift {
  std::vector<Drifted> objects;
  bool held = false;
};

using AgentMessage =
    std::variant<Hello, Holdings, Contents, Discovery, Degraded, Ack, Heartbeat, Drift>;

// ---- server to agent

struct Welcome {
  std::string store_id;
  std::uint64_t term = 0;
  Digest input_root;  // of the discovery the server has
};

// A person's word that exactly these objects may be removed.
struct Permit {
  Digest removals;  // RemovalsDigest
  std::string approver;
  auto operator<=>(const Permit&) const = default;
};

struct Offer {
  std::string store_id;
  Version version;
  std::uint64_t reign = 0;       // random number of the term, which tells a term from its namesake
                                 // in a store that was restored from a backup
  Delta delta;                   // an object without content is to be fetched
  std::optional<Permit> permit;  // for delta.removed
  std::string adopt;             // store id the agent may leave for this one; "" = none
};

// What do you have? The server does not know the agent's root. With `wanted`, it knows the names
// and lacks these contents.
struct Inquire {
  std::vector<Digest> wanted;
};

struct InputAck {
  std::uint64_t sequence = 0;
  Digest root;
};

// The upload was not taken; a full one is wanted, or none when `refused` says why it never will be.
struct InputNack {
  std::uint64_t sequence = 0;
  std::string refused;
};

using ServerMessage = std::variant<Welcome, Offer, Inquire, InputAck, InputNack>;

}  // namespace weft::relay
