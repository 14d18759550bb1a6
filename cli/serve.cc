// `weft serve` and `weft agent`: the long-running commands of the relay.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/duration.h"
#include "relay/identity/identity.h"
#include "relay/process/agent_process.h"
#include "relay/process/serve.h"

namespace weft::cli {
namespace {

int Finish(const Status& status) {
  if (status.ok()) return kExitClean;
  std::fprintf(stderr, "weft: %s\n", status.error().c_str());
  return kExitCannot;
}

// What `kube`, `kube=KUBECONFIG` or `dir=PATH` names, and `xds=ADDR` for --apply.
Result<relay::AgentOptions::Place> PlaceOf(const std::string& flag, const std::string& value) {
  if (value.starts_with("dir=") && value.size() > 4) {
    return relay::AgentOptions::Place{.cluster = false, .path = value.substr(4), .address = ""};
  }
  if (value == "kube")
    return relay::AgentOptions::Place{.cluster = true, .path = "", .address = ""};
  if (value.starts_with("kube=") && value.size() > 5) {
    return relay::AgentOptions::Place{.cluster = true, .path = value.substr(5), .address = ""};
  }
  const bool applies = flag == "--apply";
  if (applies && value.starts_with("xds=") && value.size() > 4) {
    return relay::AgentOptions::Place{.cluster = false, .path = "", .address = value.substr(4)};
  }
  return Error{flag + " " + value + ": expected kube, kube=KUBECONFIG" +
               (applies ? ", dir=PATH or xds=HOST:PORT" : " or dir=PATH")};
}

int StartServer(relay::ServeOptions options) {
  if (options.policy == "kube" || options.policy.starts_with("kube=")) {
    return Finish(Error{"--policy " + options.policy +
                        ": this build reads policy from a directory or a git repository only"});
  }
  return Finish(relay::Serve(options));
}

// Puts `NAME=N` of --ring and the text of --soak into the options.
Status TakeRings(const std::vector<std::string>& rings, const std::string& soak,
                 relay::ServeOptions& options) {
  for (const std::string& ring : rings) {
    const std::size_t equals = ring.find('=');
    const std::string name = ring.substr(0, equals);
    const std::string number = equals == std::string::npos ? "" : ring.substr(equals + 1);
    const bool digits = !number.empty() && number.size() <= 2 &&
                        number.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || !relay::IsClusterName(name)) {
      return Error{"--ring " + ring + ": expected CLUSTER=NUMBER, 0 to 99"};
    }
    if (!options.rings.emplace(name, std::stoul(number)).second) {
      return Error{"--ring " + ring + ": the cluster is in a ring already"};
    }
  }
  const std::optional<std::int64_t> seconds = Seconds(soak);
  if (!seconds) return Error{"--soak " + soak + ": expected a duration such as 30s or 10m"};
  options.soak = std::chrono::seconds(*seconds);
  return Unit{};
}

struct AgentFlags {
  relay::AgentOptions options;
  std::string source;
  std::string apply;
  int settle_ms = 0;
};

int StartAgent(const AgentFlags& flags) {
  relay::AgentOptions options = flags.options;
  Result<relay::AgentOptions::Place> source = PlaceOf("--source", flags.source);
  if (!source.ok()) return Finish(Error{source.error()});
  Result<relay::AgentOptions::Place> apply = PlaceOf("--apply", flags.apply);
  if (!apply.ok()) return Finish(Error{apply.error()});
  options.source = std::move(source).value();
  options.apply = std::move(apply).value();
  options.settle = std::chrono::milliseconds(flags.settle_ms);
  return Finish(relay::RunAgent(options));
}

}  // namespace

