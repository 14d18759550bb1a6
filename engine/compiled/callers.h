// Sets of mTLS identities over interned names.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/compiled/patterns.h"
#include "engine/compiled/text_map.h"
#include "engine/request.h"

namespace weft::engine::compiled {

// A caller's identity. Parts that no policy or workload names are kUnknown.
struct Peer {
  static constexpr std::uint32_t kUnknown = TextMap::kAbsent;
  std::uint32_t trust_domain = kUnknown;
  std::uint32_t ns = kUnknown;
  std::uint32_t account = kUnknown;
  std::string_view
      uri;  // spiffe://…, kept by whoever made the peer; empty when no rule looks at it
};

// The names identities are made of.
class IdentityNames {
 public:
  [[nodiscard]] std::uint32_t Add(std::string_view name) {
    return names_.Insert(0, name, names_.size());
  }
  void AddParts(const Identity& identity);
  // Without the URI.
  [[nodiscard]] Peer PeerOf(const Identity& identity) const;

 private:
  TextMap names_;
};

// An IdentitySet over interned names; kAny where the part is free.
struct IdentityKey {
  static constexpr std::uint32_t kAny = 0xfffffffe;
  std::uint32_t trust_domain = kAny;
  std::uint32_t ns = kAny;
  std::uint32_t account = kAny;
  auto operator<=>(const IdentityKey&) const = default;
  [[nodiscard]] bool Admits(const Peer& peer) const {
    return (trust_domain == kAny || trust_domain == peer.trust_domain) &&
           (ns == kAny || ns == peer.ns) && (account == kAny || account == peer.account);
  }
};
[[nodiscard]] IdentityKey KeyOf(const IdentitySet& set, IdentityNames& names);

// Identity keys with what stands under them. Looked up once for each combination of free parts
// that occurs, so the time does not grow with the number of keys.
class IdentityIndex {
 public:
  void Add(const IdentityKey& key, std::uint32_t id);
  void Finish();

  template <typename Visit>
  void Find(const Peer& peer, Visit&& visit) const {
    for (unsigned shape = 0; shape < kShapes; ++shape) {
      if ((shapes_ & (1U << shape)) == 0) continue;
      const auto at = FindKey(Masked(peer, shape));
      if (at != nullptr) visit(std::span<const std::uint32_t>(at->ids));
    }
  }

 private:
  struct Entry {
    IdentityKey key;
    std::vector<std::uint32_t> ids;
  };
  static constexpr unsigned kShapes = 8;  // one bit for each part that is free
  [[nodiscard]] static unsigned ShapeOf(const IdentityKey& key);
  [[nodiscard]] static IdentityKey Masked(const Peer& peer, unsigned shape);
  [[nodiscard]] const Entry* FindKey(const IdentityKey& key) const;

  std::vector<Entry> entries_;  // sorted by key once finished
  unsigned shapes_ = 0;         // bit s: keys of shape s occur
};

// A few bits of what a caller is, so that most rules about others are passed over at a glance: a
// rule can only admit a peer when their bits meet.
using CallerBits = std::uint32_t;
[[nodiscard]] CallerBits BitsOf(const std::vector<CallerSet>& sets, IdentityNames& names);
[[nodiscard]] CallerBits BitsOf(const Peer* peer);

// "From any of these callers".
class CallerTest {
 public:
  CallerTest(const std::vector<CallerSet>& sets, IdentityNames& names, Regexes& regexes);
  // `peer` is nullptr for a caller without identity.
  [[nodiscard]] bool Admits(const Peer* peer) const;
  // The keys when it is nothing but a few of them, else nullptr.
  [[nodiscard]] const std::vector<IdentityKey>* OnlyFewKeys() const;

 private:
  void Add(const Caller& caller, IdentityNames& names, std::vector<Pattern>& patterns);
  [[nodiscard]] bool InKeys(const Peer& peer) const;

  bool anyone_ = false;
  bool without_identity_ = false;
  std::vector<IdentityKey> few_;
  IdentityIndex many_;                             // used instead of few_ when there are many
  std::vector<std::vector<IdentityKey>> outside_;  // admitted when in none of one of these
  std::vector<PatternSet> patterns_;               // at most one, over the whole URI
};

}  // namespace weft::engine::compiled
