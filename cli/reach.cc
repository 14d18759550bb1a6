// `weft who-can` and `weft can-reach`: answers over all requests.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/request_flags.h"
#include "dsl/overloaded.h"
#include "verifier/reach.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;
using engine::Model;
using verifier::Reach;

struct Options {
  PolicyOptions policy;
  std::string subject;
  std::vector<std::string> project_inputs;  // `inputs` of weft.toml
};

std::string CallerText(const Model& model, const Reach& reach) {
  const verifier::Candidate& caller = reach.caller;
  if (!caller.identity) return "anyone without mTLS identity";
  std::string text = caller.identity->ns + "/" + caller.identity->account;
  if (!caller.source.IsNone()) text += "@" + model[caller.cluster].name;
  if (caller.source.IsNone()) text += " (not discovered, " + caller.identity->trust_domain + ")";
  return text;
}

// NAMESPACE/SERVICE:PORT@CLUSTER, or the host of what is in no cluster.
std::string ReachedText(const Model& model, const Reach& reach) {
  return std::visit(Overloaded{
                        [&](engine::ServiceId id) {
                          return fmt::format("{}/{}:{}@{}", model[id].ns, model[id].name,
                                             reach.port, model[reach.cluster].name);
                        },
                        [&](engine::DestinationId) {
                          return fmt::format("{}:{} (destination)", reach.example.host, reach.port);
                        },
                        [&](engine::ExternalId id) {
                          return fmt::format("{}:{} (external)", model[id].hosts.front(),
                                             reach.port);
                        },
                    },
                    reach.target);
}

std::string How(const Reach& reach) {
  if (reach.undecided) return "undecided";
  if (reach.always) return "any request";
  if (reach.example.layer != engine::Layer::kHttp) return "some connections";
  std::string text = "some, such as " + reach.example.method + " " + reach.example.path;
  for (const auto& [name, value] : reach.example.headers)
    text += fmt::format(" [{}: {}]", name, value);
  if (!reach.example.tokens.empty()) text += " with a token";
  return text;
}

Json ReachJson(const Model& model, const Reach& reach) {
  const verifier::Candidate& caller = reach.caller;
  Json json;
  const auto* service = std::get_if<engine::ServiceId>(&reach.target);
  json["kind"] = std::visit(Overloaded{
                                [](engine::ServiceId) { return "service"; },
                                [](engine::DestinationId) { return "destination"; },
                                [](engine::ExternalId) { return "external"; },
                            },
                            reach.target);
  json["cluster"] = model[reach.cluster].name;
  json["namespace"] = service == nullptr ? Json() : Json(model[*service].ns);
  json["service"] = service == nullptr ? Json() : Json(model[*service].name);
  json["name"] = std::visit([&](auto id) { return model[id].name; }, reach.target);
  json["port"] = reach.port;
  json["caller"] = {
      {"cluster", caller.source.IsNone() ? Json() : Json(model[caller.cluster].name)},
      {"namespace", caller.identity ? Json(caller.identity->ns) : Json()},
      {"serviceAccount", caller.identity ? Json(caller.identity->account) : Json()},
      {"workspace", caller.workspace.IsNone() ? Json() : Json(model[caller.workspace].name)},
      {"mtls", caller.identity.has_value()},
      {"discovered", !caller.source.IsNone()}};
  json["how"] = reach.undecided ? "undecided" : reach.always ? "any" : "some";
  json["example"] = {{"method", reach.example.method},
                     {"host", reach.example.host},
                     {"path", reach.example.path},
                     {"headers", reach.example.headers}};
  return json;
}

