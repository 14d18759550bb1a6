#include "relay/process/replica.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "relay/admin/http.h"
#include "relay/admin/report.h"
#include "relay/identity/identity.h"
#include "relay/net/service.h"
#include "relay/process/log.h"
#include "relay/process/ready.h"
#include "relay/process/signals.h"

namespace weft::relay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kLook{50};

std::string HostName() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

HttpResponse Waits(const std::string& hint) {
  return {.status = 503, .body = Json{{"error", hint}}.dump() + "\n"};
}

}  // namespace

Replica::Replica(const ServeOptions& options) : options_(options) {}

Replica::~Replica() {
  admin_.reset();
  service_.reset();
  Resign();
  std::error_code ignored;
  if (!scratch_.empty()) std::filesystem::remove_all(scratch_, ignored);
}

Status Replica::Prepare() {
  if (options_.ca.empty()) {
    return Error{"--store etcd://… needs --ca, the same directory's files for every server"};
  }
  Result<EtcdAddress> address = ParseEtcdAddress(options_.store);
  if (!address.ok()) return Error{"--store " + address.error()};
  address_ = std::move(address).value();
  Result<std::unique_ptr<EtcdClient>> client = EtcdClient::Make(address_, options_.store_tls);
  if (!client.ok()) return Error{client.error()};
  client_ = std::move(client).value();
  std::string pattern = (std::filesystem::temp_directory_path() / "weft-server-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return Error{"`" + pattern + "` cannot be made"};
  scratch_ = pattern;
  return Unit{};
}

Result<bool> Replica::WaitToLead() {
  const Status prepared = Prepare();
  if (!prepared.ok()) return Error{prepared.error()};
  const Status opened = OpenPorts();
  if (!opened.ok()) return Error{opened.error()};
  const std::string port = options_.listen.substr(options_.listen.rfind(':'));
  leadership_ = std::make_unique<Leadership>(
      client_, address_.prefix, LeaderName{HostName() + port, root_}, [] { EndProcess(); });
  followed_ = leadership_.get();
  const Status ready = WriteReady(options_, admin_->url());
  if (!ready.ok()) return Error{ready.error()};
  Log(Level::kInfo, "waits to lead", {{"admin", admin_->url()}});
  bool ends = false;
  while (!ends && !leadership_->leads()) {
    ends = WaitForEnd(kLook);
    const LeaderName leader = leadership_->leader();
    if (leader.root.empty() || leader.root == root_) continue;
    return Error{"`" + options_.ca + "` is not the --ca of `" + leader.server + "`, which leads"};
  }
  admin_.reset();
  service_.reset();
  return !ends;
}

Status Replica::OpenPorts() {
  const Result<Authority> authority = Authority::Open(options_.ca);
  if (!authority.ok()) return Error{authority.error()};
  const Result<std::string> root = FingerprintOf(authority.value().root());
  if (!root.ok()) return Error{root.error()};
  root_ = root.value();
  const Result<Authority::ServerCertificate> own = authority.value().SignServer(kServerLife);
  if (!own.ok()) return Error{own.error()};
  const auto refuse = [this](const std::string&, const std::string&) -> Result<std::string> {
    return Error{Hint()};
  };
  Result<std::unique_ptr<Service>> service =
      Service::Start({.listen = options_.listen,
                      .enroll_listen = options_.enroll_listen,
                      .key = own.value().key,
                      .chain = own.value().chain,
                      .root = authority.value().root()},
                     {.admit = [this](const std::string&, const std::string&) { return Hint(); },
                      .opened = [](std::uint64_t, const std::string&) {},
                      .received = [](std::uint64_t, AgentMessage) {},
                      .closed = [](std::uint64_t) {},
                      .find = [](const std::string&, const Digest&) { return ObjectPtr(); },
                      .enroll = refuse,
                      .renew = refuse,
                      .suspicious = [](const std::string&) {}});
  if (!service.ok()) return Error{service.error()};
  service_ = std::move(service).value();
  options_.listen = WithPort(options_.listen, service_->port());
  options_.enroll_listen = WithPort(options_.enroll_listen, service_->enroll_port());
  Result<std::unique_ptr<AdminServer>> admin = AdminServer::Start(
      options_.admin_listen, [this](const HttpRequest& request) { return Answer(request); });
  if (!admin.ok()) return Error{admin.error()};
  admin_ = std::move(admin).value();
  const std::string url = admin_->url();
  options_.admin_listen = url.substr(url.find("//") + 2);
  return Unit{};
}

std::string Replica::Hint() const {
  const Leadership* leadership = followed_;
  const std::string leader = leadership == nullptr ? "" : leadership->leader().server;
  return leader.empty() ? "this server waits to lead, and no other leads yet"
                        : "this server waits to lead; `" + leader + "` does";
}

HttpResponse Replica::Answer(const HttpRequest& request) const {
  if (request.method != "GET") return Waits(Hint());
  if (request.target == "/healthz") return {.type = "text/plain", .body = "ok\n"};
  if (request.target == "/readyz") return {503, "text/plain", Hint() + "\n"};
  const server::Status status{.leader = false};
  const Surroundings around{.policy_source = options_.policy};
  if (request.target == "/metrics") {
    return {.type = "text/plain; version=0.0.4", .body = Metrics(status, around)};
  }
  if (request.target != "/v1/status") return Waits(Hint());
  Json json = Json::parse(StatusJson(status, around));
  const Leadership* leadership = followed_;
  json["server"]["leads"] = leadership == nullptr ? "" : leadership->leader().server;
  return {.body = json.dump(2) + "\n"};
}

Result<std::unique_ptr<Store>> Replica::OpenStore() {
  Result<std::unique_ptr<EtcdStore>> store = EtcdStore::Open(client_, address_.prefix);
  if (!store.ok()) return Error{store.error()};
  store.value()->Guard(leadership_->fence());
  return std::unique_ptr<Store>(std::move(store).value());
}

std::uint64_t Replica::term() const {
  return static_cast<std::uint64_t>(leadership_->fence().create_revision);
}

bool Replica::lost() const { return leadership_->lost(); }

void Replica::Resign() {
  if (leadership_) leadership_->Resign();
}

}  // namespace weft::relay
