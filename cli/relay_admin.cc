// `weft enroll token`, `weft enroll revoke`, `weft approve`, `weft rollback`: what a person tells
// the relay's server.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/duration.h"
#include "relay/admin/http.h"

namespace weft::cli {
namespace {

using Json = nlohmann::json;

constexpr char kAdmin[] = "http://127.0.0.1:9902";

void AddAdmin(CLI::App& command, std::string& admin) {
  admin = kAdmin;
  command.add_option("--admin", admin, "admin port of the server")->capture_default_str();
}

// Posts and hands the answer to `print`; errors are told on stderr.
template <typename Print>
int Post(const std::string& admin, const std::string& target, const Json& body, Print print) {
  const Result<relay::HttpResponse> response = relay::Ask(admin, {"POST", target, body.dump()});
  if (!response.ok()) {
    std::fprintf(stderr, "weft: %s\n", response.error().c_str());
    return kExitCannot;
  }
  const Json answer = Json::parse(response.value().body, nullptr, false);
  if (response.value().status != 200 || !answer.is_object()) {
    const std::string why = answer.is_object() ? answer.value("error", "") : "";
    std::fprintf(stderr, "weft: %s\n", why.empty() ? "the server refused" : why.c_str());
    return kExitCannot;
  }
  print(answer);
  return kExitClean;
}

struct TokenOptions {
  std::string admin;
  std::string cluster;
  std::string ttl = "10m";
};

int MakeToken(const TokenOptions& options) {
  const std::optional<std::int64_t> seconds = Seconds(options.ttl);
  if (!seconds) {
    std::fprintf(stderr, "weft: --ttl %s: expected a duration such as 90s, 10m or 2h\n",
                 options.ttl.c_str());
    return kExitCannot;
  }
  return Post(options.admin, "/v1/tokens", {{"cluster", options.cluster}, {"ttlSeconds", *seconds}},
              [](const Json& answer) { std::printf("%s\n", answer.value("token", "").c_str()); });
}

}  // namespace

void AddEnroll(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<TokenOptions>();
  CLI::App* command = app.add_subcommand("enroll", "let a cluster's agent join the relay");
  command->require_subcommand(1);
  CLI::App* token = command->add_subcommand(
      "token", "print a token: one cluster, one use, and the digest of the server's root");
  token->footer("Example:\n  weft enroll token --cluster east --ttl 10m > token");
  token->add_option("--cluster", options->cluster, "the cluster it is for")->required();
  token->add_option("--ttl", options->ttl, "how long it may be used")->capture_default_str();
  AddAdmin(*token, options->admin);
  token->callback([options, &exit_code] { exit_code = MakeToken(*options); });
  CLI::App* revoke = command->add_subcommand(
      "revoke", "end the identity of a cluster's agent: its certificates and unused tokens");
  revoke->footer("Example:\n  weft enroll revoke --cluster east");
  revoke->add_option("--cluster", options->cluster, "whose agent")->required();
  AddAdmin(*revoke, options->admin);
  revoke->callback([options, &exit_code] {
    exit_code = Post(options->admin, "/v1/revoke", {{"cluster", options->cluster}},
                     [&](const Json&) { std::printf("revoked %s\n", options->cluster.c_str()); });
  });
}

void AddApprove(CLI::App& app, int& exit_code) {
  auto hold = std::make_shared<std::string>();
  auto express = std::make_shared<bool>(false);
  auto admin = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "approve", "let a held release go, or the newest policy to every ring; see weft status");
  command->footer("Examples:\n  weft approve 3f35f5bc1e6a\n  weft approve --express");
  CLI::Option* id = command->add_option("hold", *hold, "id of the hold");
  command->add_flag("--express", *express, "the newest proved policy goes to every ring at once")
      ->excludes(id);
  AddAdmin(*command, *admin);
  command->callback([hold, express, admin, &exit_code] {
    if (*express) {
      exit_code = Post(*admin, "/v1/express", Json::object(),
                       [](const Json&) { std::printf("the newest policy goes to every ring\n"); });
      return;
    }
    if (hold->empty()) throw CLI::RequiredError("the id of a hold, or --express,");
    exit_code = Post(*admin, "/v1/approve", {{"hold", *hold}},
                     [&](const Json&) { std::printf("approved %s\n", hold->c_str()); });
  });
}

void AddRollback(CLI::App& app, int& exit_code) {
  auto cluster = std::make_shared<std::string>();
  auto to = std::make_shared<std::uint64_t>(0);
  auto admin = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "rollback", "release an earlier generation again; the policy stays out until it changes");
  command->footer("Example:\n  weft rollback --to 41");
  command->add_option("--cluster", *cluster, "only this cluster");
  command->add_option("--to", *to, "generation; default the one before the newest");
  AddAdmin(*command, *admin);
  command->callback([cluster, to, admin, &exit_code] {
    Json body = {{"to", *to}};
    if (!cluster->empty()) body["cluster"] = *cluster;
    exit_code = Post(*admin, "/v1/rollback", body, [](const Json& answer) {
      std::printf("rolled back; newest generation %llu\n",
                  static_cast<unsigned long long>(answer.value("generation", std::uint64_t{0})));
    });
  });
}

}  // namespace weft::cli
