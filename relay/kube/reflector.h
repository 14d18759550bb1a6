// What an API server has of one kind, kept up by list and watch; without I/O: events in, actions
// out. The contract is that of Kubernetes' API concepts ("Efficient detection of changes"): a watch
// goes on from the version of a list or of its last event; a version that is too old is answered by
// 410, as the status of the response or as an event inside it; then only a new list helps.
//  - An object disappears only by an event that says so, or by a list that came to its end.
//  - An error changes nothing; what is known stays, and `trouble` says why.
//  - Bookmarks are taken where they come, nothing relies on them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "relay/core/budget.h"
#include "relay/core/object.h"

namespace weft::relay::kube {

// One object as the API server has it.
struct Item {
  std::string uid;
  std::string version;  // metadata.resourceVersion
  ObjectPtr object;     // never null
};

// ---- events

struct Page {
  std::vector<Item> items;
  std::string version;  // of the list
  std::string token;    // for the next page; "" = this is the last
};
// The request was refused (an HTTP status), or did not come to an end (0).
struct Failed {
  int status = 0;
  std::string reason;
};
// The API server takes the watch: from now on it tells what happens.
struct WatchOpened {};
struct Happened {
  enum class Type { kAdded, kModified, kDeleted, kBookmark };
  Type type = Type::kBookmark;
  Item item;  // of a bookmark only the version
};
// An event of type ERROR inside a watch.
struct WatchFailed {
  int code = 0;
  std::string reason;
};
// The response of a watch came to its end.
struct WatchEnded {};
struct Tick {};
using Event = std::variant<Page, Failed, WatchOpened, Happened, WatchFailed, WatchEnded, Tick>;

// ---- actions

struct List {
  std::size_t limit = 0;  // 0 = all at once
  std::string token;
};
struct Watch {
  std::string version;
};
// The watch that runs is of no use any more: its events are not wanted.
struct StopWatch {};
using Action = std::variant<List, Watch, StopWatch>;

// Not thread-safe. At most one request, list or watch, is under way.
class Reflector {
 public:
  // `optional`: a kind that is not installed (404) counts as one without objects.
  Reflector(bool optional, std::uint64_t seed) : optional_(optional), random_(seed * 2 + 1) {}

  // Takes one event and returns what is to be done, in order. `now` never goes back. The first Tick
  // begins.
  [[nodiscard]] std::vector<Action> On(const Event& event, Time now);

  // A list came to its end once: `items` is what there was then and what happened since.
  [[nodiscard]] bool synced() const { return synced_; }
  // Why nothing is heard, "" while all is well or the trouble is too young to matter.
  [[nodiscard]] std::string trouble(Time now) const;
  [[nodiscard]] const std::map<ObjectKey, Item>& items() const { return items_; }
  // Grows whenever `items` or synced() change.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
  enum class State { kWaiting, kListing, kWatching };

  void Handle(const Page& event);
  void Handle(const Failed& event);
  void Handle(const WatchOpened& event);
  void Handle(const Happened& event);
  void Handle(const WatchFailed& event);
  void Handle(const WatchEnded& event);
  void Handle(const Tick& event);

  void BeginList();
  void BeginWatch();
  void Finish();  // the list under way is whole
  void Fail(const std::string& reason, bool list);
  void NotInstalled();

  const bool optional_;
  std::uint64_t random_;
  Time now_{0};
  std::vector<Action> actions_;

  State state_ = State::kWaiting;
  bool must_list_ = true;  // what comes next; else a watch from `version_`
  Time retry_at_{0};
  int failures_ = 0;       // in a row
  int expired_ = 0;        // continue tokens, in a row
  Time failing_since_{0};  // when failures_ > 0
  std::string reason_;
  Time begun_at_{0};  // the watch
  bool opened_ = false;
  bool heard_ = false;  // an event of this watch

  std::string version_;
  std::map<ObjectKey, Item> items_;
  std::map<ObjectKey, Item> listed_;  // of the list under way
  bool synced_ = false;
  std::uint64_t changes_ = 0;
};

}  // namespace weft::relay::kube
