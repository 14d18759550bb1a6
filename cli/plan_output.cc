#include "cli/plan_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/output.h"
#include "cli/plan_text.h"
#include "cli/request_json.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;
using verifier::Change;

Json LinesJson(const std::vector<Span>& spans, const SourceMap& sources) {
  Json lines = Json::array();
  for (const Span& span : spans) {
    Json place = PlaceJson(span, sources);
    place["text"] = LineText(span, sources);
    lines.push_back(std::move(place));
  }
  return lines;
}

Json ChangeJson(const PlanResult& result, const Change& change) {
  const verifier::Versions& versions = *result.report.versions;
  Json json;
  json["kind"] = verifier::ChangeName(change.kind);
  json["before"] = {{"what", change.was},
                    {"lines", LinesJson(change.before, result.before.inputs.sources)}};
  json["after"] = {{"what", change.now},
                   {"lines", LinesJson(change.after, result.after.inputs.sources)}};
  if (change.sent_after) {
    json["request"] = RequestJson(versions.after, *change.sent_after);
  } else {
    json["request"] = RequestJson(versions.before, *change.sent_before);
  }
  json["callers"] = change.callers;
  json["futureCallers"] = change.future_callers;
  json["callersWithoutIdentity"] = change.anonymous_callers;
  json["destinations"] = change.destinations;
  json["replayed"] = true;
  return json;
}

Json KeyJson(const relay::ObjectKey& key) {
  return {
      {"kind", key.kind.substr(0, key.kind.find('.'))}, {"namespace", key.ns}, {"name", key.name}};
}

Json RolloutJson(const PlanResult& result) {
  Json rollout = Json::array();
  for (const auto& [cluster, steps] : result.rollout) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      Json step = {{"cluster", cluster}, {"step", i + 1}, {"apply", Json::array()}};
      for (const relay::ObjectKey& key : steps[i].applied) step["apply"].push_back(KeyJson(key));
      step["remove"] = Json::array();
      for (const relay::ObjectKey& key : steps[i].removed) step["remove"].push_back(KeyJson(key));
      rollout.push_back(std::move(step));
    }
  }
  return rollout;
}

std::string_view ActionName(emit::ObjectChange::Kind kind) {
  switch (kind) {
    case emit::ObjectChange::Kind::kAdded:
      return "added";
    case emit::ObjectChange::Kind::kChanged:
      return "changed";
    case emit::ObjectChange::Kind::kRemoved:
      return "removed";
  }
  return "";
}

}  // namespace

std::string PlanJson(const PlanResult& result) {
  Json json;
  json["formatVersion"] = "1";
  json["against"] = result.against;
  Json kinds = Json::object();
  for (const auto& [kind, count] : KindCounts(result)) {
    kinds[std::string(verifier::ChangeName(kind))] = count;
  }
  const ObjectCounts counts = CountObjects(result);
  json["summary"] = {
      {"changes", result.report.changes.size()},
      {"kinds", std::move(kinds)},
      {"undecided", result.report.undecided.size()},
      {"unconfirmed", result.report.unconfirmed},
      {"objects",
       {{"added", counts.added}, {"changed", counts.changed}, {"removed", counts.removed}}}};
  json["changes"] = Json::array();
  for (const Change& change : result.report.changes) {
    json["changes"].push_back(ChangeJson(result, change));
  }
  json["undecided"] = result.report.undecided;
  json["objects"] = Json::array();
  for (const auto& [cluster, changes] : result.objects) {
    for (const emit::ObjectChange& change : changes) {
      json["objects"].push_back({{"cluster", cluster},
                                 {"change", ActionName(change.kind)},
                                 {"kind", change.object_kind},
                                 {"namespace", change.ns},
                                 {"name", change.name},
                                 {"diff", change.difference}});
    }
  }
  json["rollout"] = RolloutJson(result);
  json["findings"] = {
      {"before", FindingsJson(result.before.diagnostics, result.before.inputs.sources)},
      {"after", FindingsJson(result.after.diagnostics, result.after.inputs.sources)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weft::cli
