// Delivery by server-side apply (Kubernetes API concepts, "Server-Side Apply"): weft's objects in a
// cluster as field manager `weft`. What holds whatever is asked:
//  - an object is weft's when the API server's own record of managers names `weft` as one that
//    applied it; nothing else is changed or deleted, whatever its labels say;
//  - an object goes only when it is named;
//  - a write that would change nothing is not made.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dsl/result.h"
#include "relay/core/messages.h"
#include "relay/kube/api.h"
#include "relay/kube/resources.h"

namespace weft::relay::kube {

// For one thread; every call blocks.
class ClusterTarget {
 public:
  explicit ClusterTarget(Api& api) : api_(api) {}

  // What the API server says of writing these objects, by a dry run of each: the ones it would
  // refuse, those that exist and are not weft's among them. Errors: it cannot be asked.
  [[nodiscard]] Result<std::vector<ObjectError>> Try(const std::vector<ObjectPtr>& objects);

  // Makes the cluster hold `wanted`, in the order of its keys, then lets go what `leaving` names.
  // Errors: the first thing that did not work; the rest is done all the same while the API server
  // answers, and calling again goes on with it.
  [[nodiscard]] Status Write(const Snapshot& wanted, const std::set<ObjectKey>& leaving,
                             const Version& version);
  // What Write put right on the way, since the last call; with the names of the managers.
  [[nodiscard]] std::vector<Drifted> TakeDrift();

  // Of `wanted` and `leaving`, what is there: an object that is as it is wanted is that object, one
  // that differs has another digest. Without `wanted`, every object of weft's.
  [[nodiscard]] Result<SnapshotPtr> Read(const SnapshotPtr& wanted,
                                         const std::set<ObjectKey>& leaving);

 private:
  using Json = nlohmann::json;
  struct Live {
    const Resource* resource = nullptr;
    Json json;
  };
  using LiveObjects = std::map<ObjectKey, Live>;

  [[nodiscard]] Result<std::vector<ObjectError>> TryAll(const std::vector<ObjectPtr>& objects);
  [[nodiscard]] Status WriteAll(const Snapshot& wanted, const std::set<ObjectKey>& leaving,
                                const Version& version);
  [[nodiscard]] Result<SnapshotPtr> ReadOurs();
  [[nodiscard]] Result<SnapshotPtr> ReadThese(const Snapshot& wanted,
                                              const std::set<ObjectKey>& leaving);
  // Objects with weft's label of these kinds; a kind without a CustomResourceDefinition has none.
  [[nodiscard]] Result<LiveObjects> List(const std::set<std::string>& kinds);
  [[nodiscard]] Status ListKind(const Resource& resource, LiveObjects& found);
  [[nodiscard]] Result<Response> Ask(const Request& request);
  // One object, by its name; null JSON when it is not there.
  [[nodiscard]] Result<Json> Get(const Resource& resource, const ObjectKey& key);
  [[nodiscard]] Result<Json> Find(const LiveObjects& live, const Resource& resource,
                                  const ObjectKey& key);
  [[nodiscard]] Result<Response> Apply(const Resource& resource, const ObjectKey& key,
                                       const Json& body, bool force, bool dry_run);
  [[nodiscard]] Status WriteOne(const Object& object, const LiveObjects& live,
                                const Version& version);
  [[nodiscard]] Status RemoveOne(const ObjectKey& key, const LiveObjects& live);
  [[nodiscard]] Result<std::optional<ObjectError>> TryOne(const Object& object,
                                                          const LiveObjects& live);

  Api& api_;
  bool lost_ = false;  // the last request had no answer
  std::vector<Drifted> drift_;
};

}  // namespace weft::relay::kube