int Print(const Policy& policy, const Options& options, const std::vector<Reach>& found,
          bool callers) {
  if (options.policy.format == Format::kJson) {
    Json json;
    json["formatVersion"] = "1";
    json["subject"] = options.subject;
    json["answers"] = Json::array();
    for (const Reach& reach : found) json["answers"].push_back(ReachJson(policy.model, reach));
    PrintText(json.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    const bool several = std::any_of(found.begin(), found.end(), [&](const Reach& reach) {
      return reach.caller.cluster != found.front().caller.cluster;
    });
    for (const Reach& reach : found) {
      const std::string caller = CallerText(policy.model, reach);
      const std::string service = ReachedText(policy.model, reach);
      PrintText(callers ? fmt::format("{:<48} {}  {}", caller, service, How(reach))
                        : fmt::format("{:<48} {}{}", service, How(reach),
                                      several ? "  (from " + caller + ")" : ""));
    }
    if (found.empty()) PrintText(callers ? "nobody" : "nothing");
  }
  const bool undecided =
      std::any_of(found.begin(), found.end(), [](const Reach& reach) { return reach.undecided; });
  return undecided ? kExitUndecided : kExitClean;
}

std::unique_ptr<Policy> Load(const Options& options, int& code) {
  std::unique_ptr<Policy> policy = LoadPolicy(options.policy);
  code = policy->ExitCode();
  if (code != kExitClean) {
    PrintDiagnostics(policy->diagnostics, policy->inputs.sources, options.policy.format);
  }
  return policy;
}

// The last positional argument is the subject, those before it are inputs; without any, those of
// the project file are.
bool TakeSubject(Options& options, const char* what) {
  std::vector<std::string>& paths = options.policy.inputs.paths;
  options.subject = paths.back();
  paths.pop_back();
  if (paths.empty()) paths = options.project_inputs;
  if (!paths.empty()) return true;
  std::fprintf(stderr, "weft: write INPUTS and then %s\n", what);
  return false;
}

void AddReachOptions(CLI::App& command, Options& options) {
  AddPolicyOptions(command, options.policy);
  // The project file's, which the positional arguments would replace by the subject.
  command.add_option("--inputs", options.project_inputs)->group("");
}

int WhoCan(const Options& options) {
  int code = kExitClean;
  const std::unique_ptr<Policy> policy = Load(options, code);
  if (code != kExitClean) return code;
  const std::size_t slash = options.subject.find('/');
  const engine::ServiceId service =
      slash == std::string::npos ? engine::ServiceId{}
                                 : policy->model.FindService(options.subject.substr(0, slash),
                                                             options.subject.substr(slash + 1));
  if (service.IsNone()) {
    std::vector<std::string> known;
    for (const engine::Service& s : policy->model.services) known.push_back(s.ns + "/" + s.name);
    std::fprintf(stderr, "weft: there is no service `%s`%s\n", options.subject.c_str(),
                 DidYouMean(options.subject, known, "; write NAMESPACE/SERVICE").c_str());
    return kExitCannot;
  }
  return Print(*policy, options, verifier::WhoCan(policy->model, service), true);
}

verifier::Candidate CallerOf(const engine::Request& request, const Model& model) {
  verifier::Candidate caller{
      .source = request.source, .identity = request.identity, .cluster = request.cluster};
  if (request.source.IsNone()) return caller;
  const engine::Workload& w = model[request.source];
  caller.workspace = w.workspace;
  if (w.sidecar) caller.identity = engine::Identity{model[w.cluster].trust_domain, w.ns, w.account};
  return caller;
}

// The caller in the cluster that is named, else in every cluster it runs in.
int CanReach(const Options& options) {
  int code = kExitClean;
  const std::unique_ptr<Policy> policy = Load(options, code);
  if (code != kExitClean) return code;
  const Model& model = policy->model;
  std::vector<std::string> callers{options.subject};
  const std::vector<engine::ClusterId> clusters = ClustersOfCaller(options.subject, model);
  if (clusters.size() > 1) {
    callers.clear();
    for (const engine::ClusterId c : clusters) {
      callers.push_back(options.subject + "@" + model[c].name);
    }
  }
  std::vector<Reach> found;
  for (const std::string& caller : callers) {
    const Result<engine::Request> from = RequestFrom(caller, model);
    if (!from.ok()) {
      std::fprintf(stderr, "weft: %s\n", from.error().c_str());
      return kExitCannot;
    }
    const std::string note = NoteOnCaller(caller, model);
    if (!note.empty()) std::fprintf(stderr, "weft: note: %s\n", note.c_str());
    for (Reach& reach : verifier::CanReach(model, CallerOf(from.value(), model))) {
      found.push_back(std::move(reach));
    }
  }
  return Print(*policy, options, found, false);
}

}  // namespace

void AddWhoCan(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("who-can", "INPUTS... NAMESPACE/SERVICE: who gets in, over all requests");
  command->footer("Example:\n  weft who-can policies/ payments/ledger");
  AddReachOptions(*command, *options);
  command->callback([options, &exit_code] {
    exit_code = TakeSubject(*options, "NAMESPACE/SERVICE") ? WhoCan(*options) : kExitCannot;
  });
}

void AddCanReach(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "can-reach", "INPUTS... NAMESPACE/ACCOUNT[@CLUSTER]: where it gets, over all requests");
  command->footer("Example:\n  weft can-reach policies/ web/frontend@east");
  AddReachOptions(*command, *options);
  command->callback([options, &exit_code] {
    exit_code =
        TakeSubject(*options, "NAMESPACE/ACCOUNT[@CLUSTER]") ? CanReach(*options) : kExitCannot;
  });
}

}  // namespace weft::cli
