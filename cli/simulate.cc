// `weft simulate`: where requests go when a cluster, a region or a zone is lost.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cli/commands.h"
#include "cli/policy.h"
#include "dsl/diagnostic.h"
#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "engine/places.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;
using engine::Model;
using engine::Request;

struct Options {
  PolicyOptions policy;
  std::vector<std::string> lose;  // KIND=NAME
  bool all = false;
};

// Callers of one cluster and place; they all see the same endpoints in the same order.
struct Place {
  engine::ClusterId cluster;
  engine::Locality locality;
  auto operator<=>(const Place&) const = default;
};

// What becomes of the requests from a place to a target.
struct Move {
  Place from;
  bool lost_too = false;  // the caller is in what is lost
  engine::TargetRef target;
  std::vector<engine::Tier> before, after;

  [[nodiscard]] bool Lost() const { return !before.empty() && after.empty(); }
  [[nodiscard]] bool Unchanged() const {
    if (before.empty() || after.empty()) return before.empty() && after.empty();
    return before.front().backends == after.front().backends;
  }
};

std::string PlaceText(const Model& model, const Place& place) {
  std::string text = model[place.cluster].name;
  const std::string& finest =
      place.locality.zone.empty() ? place.locality.region : place.locality.zone;
  return finest.empty() ? text : text + " (" + finest + ")";
}

engine::Locality LocalityOf(const Model& model, const engine::Workload& workload) {
  return workload.localities.empty() ? model[workload.cluster].locality
                                     : workload.localities.front();
}

std::vector<engine::TargetRef> Targets(const Model& model) {
  std::vector<engine::TargetRef> targets;
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    targets.emplace_back(engine::ServiceId{i});
  }
  for (std::uint32_t i = 0; i < model.destinations.size(); ++i) {
    targets.emplace_back(engine::DestinationId{i});
  }
  return targets;
}

// Every place with callers that see the target; those that are lost themselves are marked as such.
std::vector<Move> Simulate(const Model& model, const Request& lost) {
  std::vector<Move> moves;
  for (const engine::TargetRef& target : Targets(model)) {
    std::set<Place> seen;
    for (std::uint32_t w = 0; w < model.workloads.size(); ++w) {
      const engine::Workload& workload = model.workloads[w];
      const Place place{workload.cluster, LocalityOf(model, workload)};
      if (workload.ready <= 0 || !engine::Reaches(model, workload.workspace, target) ||
          !seen.insert(place).second) {
        continue;
      }
      const engine::Sender sender = engine::SidecarSender(model, {w}, place.cluster, {});
      Move move{.from = place,
                .lost_too = engine::IsLost(lost, place.cluster, place.locality),
                .target = target,
                .before = engine::TiersOf(model, target, "", sender, {}),
                .after = engine::TiersOf(model, target, "", sender, lost)};
      if (!move.before.empty() || !move.after.empty()) moves.push_back(std::move(move));
    }
  }
  return moves;
}

// ---- the command line

std::optional<engine::LossKind> KindOf(const std::string& word) {
  for (const engine::LossKind kind :
       {engine::LossKind::kCluster, engine::LossKind::kRegion, engine::LossKind::kZone}) {
    if (engine::LossWord(kind) == word) return kind;
  }
  return std::nullopt;
}

Status AddLoss(const Model& model, const std::string& text, Request& lost) {
  const std::size_t equals = text.find('=');
  const std::string word = text.substr(0, equals);
  const std::optional<engine::LossKind> kind = KindOf(word);
  if (equals == std::string::npos || !kind) {
    return Error{"--lose `" + text + "` is not cluster=NAME, region=NAME or zone=NAME"};
  }
  const std::string name = text.substr(equals + 1);
  const std::vector<std::string> known = engine::NamesOf(model, *kind);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    return Error{"there is no " + word + " `" + name + "`" + DidYouMean(name, known)};
  }
  engine::Lose(model, *kind, name, lost);
  return Unit{};
}

std::string TargetText(const Model& model, const engine::TargetRef& target) {
  return std::visit(Overloaded{
                        [&](engine::ServiceId id) { return model[id].ns + "/" + model[id].name; },
                        [&](engine::DestinationId id) {
                          return model[id].hosts.empty() ? model[id].name : model[id].hosts.front();
                        },
                        [&](engine::ExternalId id) { return model[id].name; },
                    },
                    target);
}

std::string BackendText(const Model& model, const engine::Backend& backend) {
  const std::string name = std::visit([&](auto id) { return model[id].name; }, backend.service);
  return name + " on " + model[backend.cluster].name;
}

