#include "relay/admin/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

namespace weft::relay {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const Version& version) {
  return {{"term", version.term}, {"generation", version.generation}};
}

std::string Iso(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

Json ClusterJson(const server::ClusterStatus& cluster, const Surroundings& around) {
  Json one = {{"name", cluster.name},
              {"connected", cluster.connected},
              {"desired", ToJson(cluster.desired)},
              {"applied", ToJson(cluster.applied)},
              {"effective", cluster.effective},
              {"objects", cluster.objects},
              {"discovered", cluster.discovered},
              {"discovery", cluster.discovery}};
  if (!cluster.complaint.empty()) one["complaint"] = cluster.complaint;
  if (!cluster.discovery_reason.empty()) one["discoveryReason"] = cluster.discovery_reason;
  one["holds"] = Json::array();
  for (const Hold& hold : cluster.holds) {
    Json names = Json::array();
    for (const ObjectKey& key : hold.removed) names.push_back(ToText(key));
    one["holds"].push_back({{"id", hold.id},
                            {"reason", hold.reason},
                            {"removals", hold.removed.size()},
                            {"removed", names}});
  }
  one["errors"] = Json::array();
  for (const ObjectError& error : cluster.errors) {
    one["errors"].push_back({{"object", ToText(error.key)}, {"detail", error.detail}});
  }
  if (!cluster.rejection.empty()) {
    one["errors"].push_back({{"object", ""}, {"detail", cluster.rejection}});
  }
  one["drift"] = Json::array();
  for (const server::DriftStatus& drift : cluster.drift) {
    one["drift"].push_back({{"object", ToText(drift.object.key)},
                            {"detail", drift.object.detail},
                            {"state", drift.held ? "held" : "repaired"},
                            {"times", drift.times},
                            {"secondsAgo", drift.ago.count() / 1000}});
  }
  const auto expires = around.certificate_expires.find(cluster.name);
  one["certificateExpires"] =
      expires == around.certificate_expires.end() ? Json() : Json(Iso(expires->second));
  return one;
}

}  // namespace

