// `weft explain`: what becomes of one request, by which lines, and which objects carry them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/commands.h"
#include "cli/explain_log.h"
#include "cli/policy.h"
#include "cli/request_flags.h"
#include "dsl/overloaded.h"
#include "emit/emit.h"
#include "engine/codes.h"
#include "engine/reasons.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;
using engine::Model;
using engine::Outcome;

Json DestinationsJson(const Model& model, const Outcome& outcome) {
  Json destinations = Json::array();
  for (const engine::Branch& branch : outcome.branches) {
    for (std::size_t tier = 0; tier < branch.tiers.size(); ++tier) {
      for (const engine::Backend& backend : branch.tiers[tier].backends) {
        Json one;
        one["cluster"] = model[backend.cluster].name;
        std::visit(Overloaded{
                       [&](engine::ServiceId id) {
                         one["namespace"] = model[id].ns;
                         one["service"] = model[id].name;
                       },
                       [&](engine::ExternalId id) {
                         one["namespace"] = nullptr;
                         one["service"] = model[id].name;
                       },
                   },
                   backend.service);
        one["subset"] = branch.subset.empty() ? Json() : Json(branch.subset);
        one["weight"] = branch.weight;
        one["tier"] = tier;
        one["blocked"] = branch.blocked.has_value();
        destinations.push_back(std::move(one));
      }
    }
  }
  return destinations;
}

std::set<Span> DecidingSpans(const Outcome& outcome) {
  std::set<Span> spans;
  for (const Span& span : outcome.rules) {
    if (span.IsKnown()) spans.insert(span);
  }
  return spans;
}

// Clusters whose proxies take part: the caller's, and those of the servers.
std::set<std::string> Clusters(const Model& model, const engine::Request& request,
                               const Outcome& outcome) {
  std::set<std::string> clusters{model[request.cluster].name};
  for (const engine::Branch& branch : outcome.branches) {
    for (const engine::Tier& tier : branch.tiers) {
      for (const engine::Backend& b : tier.backends) clusters.insert(model[b.cluster].name);
    }
  }
  return clusters;
}

Json EmittedJson(const Policy& policy, const engine::Request& request, const Outcome& outcome) {
  Json emitted = Json::array();
  Diagnostics unused;  // what cannot be emitted carries nothing
  const auto objects = emit::EmitIstio(policy.model, {}, unused);
  const std::set<Span> spans = DecidingSpans(outcome);
  for (const std::string& cluster : Clusters(policy.model, request, outcome)) {
    const auto at = objects.find(cluster);
    if (at == objects.end()) continue;
    for (const emit::Object& object : at->second) {
      const bool carries = std::any_of(object.sources.begin(), object.sources.end(),
                                       [&](const Span& s) { return spans.contains(s); });
      if (!carries) continue;
      emitted.push_back({{"cluster", cluster},
                         {"kind", object.kind},
                         {"namespace", object.ns},
                         {"name", object.name}});
    }
  }
  return emitted;
}

// What is missing where nothing is there; "" when there is nothing to add.
std::string ReasonText(const Model& model, const engine::Request& request, const Outcome& outcome) {
  const engine::Reason reason = engine::WhyNowhere(model, request, outcome);
  if (reason.gateway.IsNone()) return reason.text;
  return reason.text + "; ask there: `--to gateway:" + model[reason.gateway].name +
         " --header host=" + request.host + "`";
}

Json OutcomeJson(const Policy& policy, const engine::Request& request, const Outcome& outcome) {
  const engine::Block* block = outcome.FirstBlock();
  const bool served = outcome.AllowedSomewhere();
  Json json;
  json["outcome"] = served ? "served" : "blocked";
  json["stage"] = block == nullptr ? Json() : Json(engine::StageName(block->stage));
  json["status"] = block == nullptr ? Json() : Json(block->status);
  const std::string reason = ReasonText(policy.model, request, outcome);
  if (!reason.empty()) json["reason"] = reason;
  if (outcome.answered) json["answered"] = engine::OutcomeText(policy.model, outcome);
  json["destinations"] = DestinationsJson(policy.model, outcome);
  json["rules"] = Json::array();
  for (const Span& span : outcome.rules) {
    if (span.IsKnown()) json["rules"].push_back(PlaceJson(span, policy.inputs.sources));
  }
  json["emitted"] = EmittedJson(policy, request, outcome);
  return json;
}