std::string FirstTierText(const Model& model, const std::vector<engine::Tier>& tiers) {
  if (tiers.empty()) return "nothing";
  std::string text;
  for (const engine::Backend& backend : tiers.front().backends) {
    text += (text.empty() ? "" : ", ") + BackendText(model, backend);
  }
  return text;
}

Json TiersJson(const Model& model, const std::vector<engine::Tier>& tiers) {
  Json json = Json::array();
  for (const engine::Tier& tier : tiers) {
    Json backends = Json::array();
    for (const engine::Backend& backend : tier.backends) {
      Json one;
      one["cluster"] = model[backend.cluster].name;
      one["name"] = std::visit([&](auto id) { return model[id].name; }, backend.service);
      backends.push_back(std::move(one));
    }
    json.push_back(std::move(backends));
  }
  return json;
}

void PrintJson(const Policy& policy, const std::vector<Move>& moves, bool all) {
  const Model& model = policy.model;
  Json json;
  json["formatVersion"] = "1";
  json["moves"] = Json::array();
  std::size_t moved = 0;
  std::size_t lost = 0;
  for (const Move& move : moves) {
    moved += !move.Lost() && !move.Unchanged() ? 1 : 0;
    lost += move.Lost() ? 1 : 0;
    if (move.Unchanged() && !all) continue;
    json["moves"].push_back({{"from",
                              {{"cluster", model[move.from.cluster].name},
                               {"region", move.from.locality.region},
                               {"zone", move.from.locality.zone},
                               {"lost", move.lost_too}}},
                             {"to", TargetText(model, move.target)},
                             {"outcome", move.Lost()        ? "unavailable"
                                         : move.Unchanged() ? "unchanged"
                                                            : "moved"},
                             {"before", TiersJson(model, move.before)},
                             {"after", TiersJson(model, move.after)}});
  }
  json["summary"] = {
      {"moved", moved}, {"unavailable", lost}, {"unchanged", moves.size() - moved - lost}};
  PrintText(json.dump(2, ' ', false, Json::error_handler_t::replace));
}

void PrintHuman(const Policy& policy, const std::vector<Move>& moves, bool all) {
  const Model& model = policy.model;
  std::size_t moved = 0;
  std::size_t lost = 0;
  std::string text;
  for (const Move& move : moves) {
    moved += !move.Lost() && !move.Unchanged() ? 1 : 0;
    lost += move.Lost() ? 1 : 0;
    if (move.Unchanged() && !all) continue;
    const std::string where = TargetText(model, move.target);
    const std::string from = PlaceText(model, move.from) + (move.lost_too ? ", itself lost" : "");
    const std::string before = FirstTierText(model, move.before);
    if (move.Unchanged()) {
      text += fmt::format("{} from {}: {}, as before\n", where, from, before);
    } else {
      text +=
          fmt::format("{} from {}: {} instead of {}\n", where, from,
                      move.Lost() ? "unavailable (503)" : FirstTierText(model, move.after), before);
    }
  }
  PrintText(text + fmt::format("{} moved, {} unavailable, {} unchanged", moved, lost,
                               moves.size() - moved - lost));
}

int RunSimulate(const Options& options) {
  const std::unique_ptr<Policy> policy = LoadPolicy(options.policy);
  if (policy->ExitCode() != kExitClean) {
    PrintDiagnostics(policy->diagnostics, policy->inputs.sources, options.policy.format);
    return policy->ExitCode();
  }
  Request lost;
  for (const std::string& text : options.lose) {
    if (Status status = AddLoss(policy->model, text, lost); !status.ok()) {
      std::fprintf(stderr, "weft: %s\n", status.error().c_str());
      return kExitCannot;
    }
  }
  const std::vector<Move> moves = Simulate(policy->model, lost);
  if (options.policy.format == Format::kJson) {
    PrintJson(*policy, moves, options.all);
  } else {
    PrintHuman(*policy, moves, options.all);
  }
  return kExitClean;
}

}  // namespace

void AddSimulate(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("simulate", "where requests go when a part is lost");
  command->footer("Example:\n  weft simulate examples/bookinfo --lose region=us-east-1");
  AddPolicyOptions(*command, options->policy);
  command->add_option("--lose", options->lose, "cluster=NAME, region=NAME or zone=NAME; repeatable")
      ->required();
  command->add_flag("--all", options->all, "also what stays as it is");
  command->callback([options, &exit_code] { exit_code = RunSimulate(*options); });
}

}  // namespace weft::cli