void AddServe(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<relay::ServeOptions>();
  auto hours = std::make_shared<std::int64_t>(720);
  auto rings = std::make_shared<std::vector<std::string>>();
  auto soak = std::make_shared<std::string>("30s");
  CLI::App* command = app.add_subcommand(
      "serve", "the management server: prove the policy, release it to the agents");
  command->footer(
      "Examples:\n  weft serve --policy policies --store /var/lib/weft\n"
      "  weft serve --policy /srv/git/policies.git@main --store /var/lib/weft\n"
      "  weft serve --policy policies --store etcd://e1:2379,e2:2379,e3:2379/weft --ca ca \\\n"
      "    --store-ca etcd-ca.pem --store-cert weft.pem --store-key weft.key");
  command->add_option("--policy", options->policy, "directory of the policy, or REPO@REF of git")
      ->required();
  command
      ->add_option("--store", options->store,
                   "directory of the store, made; or etcd://HOST:PORT,…/PREFIX of several servers")
      ->required();
  command->add_option("--store-ca", options->store_tls.ca, "root of etcd's certificates (PEM)");
  command->add_option("--store-cert", options->store_tls.certificate,
                      "certificate shown to etcd (PEM)");
  command->add_option("--store-key", options->store_tls.key, "its key (PEM)");
  command->add_option("--listen", options->listen, "sessions of agents")->capture_default_str();
  command->add_option("--enroll-listen", options->enroll_listen, "enrolment of agents")
      ->capture_default_str();
  command->add_option("--admin-listen", options->admin_listen, "status and admin; loopback only")
      ->capture_default_str();
  command->add_option("--ca", options->ca,
                      "directory of the issuing key, the same for all servers; default STORE/ca");
  command->add_option("--ready-file", options->ready_file, "written once the server serves");
  command->add_option("--ring", *rings,
                      "CLUSTER=NUMBER: a policy goes to ring 0 first; others are in the last");
  command->add_option("--soak", *soak, "a ring holds a policy so long before the next gets it")
      ->capture_default_str();
  command->add_option("--certificate-hours", *hours, "life of agents' certificates")
      ->check(CLI::Range(1, 8760))
      ->capture_default_str();
  command->callback([options, hours, rings, soak, &exit_code] {
    options->certificate_ttl = std::chrono::hours(*hours);
    const Status taken = TakeRings(*rings, *soak, *options);
    exit_code = taken.ok() ? StartServer(*options) : Finish(taken);
  });
}

void AddAgent(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<AgentFlags>();
  relay::AgentOptions* options = &flags->options;
  CLI::App* command = app.add_subcommand(
      "agent", "the agent of one cluster: report what runs, apply what is released");
  command->footer(
      "Examples:\n  weft agent --server relay:9900 --enroll-server relay:9901 --cluster east \\\n"
      "    --state /var/lib/weft-agent --token-file token --source kube --apply kube\n"
      "  weft agent --server relay:9900 --enroll-server relay:9901 --cluster east \\\n"
      "    --state state --token-file token --source dir=manifests --apply dir=istio");
  command->add_option("--server", options->servers, "host:port of sessions, of each server")
      ->delimiter(',')
      ->required();
  command
      ->add_option("--enroll-server", options->enroll_servers,
                   "host:port of enrolment, of each server")
      ->delimiter(',')
      ->required();
  command->add_option("--cluster", options->cluster, "name of this cluster")->required();
  command->add_option("--state", options->state, "directory of last known good; made")->required();
  command->add_option("--token-file", options->token_file, "token of `weft enroll token`");
  command->add_option("--ready-file", options->ready_file, "written once the agent is enrolled");
  command
      ->add_option("--source", flags->source,
                   "what runs: kube[=KUBECONFIG], the cluster itself; dir=PATH, manifests")
      ->required();
  command
      ->add_option("--apply", flags->apply,
                   "what is released goes to: kube[=KUBECONFIG]; dir=PATH, keeps PATH/weft.yaml; "
                   "xds=HOST:PORT, istiods ask for it there")
      ->required();
  command->add_option("--health", options->health,
                      "http://host:port/path that tells how the cluster's traffic does: 2xx well");
  command->add_option("--context", options->context, "context of the kubeconfig");
  command
      ->add_option("--settle-ms", flags->settle_ms,
                   "apply a release in ordered steps, so long apart; 0 = at once")
      ->check(CLI::Range(0, 60000));
  command->callback([flags, &exit_code] { exit_code = StartAgent(*flags); });
}

}  // namespace weft::cli
