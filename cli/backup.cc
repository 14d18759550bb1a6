// `weft audit`, `weft backup`, `weft restore`: the server's log and store.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/choice.h"
#include "cli/commands.h"
#include "relay/admin/http.h"
#include "relay/files/files.h"
#include "relay/store/backup.h"
#include "relay/store/records.h"
#include "relay/store/sqlite_store.h"

namespace weft::cli {
namespace {

using Json = nlohmann::json;

struct AuditFlags {
  std::string admin = "http://127.0.0.1:9902";
  std::string store;
  std::string log;
  std::string format = "human";
  bool verify = false;
};

int Cannot(const std::string& why) {
  std::fprintf(stderr, "weft: %s\n", why.c_str());
  return kExitCannot;
}

// These commands read a store as a directory.
Status CheckDirectory(const std::string& store) {
  if (!store.starts_with("etcd://")) return Unit{};
  return Error{"--store " + store +
               ": a directory is wanted; ask the server that leads (--admin), " +
               "and copy an etcd with etcdctl snapshot save"};
}

Result<std::string> ReadLog(const AuditFlags& flags) {
  if (!flags.log.empty()) return relay::ReadWhole(flags.log);
  if (!flags.store.empty()) {
    const Status directory = CheckDirectory(flags.store);
    if (!directory.ok()) return Error{directory.error()};
    const Result<std::unique_ptr<relay::Store>> store = relay::OpenSqliteStore(flags.store);
    if (!store.ok()) return Error{store.error()};
    return relay::AuditText(*store.value());
  }
  const Result<relay::HttpResponse> answer = relay::Ask(flags.admin, {"GET", "/v1/audit", ""});
  if (!answer.ok()) return Error{answer.error()};
  if (answer.value().status != 200) return Error{"the server does not give its log"};
  return answer.value().body;
}

std::string HumanLine(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("what")) return "";
  const std::time_t time = json.value("time", std::int64_t{0});
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return fmt::format("{}  {}: {}\n", std::string(text, size), json.value("actor", ""),
                     json.value("what", ""));
}

int Audit(const AuditFlags& flags) {
  const Result<std::string> log = ReadLog(flags);
  if (!log.ok()) return Cannot(log.error());
  if (flags.verify) {
    const Result<std::uint64_t> verified = relay::VerifyAuditText(log.value());
    if (!verified.ok()) {
      std::fprintf(stderr, "weft: the log is not what was written: %s\n", verified.error().c_str());
      return kExitFindings;
    }
    std::printf("%llu entries, none missing, none changed\n",
                static_cast<unsigned long long>(verified.value()));
    return kExitClean;
  }
  if (flags.format == "json") {
    std::fputs(log.value().c_str(), stdout);
    return kExitClean;
  }
  std::size_t begin = 0;
  for (std::size_t end = log.value().find('\n'); end != std::string::npos;
       end = log.value().find('\n', begin)) {
    std::fputs(HumanLine(log.value().substr(begin, end - begin)).c_str(), stdout);
    begin = end + 1;
  }
  return kExitClean;
}

void AddStoreAndFile(CLI::App& command, std::string& store, std::string& file) {
  command.add_option("file", file, "the copy")->required();
  command.add_option("--store", store, "directory of the store, as given to weft serve")
      ->required();
}

}  // namespace

void AddAudit(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<AuditFlags>();
  CLI::App* command = app.add_subcommand(
      "audit", "the server's log: every release, hold, approval, enrolment, refusal");
  command->footer(
      "Examples:\n  weft audit\n  weft audit -o json > log.jsonl\n"
      "  weft audit --log log.jsonl --verify");
  CLI::Option* admin = command->add_option("--admin", flags->admin, "admin port of the server")
                           ->capture_default_str();
  CLI::Option* store =
      command->add_option("--store", flags->store, "the store itself, when no server runs");
  command->add_option("--log", flags->log, "a log that was saved with -o json")
      ->excludes(store)
      ->excludes(admin);
  command->add_flag("--verify", flags->verify,
                    "whether every entry holds the digest of the one before; exit code 1 if not");
  command->add_option("-o,--output", flags->format, "human or json")
      ->check(Choice(std::vector<std::string>{"human", "json"}));
  command->callback([flags, &exit_code] { exit_code = Audit(*flags); });
}

void AddBackup(CLI::App& app, int& exit_code) {
  auto store = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("backup", "copy the server's store to a file, also while it runs");
  command->footer("Example:\n  weft backup weft.backup --store /var/lib/weft");
  AddStoreAndFile(*command, *store, *file);
  command->callback([store, file, &exit_code] {
    Status done = CheckDirectory(*store);
    if (done.ok()) done = relay::BackUpStore(*store, *file);
    exit_code = done.ok() ? kExitClean : Cannot(done.error());
  });
}

void AddRestore(CLI::App& app, int& exit_code) {
  auto store = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("restore", "make a store out of a backup; never over another one");
  command->footer("Example:\n  weft restore weft.backup --store /var/lib/weft");
  AddStoreAndFile(*command, *store, *file);
  command->callback([store, file, &exit_code] {
    Status done = CheckDirectory(*store);
    if (done.ok()) done = relay::RestoreStore(*file, *store);
    exit_code = done.ok() ? kExitClean : Cannot(done.error());
  });
}

}  // namespace weft::cli
