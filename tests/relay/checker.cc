#include "tests/relay/checker.h"

#include <algorithm>
#include <utility>

namespace weft::relay::sim {
namespace {

std::string Text(const Version& version) {
  return std::to_string(version.term) + "." + std::to_string(version.generation);
}

}  // namespace

void Checker::Fail(std::string what) {
  if (violation_.empty()) violation_ = std::move(what);
}

void Checker::Stored(const server::Commit& commit, int lineage) {
  if (commit.head != commit.parent) {
    const auto [at, fresh] = successor_.emplace(std::pair(lineage, commit.parent), commit.head);
    if (!fresh) Fail("I5: " + Text(commit.parent) + " has two successors");
    if (commit.head <= commit.parent) Fail("I5: a release is not newer than its parent");
  }
  for (const auto& [cluster, record] : commit.records) {
    if (record.version == commit.head && commit.head != commit.parent) {
      committed_[cluster][record.version].insert(record.desired->root);
      for (const auto& [key, object] : record.desired->objects) {
        if (DigestOf(key, object->content) == object->digest) continue;
        Fail("I10: " + ToText(key) + " is released to " + cluster + " without its content");
      }
    }
    if (!world_.WasInventory(cluster, record.input->root)) {
      Fail("I6: stored discovery of " + cluster + " is none it had");
    }
  }
}

void Checker::Compiling(const server::Compile& compile) {
  for (const auto& [cluster, input] : compile.inputs) {
    if (!world_.WasInventory(cluster, input->root)) {
      Fail("I6: discovery of " + cluster + " is none it had");
    }
  }
}

void Checker::Approved(const std::string& cluster, const std::vector<ObjectKey>& keys) {
  for (const ObjectKey& key : keys) approved_[cluster].insert(key);
}

void Checker::Written(const std::string& cluster, const Version& version, const Snapshot& before,
                      const Snapshot& after, bool stepwise, Time now) {
  Target& target = targets_[cluster];
  if (version < target.highest) {
    Fail("I1: " + cluster + " went from " + Text(target.highest) + " to " + Text(version));
  }
  if (version != target.highest) target.removed = false;
  target.highest = version;
  const bool committed = committed_[cluster][version].contains(after.root);
  if (version.generation > 0 && !committed && !stepwise) {
    Fail("I2: " + cluster + " runs what " + Text(version) + " is not");
  }
  for (const auto& [key, object] : after.objects) {
    if (DigestOf(key, object->content) != object->digest) Fail("I2: " + ToText(key) + " is forged");
    if (world_.IsUnproved(object->content)) Fail("I7: " + ToText(key) + " is not proved");
    if (IsBad(*object)) Fail("I7: " + ToText(key) + " is not valid");
  }
  const bool adds = std::any_of(after.objects.begin(), after.objects.end(), [&](const auto& entry) {
    return !before.objects.contains(entry.first);
  });
  if (stepwise && target.removed && adds) Fail("I8: " + cluster + " adds after it removed");
  CheckRemovals(cluster, target, before, after, now);
}

void Checker::Refused(std::size_t server, std::uint64_t life, const std::string& cluster,
                      const Ack& ack) {
  for (const ObjectError& error : ack.errors) {
    refused_.insert({server, life, cluster, error.key, error.digest});
  }
}

void Checker::RolledBack(const std::string& cluster, const Snapshot& to) {
  std::erase_if(refused_, [&](const auto& refused) {
    const auto at = to.objects.find(std::get<ObjectKey>(refused));
    return std::get<std::string>(refused) == cluster && at != to.objects.end() &&
           at->second->digest == std::get<Digest>(refused);
  });
}

void Checker::Offered(std::size_t server, std::uint64_t life, const std::string& cluster,
                      const Offer& offer) {
  for (const ObjectPtr& object : offer.delta.changed) {
    if (refused_.contains({server, life, cluster, object->key, object->digest})) {
      Fail("I9: " + ToText(object->key) + " is offered again");
    }
  }
}

void Checker::CheckRemovals(const std::string& cluster, Target& target, const Snapshot& before,
                            const Snapshot& after, Time now) {
  std::map<std::string, int> had;
  std::map<std::string, int> has;
  std::map<std::string, int> removed;
  for (const auto& [key, object] : before.objects) ++had[key.kind];
  for (const auto& [key, object] : after.objects) ++has[key.kind];
  for (const auto& [key, object] : before.objects) {
    if (after.objects.contains(key)) continue;
    target.removed = true;
    if (!world_.MayGo(cluster, key)) Fail("I3: " + cluster + " lost " + ToText(key));
    if (approved_[cluster].contains(key)) continue;
    ++removed[key.kind];
  }
  std::erase_if(target.removals, [&](const auto& removal) {
    return std::get<Time>(removal) + std::chrono::hours(1) <= now;
  });
  for (const auto& [kind, count] : removed) {
    target.removals.emplace_back(now, kind, count);
    int recent = 0;
    for (const auto& [at, of, number] : target.removals) recent += of == kind ? number : 0;
    const int allowed = std::max(5, (had[kind] + recent - count) / 10);
    if (recent > allowed) Fail("I3: " + cluster + " lost too many of " + kind);
    if (has[kind] == 0) Fail("I3: " + cluster + " lost the last of " + kind);
  }
}

}  // namespace weft::relay::sim
