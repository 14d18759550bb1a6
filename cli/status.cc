// `weft status`: what the relay's server knows of its clusters.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "relay/admin/http.h"

namespace weft::cli {
namespace {

using Json = nlohmann::json;

struct Options {
  std::string admin = "http://127.0.0.1:9902";
  std::string format = "human";
  bool watch = false;
};

std::string VersionText(const Json& version) {
  const std::uint64_t generation = version.value("generation", std::uint64_t{0});
  if (generation == 0) return "-";
  return fmt::format("{}.{}", version.value("term", std::uint64_t{0}), generation);
}

bool InSync(const Json& cluster) {
  return cluster.value("connected", false) && cluster["desired"] == cluster["applied"] &&
         cluster["holds"].empty() && cluster["errors"].empty();
}

// Every cluster that is there runs what was released, and that is the newest policy.
bool AllInSync(const Json& status) {
  bool all = status["policy"].value("live", false) && !status["clusters"].empty();
  for (const Json& cluster : status["clusters"]) all = all && InSync(cluster);
  return all;
}

std::string FindingText(const Json& finding) {
  std::string place;
  if (finding.contains("file") && finding["file"].is_string()) {
    place = fmt::format("{}:{}: ", finding["file"].get<std::string>(), finding.value("line", 0));
  }
  std::string text = fmt::format("  {}{}[{} {}]: {}\n", place, finding.value("severity", ""),
                                 finding.value("code", ""), finding.value("name", ""),
                                 finding.value("message", ""));
  const auto witness = finding.find("witness");
  if (witness == finding.end() || !witness->is_object()) return text;
  const Json& from = (*witness)["from"];
  const auto word = [](const Json& json, const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_string()
               ? json[key].get<std::string>()
               : std::string("?");
  };
  text += fmt::format("    from {}/{} on {}: {} http://{}{}  is {}, wanted {}\n",
                      word(from, "namespace"), word(from, "serviceAccount"), word(from, "cluster"),
                      word(*witness, "method"), word(*witness, "host"), word(*witness, "path"),
                      finding.value("verdict", "?"), finding.value("expected", "?"));
  return text;
}

std::string RingsText(const Json& status) {
  std::string text;
  for (const Json& ring : status.value("rings", Json::array())) {
    const int number = ring.value("number", 0);
    std::string clusters;
    for (const Json& cluster : status["clusters"]) {
      if (cluster.value("ring", -1) == number) clusters += " " + cluster.value("name", "");
    }
    const int left = ring.value("secondsLeft", 0);
    text += fmt::format("ring {:<4}{}{}:{}\n", number, ring.value("state", ""),
                        left > 0 ? fmt::format(" for {} s more", left) : "", clusters);
    if (ring.contains("why")) text += "         " + ring.value("why", "") + "\n";
  }
  return text.empty() ? "" : "\n" + text;
}

std::string Human(const Json& status) {
  const Json& server = status["server"];
  const Json& policy = status["policy"];
  if (!server.value("leader", true)) {
    const std::string leads = server.value("leads", "");
    return leads.empty() ? "server   waits to lead; nobody does\n"
                         : "server   waits to lead; " + leads + " does\n";
  }
  std::string text = fmt::format("server   term {}, generation {}\n", server.value("term", 0),
                                 server.value("generation", 0));
  if (server.contains("storeError")) {
    text += "         cannot commit: " + server.value("storeError", "") + "\n";
  }
  text += fmt::format("policy   {} {}: {}, {}\n", policy.value("source", ""),
                      policy.value("digest", "").substr(0, 12), policy.value("verdict", ""),
                      policy.value("live", false) ? "live" : "not live");
  if (policy.contains("revision")) {
    text += "         commit " + policy.value("revision", "") + "\n";
  }
  if (policy.contains("degraded")) {
    text +=
        "         cannot be read, the last good one stays: " + policy.value("degraded", "") + "\n";
  }
  for (const Json& finding : policy["findings"]) text += FindingText(finding);
  text +=
      fmt::format("\n{:<16} {:<10} {:<9} {:<9} {:<10} {:>7}  {:<9} {}\n", "CLUSTER", "AGENT",
                  "DESIRED", "APPLIED", "EFFECTIVE", "OBJECTS", "DISCOVERY", "CERTIFICATE UNTIL");
  for (const Json& cluster : status["clusters"]) {
    text += fmt::format(
        "{:<16} {:<10} {:<9} {:<9} {:<10} {:>7}  {:<9} {}\n", cluster.value("name", ""),
        cluster.value("connected", false) ? "connected" : "away", VersionText(cluster["desired"]),
        VersionText(cluster["applied"]), cluster.value("effective", false) ? "yes" : "no",
        cluster.value("objects", 0), cluster.value("discovery", ""),
        cluster["certificateExpires"].is_string() ? cluster["certificateExpires"].get<std::string>()
                                                  : "-");
    if (cluster.contains("discoveryReason")) {
      text += "  discovery: " + cluster.value("discoveryReason", "") + "\n";
    }
    if (cluster.contains("complaint")) {
      text += "  complains: " + cluster.value("complaint", "") + "\n";
    }
    for (const Json& hold : cluster["holds"]) {
      text += fmt::format("  held: {}; {} removals. weft approve {}\n", hold.value("reason", ""),
                          hold.value("removals", 0), hold.value("id", ""));
    }
    for (const Json& error : cluster["errors"]) {
      text +=
          fmt::format("  refused: {} {}\n", error.value("object", ""), error.value("detail", ""));
    }
    for (const Json& drift : cluster.value("drift", Json::array())) {
      text += fmt::format("  drift {}: {}, {}; {} s ago\n", drift.value("state", ""),
                          drift.value("object", ""), drift.value("detail", ""),
                          drift.value("secondsAgo", 0));
    }
  }
  return text + RingsText(status);
}

int Show(const Options& options) {
  const Result<relay::HttpResponse> response = relay::Ask(options.admin, {"GET", "/v1/status", ""});
  const Json status = response.ok() ? Json::parse(response.value().body, nullptr, false) : Json();
  if (!response.ok() || response.value().status != 200 || !status.is_object()) {
    std::fprintf(stderr, "weft: %s\n",
                 response.ok() ? "the answer is not a status" : response.error().c_str());
    return kExitCannot;
  }
  if (options.format == "json") {
    std::fputs(response.value().body.c_str(), stdout);
  } else {
    std::fputs(Human(status).c_str(), stdout);
  }
  return AllInSync(status) ? kExitClean : kExitFindings;
}

int Status(const Options& options) {
  if (!options.watch) return Show(options);
  for (;;) {
    if (UseColor(stdout)) std::fputs("\x1b[H\x1b[2J", stdout);
    (void)Show(options);
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

void AddStatus(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("status", "clusters, releases and holds; exit code 0 when all in sync");
  command->footer("Example:\n  weft status --watch");
  command->add_option("--admin", options->admin, "admin port of the server")->capture_default_str();
  command->add_option("-o,--output", options->format, "human or json")
      ->check(Choice(std::vector<std::string>{"human", "json"}));
  command->add_flag("--watch", options->watch, "again every second");
  command->callback([options, &exit_code] { exit_code = Status(*options); });
}

}  // namespace weft::cli
