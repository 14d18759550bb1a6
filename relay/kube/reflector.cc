#include "relay/kube/reflector.h"

#include <algorithm>
#include <utility>

#include "relay/core/limits.h"

namespace weft::relay::kube {
namespace {

constexpr std::size_t kPage = 500;
constexpr int kGone = 410;
constexpr int kNotFound = 404;
constexpr std::uint64_t kFirstBackoff = 200;  // ms
constexpr std::uint64_t kLastBackoff = 30'000;
constexpr Time kLookForKind = std::chrono::seconds(30);  // whether it is installed by now
constexpr Time kYoung = std::chrono::seconds(5);         // trouble that may pass unnoticed
constexpr Time kShortWatch = std::chrono::seconds(1);
// After so many failures the version is given up, too: an API server that was restored from a
// backup is behind it for long, and says so by other codes than 410.
constexpr int kGiveUpVersion = 3;

// Versions are numbers that grow, unless an API server does it differently: then every event is
// new.
bool IsOlder(const std::string& version, const std::string& than) {
  const auto number = [](const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  };
  if (!number(version) || !number(than)) return false;
  return version.size() != than.size() ? version.size() < than.size() : version < than;
}

}  // namespace

std::vector<Action> Reflector::On(const Event& event, Time now) {
  now_ = now;
  actions_.clear();
  std::visit([this](const auto& e) { Handle(e); }, event);
  return std::move(actions_);
}

std::string Reflector::trouble(Time now) const {
  if (failures_ == 0 || (synced_ && now - failing_since_ < kYoung)) return "";
  if (state_ == State::kWatching && opened_ && now - begun_at_ >= kShortWatch) return "";
  return reason_;
}

void Reflector::BeginList() {
  state_ = State::kListing;
  listed_.clear();
  actions_.emplace_back(List{expired_ < 2 ? kPage : 0, ""});
}

void Reflector::BeginWatch() {
  state_ = State::kWatching;
  begun_at_ = now_;
  opened_ = heard_ = false;
  actions_.emplace_back(Watch{version_});
}

void Reflector::Handle(const Tick&) {
  if (state_ != State::kWaiting || now_ < retry_at_) return;
  if (must_list_) {
    BeginList();
  } else {
    BeginWatch();
  }
}

void Reflector::Handle(const Page& event) {
  if (state_ != State::kListing) return;
  for (const Item& item : event.items) {
    listed_.insert_or_assign(item.object->key, item);
    if (listed_.size() > kMaxObjects) return Fail("there are too many objects", true);
  }
  if (!event.token.empty()) {
    actions_.emplace_back(List{kPage, event.token});
    return;
  }
  version_ = event.version;
  Finish();
  BeginWatch();
}

void Reflector::Finish() {
  const bool same =
      synced_ && std::equal(items_.begin(), items_.end(), listed_.begin(), listed_.end(),
                            [](const auto& a, const auto& b) {
                              return a.first == b.first && a.second.uid == b.second.uid &&
                                     a.second.object->digest == b.second.object->digest;
                            });
  items_ = std::move(listed_);
  listed_.clear();
  synced_ = true;
  must_list_ = false;
  failures_ = expired_ = 0;
  if (!same) ++changes_;
}

void Reflector::Handle(const WatchOpened&) { opened_ = true; }

void Reflector::Handle(const Happened& event) {
  if (state_ != State::kWatching) return;
  heard_ = true;
  failures_ = 0;
  if (!event.item.version.empty()) version_ = event.item.version;
  if (event.type == Happened::Type::kBookmark) return;
  const ObjectKey& key = event.item.object->key;
  const auto known = items_.find(key);
  if (event.type == Happened::Type::kDeleted) {
    // The end of a former object of that name says nothing of the one that followed it.
    if (known == items_.end() || known->second.uid != event.item.uid) return;
    items_.erase(known);
    ++changes_;
    return;
  }
  if (known == items_.end()) {
    items_.emplace(key, event.item);
    ++changes_;
    if (items_.size() > kMaxObjects) {
      actions_.emplace_back(StopWatch{});
      Fail("there are too many objects", true);
    }
    return;
  }
  Item& item = known->second;
  if (item.uid == event.item.uid && IsOlder(event.item.version, item.version)) return;
  if (item.uid != event.item.uid || item.object->digest != event.item.object->digest) ++changes_;
  item = event.item;
}

void Reflector::Handle(const WatchFailed& event) {
  if (state_ != State::kWatching) return;
  actions_.emplace_back(StopWatch{});
  if (event.code != kGone) return Fail(event.reason, false);
  // A list mends it; at once, unless that was tried just now.
  must_list_ = true;
  if (now_ - begun_at_ < kShortWatch) return Fail(event.reason, true);
  BeginList();
}

void Reflector::Handle(const WatchEnded&) {
  if (state_ != State::kWatching) return;
  if (!heard_ && now_ - begun_at_ < kShortWatch) return Fail("watches end at once", false);
  failures_ = 0;
  BeginWatch();
}

void Reflector::Handle(const Failed& event) {
  if (state_ == State::kWaiting) return;
  if (event.status == kNotFound && optional_) return NotInstalled();
  if (state_ == State::kWatching) return Handle(WatchFailed{event.status, event.reason});
  if (event.status == kGone && ++expired_ < 4) {
    // The token of a next page expired. What was listed so far is of a version that is gone.
    return BeginList();
  }
  Fail(event.reason, true);
}

// Where objects were seen before, their kind does not just go: something is wrong with the API
// server.
void Reflector::NotInstalled() {
  if (!items_.empty()) return Fail("the kind is not served any more", true);
  if (!synced_) ++changes_;
  synced_ = true;
  must_list_ = true;
  failures_ = 0;
  state_ = State::kWaiting;
  retry_at_ = now_ + kLookForKind;
}

void Reflector::Fail(const std::string& reason, bool list) {
  if (failures_ == 0) failing_since_ = now_;
  reason_ = reason;
  state_ = State::kWaiting;
  listed_.clear();
  must_list_ = must_list_ || list || failures_ + 1 >= kGiveUpVersion;
  const std::uint64_t cap = std::min(kLastBackoff, kFirstBackoff << std::min(failures_, 10));
  failures_ = std::min(failures_ + 1, 20);
  random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
  retry_at_ = now_ + Time(static_cast<std::int64_t>(cap / 2 + 1 + (random_ >> 33) % (cap / 2)));
}

}  // namespace weft::relay::kube
