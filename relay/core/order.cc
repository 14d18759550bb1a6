#include "relay/core/order.h"

#include <array>
#include <string_view>
#include <utility>

namespace weft::relay {
namespace {

enum class Step { kReferred, kDestinations, kTightening, kRoutes, kLoosening, kRemovals, kGuards };
constexpr std::array kSteps = {Step::kReferred, Step::kDestinations, Step::kTightening,
                               Step::kRoutes,   Step::kLoosening,    Step::kRemovals,
                               Step::kGuards};

bool IsSecurity(std::string_view kind) { return kind.ends_with(".security.istio.io"); }

Step StepOfChange(const Object& object, bool added) {
  const std::string_view kind = object.key.kind;
  if (kind.starts_with("ServiceEntry.") || kind.starts_with("WorkloadEntry.") ||
      kind.starts_with("WorkloadGroup.")) {
    return Step::kReferred;
  }
  if (kind.starts_with("VirtualService.")) return Step::kRoutes;
  if (!IsSecurity(kind)) return Step::kDestinations;
  // A changed ALLOW policy is taken for a wider one: the old stays in force until the routes stand.
  const bool allows = kind.starts_with("AuthorizationPolicy.") &&
                      object.content.find("\"action\":\"DENY\"") == std::string::npos;
  return allows && !added ? Step::kLoosening : Step::kTightening;
}

}  // namespace

std::vector<SnapshotPtr> ApplicationSteps(const Snapshot& from, const Snapshot& to) {
  const Delta delta = Diff(from, to);
  std::vector<SnapshotPtr> steps;
  std::map<ObjectKey, ObjectPtr> objects = from.objects;
  for (const Step step : kSteps) {
    bool changes = false;
    for (const ObjectPtr& object : delta.changed) {
      if (StepOfChange(*object, !from.objects.contains(object->key)) != step) continue;
      objects.insert_or_assign(object->key, object);
      changes = true;
    }
    for (const ObjectKey& key : delta.removed) {
      if ((IsSecurity(key.kind) ? Step::kGuards : Step::kRemovals) != step) continue;
      objects.erase(key);
      changes = true;
    }
    if (changes) steps.push_back(MakeSnapshot(objects));
  }
  return steps;
}

}  // namespace weft::relay
