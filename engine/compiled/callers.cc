#include "engine/compiled/callers.h"

#include <algorithm>

#include "dsl/overloaded.h"

namespace weft::engine::compiled {
namespace {

constexpr std::size_t kFewKeys = 8;

constexpr CallerBits kEveryBit = 0xffffffff;
constexpr CallerBits kNoIdentityBit = 0x80000000;

// One of the 31 other bits.
CallerBits BitOf(std::uint32_t name, std::uint32_t salt) {
  return 1U << (((name + salt) * 0x9e3779b1U >> 16U) % 31U);
}
CallerBits AccountBit(std::uint32_t account) { return BitOf(account, 0); }
CallerBits NamespaceBit(std::uint32_t ns) { return BitOf(ns, 0x10000); }

CallerBits BitsOf(const IdentityKey& key) {
  if (key.account != IdentityKey::kAny) return AccountBit(key.account);
  return key.ns != IdentityKey::kAny ? NamespaceBit(key.ns) : kEveryBit & ~kNoIdentityBit;
}

bool InAny(const std::vector<IdentityKey>& keys, const Peer& peer) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const IdentityKey& key) { return key.Admits(peer); });
}

}  // namespace

void IdentityNames::AddParts(const Identity& identity) {
  (void)Add(identity.trust_domain);
  (void)Add(identity.ns);
  (void)Add(identity.account);
}

Peer IdentityNames::PeerOf(const Identity& identity) const {
  return {names_.Find(0, identity.trust_domain),
          names_.Find(0, identity.ns),
          names_.Find(0, identity.account),
          {}};
}

IdentityKey KeyOf(const IdentitySet& set, IdentityNames& names) {
  const auto part = [&](const std::optional<std::string>& name) {
    return name ? names.Add(*name) : IdentityKey::kAny;
  };
  return {part(set.trust_domain), part(set.ns), part(set.account)};
}

unsigned IdentityIndex::ShapeOf(const IdentityKey& key) {
  const auto bit = [](std::uint32_t part, unsigned value) {
    return part == IdentityKey::kAny ? value : 0U;
  };
  return bit(key.trust_domain, 1) | bit(key.ns, 2) | bit(key.account, 4);
}

IdentityKey IdentityIndex::Masked(const Peer& peer, unsigned shape) {
  const auto part = [&](std::uint32_t name, unsigned value) {
    return (shape & value) != 0 ? IdentityKey::kAny : name;
  };
  return {part(peer.trust_domain, 1), part(peer.ns, 2), part(peer.account, 4)};
}

void IdentityIndex::Add(const IdentityKey& key, std::uint32_t id) {
  entries_.push_back({key, {id}});
  shapes_ |= 1U << ShapeOf(key);
}

void IdentityIndex::Finish() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
  std::vector<Entry> merged;
  for (Entry& entry : entries_) {
    if (merged.empty() || merged.back().key != entry.key) {
      merged.push_back(std::move(entry));
    } else {
      merged.back().ids.push_back(entry.ids.front());
    }
  }
  entries_ = std::move(merged);
}

const IdentityIndex::Entry* IdentityIndex::FindKey(const IdentityKey& key) const {
  const auto at =
      std::lower_bound(entries_.begin(), entries_.end(), key,
                       [](const Entry& entry, const IdentityKey& k) { return entry.key < k; });
  return at == entries_.end() || at->key != key ? nullptr : &*at;
}

CallerTest::CallerTest(const std::vector<CallerSet>& sets, IdentityNames& names, Regexes& regexes) {
  std::vector<Pattern> patterns;
  for (const CallerSet& set : sets) {
    for (const Caller& caller : set.any_of) Add(caller, names, patterns);
  }
  if (!patterns.empty()) patterns_.emplace_back(patterns, regexes);
  if (few_.size() <= kFewKeys) return;
  for (const IdentityKey& key : few_) many_.Add(key, 0);
  many_.Finish();
  few_.clear();
}

void CallerTest::Add(const Caller& caller, IdentityNames& names, std::vector<Pattern>& patterns) {
  std::visit(Overloaded{
                 [&](const AnyCaller&) { anyone_ = true; },
                 [&](const NoIdentity&) { without_identity_ = true; },
                 [&](const IdentitySet& set) { few_.push_back(KeyOf(set, names)); },
                 [&](const IdentityPattern& p) { patterns.push_back(p.pattern); },
                 [&](const OutsideOf& outside) {
                   std::vector<IdentityKey> keys;
                   for (const IdentitySet& set : outside.sets) keys.push_back(KeyOf(set, names));
                   outside_.push_back(std::move(keys));
                 },
             },
             caller);
}

CallerBits BitsOf(const std::vector<CallerSet>& sets, IdentityNames& names) {
  if (sets.empty()) return kEveryBit;
  CallerBits bits = 0;
  for (const CallerSet& set : sets) {
    for (const Caller& caller : set.any_of) {
      bits |= std::visit(Overloaded{
                             [&](const IdentitySet& of) { return BitsOf(KeyOf(of, names)); },
                             [](const NoIdentity&) { return kNoIdentityBit; },
                             [](const auto&) { return kEveryBit; },
                         },
                         caller);
    }
  }
  return bits;
}

CallerBits BitsOf(const Peer* peer) {
  if (peer == nullptr) return kNoIdentityBit;
  return AccountBit(peer->account) | NamespaceBit(peer->ns);
}

const std::vector<IdentityKey>* CallerTest::OnlyFewKeys() const {
  const bool only = !anyone_ && !without_identity_ && outside_.empty() && patterns_.empty();
  return only && !few_.empty() ? &few_ : nullptr;
}

bool CallerTest::InKeys(const Peer& peer) const {
  if (InAny(few_, peer)) return true;
  bool found = false;
  many_.Find(peer, [&](std::span<const std::uint32_t>) { found = true; });
  return found;
}

bool CallerTest::Admits(const Peer* peer) const {
  if (anyone_) return true;
  if (peer == nullptr) return without_identity_ || !outside_.empty();
  if (InKeys(*peer)) return true;
  if (std::any_of(outside_.begin(), outside_.end(),
                  [&](const std::vector<IdentityKey>& keys) { return !InAny(keys, *peer); })) {
    return true;
  }
  return !patterns_.empty() && patterns_.front().Matches(peer->uri);
}

}  // namespace weft::engine::compiled