void PrintHuman(const Policy& policy, const engine::Request& request, const Outcome& outcome) {
  std::string text = engine::OutcomeText(policy.model, outcome) + "\n";
  const std::string reason = ReasonText(policy.model, request, outcome);
  if (!reason.empty()) text += "  " + reason + "\n";
  for (const engine::Branch& branch : outcome.branches) {
    if (outcome.branches.size() < 2) break;
    text += fmt::format("  {:g}% {}{}{}\n", branch.weight,
                        std::visit([&](auto id) { return policy.model[id].name; }, branch.target),
                        branch.subset.empty() ? "" : "." + branch.subset,
                        branch.blocked ? "  blocked" : "");
  }
  if (outcome.timeout) text += fmt::format("  timeout {}ms\n", outcome.timeout->count());
  if (outcome.rule != nullptr && outcome.rule->modifiers.delay) {
    const engine::FaultDelay& fault = *outcome.rule->modifiers.delay;
    text += fmt::format("  delayed {}ms for {:g}%\n", fault.delay.count(), fault.share);
  }
  std::set<std::string> seen;
  for (const Span& span : outcome.rules) {
    if (!span.IsKnown()) continue;
    const LineColumn at = policy.inputs.sources.Locate(span.file, span.begin);
    std::string line(policy.inputs.sources.Line(span.file, at.line));
    line.erase(0, line.find_first_not_of(' '));
    const std::string entry =
        fmt::format("  by {}  {}\n", policy.inputs.sources.FileLine(span), line);
    if (seen.insert(entry).second) text += entry;
  }
  for (const Json& object : EmittedJson(policy, request, outcome)) {
    text += fmt::format("  in {} {} {}/{}\n", object["cluster"].get<std::string>(),
                        object["kind"].get<std::string>(), object["namespace"].get<std::string>(),
                        object["name"].get<std::string>());
  }
  text.pop_back();
  PrintText(text);
}

struct Options {
  PolicyOptions policy;
  RequestFlags request;
  std::string log;  // "" = the request of the flags
};

int ExplainLines(const Options& options) {
  const std::unique_ptr<Policy> policy = LoadPolicy(options.policy);
  if (policy->ExitCode() != kExitClean) {
    PrintDiagnostics(
        policy->diagnostics, policy->inputs.sources,
        options.policy.format == Format::kJson ? Format::kPlain : options.policy.format);
  }
  if (policy->inputs.unreadable) return kExitCannot;
  return ExplainLog(*policy, options.log, options.request, options.policy.format);
}

int Explain(const Options& options) {
  if (!options.log.empty()) return ExplainLines(options);
  if (options.request.to.empty()) {
    std::fputs("weft: write --to HOST[:PORT] or --to gateway:NAME, or --log FILE\n", stderr);
    return kExitCannot;
  }
  const std::unique_ptr<Policy> policy = LoadPolicy(options.policy);
  const bool json = options.policy.format == Format::kJson;
  const Result<engine::Request> request = MakeRequest(options.request, policy->model);
  if (policy->ExitCode() != kExitClean && (policy->inputs.unreadable || !request.ok())) {
    PrintDiagnostics(policy->diagnostics, policy->inputs.sources, options.policy.format);
    return policy->ExitCode();
  }
  // What is broken is left out of the policy: the answer is that of the rest.
  if (policy->ExitCode() != kExitClean) {
    PrintDiagnostics(policy->diagnostics, policy->inputs.sources,
                     json ? Format::kPlain : options.policy.format);
  }
  if (!request.ok()) {
    std::fprintf(stderr, "weft: %s\n", request.error().c_str());
    return kExitCannot;
  }
  const std::string note =
      options.request.from.empty() ? "" : NoteOnCaller(options.request.from, policy->model);
  if (!note.empty()) std::fprintf(stderr, "weft: note: %s\n", note.c_str());
  const Outcome outcome = engine::Evaluate(policy->model, request.value());
  if (json) {
    PrintText(OutcomeJson(*policy, request.value(), outcome)
                  .dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    PrintHuman(*policy, request.value(), outcome);
  }
  return policy->ExitCode();
}

}  // namespace

void AddExplain(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("explain", "what becomes of a request, and which lines decide it");
  command->footer(
      "Examples:\n"
      "  weft explain policies/ --from web/frontend@east --to ledger.payments:8080 --path /api\n"
      "  weft explain policies/ --to gateway:north-south --header host=books.example --path /\n"
      "  kubectl logs deploy/reviews -c istio-proxy | weft explain policies/ --log -");
  AddPolicyOptions(*command, options->policy);
  AddRequestFlags(*command, options->request);
  command
      ->add_option("--log", options->log,
                   "access log of Istio's proxies, text or JSON; - for standard input")
      ->type_name("FILE");
  command->callback([options, &exit_code] { exit_code = Explain(*options); });
}

}  // namespace weft::cli