std::string StatusJson(const server::Status& status, const Surroundings& around) {
  Json json;
  json["formatVersion"] = "1";
  json["server"] = {
      {"term", status.term}, {"generation", status.generation}, {"leader", status.leader}};
  if (!status.store_error.empty()) json["server"]["storeError"] = status.store_error;
  json["policy"] = {{"source", around.policy_source},
                    {"digest", status.policy},
                    {"verdict", VerdictName(status.verdict)},
                    {"live", status.live}};
  if (!around.policy_revision.empty()) json["policy"]["revision"] = around.policy_revision;
  Json findings = Json::parse(status.findings, nullptr, false);
  json["policy"]["findings"] = findings.is_array() ? findings : Json::array();
  if (!status.degraded.empty()) json["policy"]["degraded"] = status.degraded;
  json["policy"]["waitingFor"] = status.waiting_for;
  json["clusters"] = Json::array();
  for (const server::ClusterStatus& cluster : status.clusters) {
    json["clusters"].push_back(ClusterJson(cluster, around));
    if (!status.rings.empty()) json["clusters"].back()["ring"] = cluster.ring;
  }
  json["rings"] = Json::array();
  for (const server::RingStatus& ring : status.rings) {
    Json one = {{"number", ring.number},
                {"state", StateName(ring.state)},
                {"secondsLeft", (ring.left.count() + 999) / 1000}};
    if (!ring.why.empty()) one["why"] = ring.why;
    json["rings"].push_back(std::move(one));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::string> StatusPart(const server::Status& status, const Surroundings& around,
                                      const std::string& part) {
  const Json json = Json::parse(StatusJson(status, around));
  Json answer;
  const std::string one = "clusters/";
  if (part == "findings") answer = json["policy"]["findings"];
  if (part == "clusters" || part == "rings") answer = json[part];
  if (part == "holds") answer = Json::array();
  for (const Json& cluster : json["clusters"]) {
    if (part.starts_with(one) && cluster["name"] == part.substr(one.size())) answer = cluster;
    if (part != "holds") continue;
    for (Json hold : cluster["holds"]) {
      hold["cluster"] = cluster["name"];
      answer.push_back(std::move(hold));
    }
  }
  if (answer.is_null()) return std::nullopt;
  return answer.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string Metrics(const server::Status& status, const Surroundings& around) {
  std::string text;
  const auto describe = [&](const char* name, const char* help) {
    text += fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, help, name);
  };
  describe("weft_generation", "Newest release.");
  text += fmt::format("weft_generation {}\n", status.generation);
  describe("weft_term", "Term of this server.");
  text += fmt::format("weft_term {}\n", status.term);
  describe("weft_policy_live", "1 when the newest policy is the one enforced.");
  text += fmt::format("weft_policy_live {}\n", status.live ? 1 : 0);
  describe("weft_policy_degraded", "1 when the policy source cannot be read.");
  text += fmt::format("weft_policy_degraded {}\n", status.degraded.empty() ? 0 : 1);
  describe("weft_store_failing", "1 when the last commit failed.");
  text += fmt::format("weft_store_failing {}\n", status.store_error.empty() ? 0 : 1);
  const auto each = [&](const char* name, const char* help, auto value) {
    describe(name, help);
    for (const server::ClusterStatus& cluster : status.clusters) {
      text += fmt::format("{}{{cluster=\"{}\"}} {}\n", name, cluster.name, value(cluster));
    }
  };
  using Cluster = server::ClusterStatus;
  each("weft_cluster_connected", "1 while the agent has a session.",
       [](const Cluster& c) { return c.connected ? 1 : 0; });
  each("weft_cluster_in_sync", "1 when the agent runs what was released for it.",
       [](const Cluster& c) { return c.in_sync ? 1 : 0; });
  each("weft_cluster_effective", "1 when what it runs was read back.",
       [](const Cluster& c) { return c.effective ? 1 : 0; });
  each("weft_cluster_discovery_complete", "1 when its source is read; 0 degraded or frozen.",
       [](const Cluster& c) { return c.discovery == "complete" ? 1 : 0; });
  each("weft_cluster_holds", "Releases that wait for a person.",
       [](const Cluster& c) { return c.holds.size(); });
  each("weft_cluster_refused_objects", "Objects its agent cannot take.",
       [](const Cluster& c) { return c.errors.size(); });
  each("weft_cluster_drifted_objects", "Objects that others changed within the last hour.",
       [](const Cluster& c) { return c.drift.size(); });
  each("weft_cluster_drift_held", "Objects that others keep changing, not put right for now.",
       [](const Cluster& c) {
         return std::count_if(c.drift.begin(), c.drift.end(),
                              [](const server::DriftStatus& drift) { return drift.held; });
       });
  each("weft_cluster_complains", "1 while whoever watches its traffic complains.",
       [](const Cluster& c) { return c.complaint.empty() ? 0 : 1; });
  each("weft_cluster_certificate_expires_seconds", "Unix time; 0 unknown.", [&](const Cluster& c) {
    const auto at = around.certificate_expires.find(c.name);
    return at == around.certificate_expires.end() ? std::int64_t{0} : at->second;
  });
  const auto each_ring = [&](const char* name, const char* help, server::RingStatus::State state) {
    describe(name, help);
    for (const server::RingStatus& ring : status.rings) {
      text += fmt::format("{}{{ring=\"{}\"}} {}\n", name, ring.number, ring.state == state ? 1 : 0);
    }
  };
  each_ring("weft_ring_through", "1 when the ring held the newest proved policy for the soak.",
            server::RingStatus::State::kThrough);
  each_ring("weft_ring_rolled_back", "1 when the ring went back from the newest proved policy.",
            server::RingStatus::State::kRolledBack);
  return text;
}

}  // namespace weft::relay
