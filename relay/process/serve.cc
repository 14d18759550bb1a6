#include "relay/process/serve.h"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "relay/admin/http.h"
#include "relay/admin/report.h"
#include "relay/files/manifests.h"
#include "relay/identity/identity.h"
#include "relay/net/service.h"
#include "relay/process/candidate.h"
#include "relay/process/log.h"
#include "relay/process/mailbox.h"
#include "relay/process/policy_source.h"
#include "relay/process/ready.h"
#include "relay/process/replica.h"
#include "relay/process/signals.h"
#include "relay/store/records.h"
#include "relay/store/sqlite_store.h"

namespace weft::relay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kTick{50};
constexpr std::chrono::seconds kSilence{15};

Time Now() {
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}
std::int64_t UnixNow() { return static_cast<std::int64_t>(std::time(nullptr)); }

HttpResponse Failure(int status, const std::string& why) {
  return {.status = status, .body = Json{{"error", why}}.dump() + "\n"};
}

// One thread owns the state machine; everything reaches it as a function in its mailbox.
class ServerProcess {
 public:
  // `scratch` is a directory for what can be made again.
  ServerProcess(ServeOptions options, std::unique_ptr<Store> store, std::string scratch)
      : options_(std::move(options)), scratch_(std::move(scratch)), store_(std::move(store)) {}
  ~ServerProcess() { Stop(); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Leads in a term of `least_term` or later.
  Status Start(std::uint64_t least_term) {
    Result<std::unique_ptr<PolicySource>> policy =
        OpenPolicy(options_.policy, scratch_ + "/policy");
    if (!policy.ok()) return Error{"--policy " + policy.error()};
    policy_ = std::move(policy).value();
    Result<Authority> authority =
        Authority::Open(options_.ca.empty() ? options_.store + "/ca" : options_.ca);
    if (!authority.ok()) return Error{authority.error()};
    authority_ = std::make_unique<Authority>(std::move(authority).value());
    records_ = std::make_unique<Records>(*store_);
    Result<ServerImage> image = records_->Lead(least_term);
    if (!image.ok()) return Error{image.error()};
    Result<std::map<std::string, std::int64_t>> revoked = Revocations(*store_);
    if (!revoked.ok()) return Error{revoked.error()};
    revoked_ = std::move(revoked).value();
    server::Config config;
    config.check_input = WrongWithDiscovered;
    config.rings = options_.rings;
    config.soak = options_.soak;
    core_ = std::make_unique<server::Server>(config, std::move(image).value(), Now());
    core_thread_ = std::thread([this] { Loop(); });
    compile_thread_ = std::thread([this] { CompileLoop(); });
    policy_thread_ = std::thread([this] { WatchPolicy(); });
    const Status ports = OpenPorts();
    if (!ports.ok()) return ports;
    Log(Level::kInfo, "serving", {{"admin", admin_->url()}});
    ServeOptions bound = options_;
    bound.listen = WithPort(options_.listen, service_->port());
    bound.enroll_listen = WithPort(options_.enroll_listen, service_->enroll_port());
    return WriteReady(bound, admin_->url());
  }

  // From now on it writes nothing and sends nothing.
  void Quiesce();

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    std::unique_ptr<AdminServer> admin;
    {
      const std::lock_guard<std::mutex> guard(admin_mutex_);
      admin = std::move(admin_);
    }
    admin.reset();
    if (service_) service_->Stop();
    stopping_ = true;
    if (policy_) policy_->Interrupt();
    compiles_.Push(server::Compile{});
    for (std::thread* thread : {&policy_thread_, &compile_thread_, &core_thread_}) {
      if (thread->joinable()) thread->join();
    }
  }

  [[nodiscard]] bool deposed() const { return deposed_; }

 private:
  // ---- the owner's thread

  void Loop() {
    Time ticked = Now();
    while (!stopping_) {
      std::optional<std::function<void()>> job = jobs_.Pop(kTick);
      if (job) (*job)();
      if (Now() - ticked < kTick) continue;
      ticked = Now();
      Deliver(server::Tick{});
      // Comments keep proxies from ending a stream on which nothing happens.
      if (Now() - said_at_.load() > kSilence) Publish(": nothing happened\n\n");
    }
  }

  void Deliver(server::Event event) {
    if (quiet_) return;
    pending_.push_back(std::move(event));
    if (pending_.size() > 1) return;  // the one that is being worked on goes on with it
    while (!pending_.empty()) {
      for (const server::Action& action : core_->On(pending_.front(), Now())) {
        std::visit([this](const auto& one) { Do(one); }, action);
      }
      pending_.pop_front();
    }
  }

  void Do(const server::Send& action) {
    if (service_) service_->Send(action.session, action.message);
  }
  void Do(const server::Close& action) {
    if (service_) service_->Close(action.session, action.reason);
  }
  void Do(const server::Compile& action) { compiles_.Push(action); }
  void Do(const server::Commit& action) {
    server::Committed done = records_->Save(action, UnixNow());
    if (done.outcome == server::Committed::Outcome::kDone && action.head != action.parent) {
      Log(Level::kInfo, "released",
          {{"generation", std::to_string(action.head.generation)}, {"clusters", action.what}});
      Tell("release", {{"generation", action.head.generation},
                       {"term", action.head.term},
                       {"policy", action.policy},
                       {"actor", action.actor},
                       {"what", action.what}});
    } else if (done.outcome != server::Committed::Outcome::kDone) {
      Log(Level::kError, "not committed", {{"why", done.error}});
    }
    pending_.emplace_back(std::move(done));
  }
  void Do(const server::CheckLeadership&) {
    const Result<bool> leads = records_->StillLeads(core_->GetStatus().term);
    // A store that cannot be read says nothing about who leads.
    if (leads.ok()) pending_.emplace_back(server::Leadership{leads.value()});
  }
  void Do(const server::StepDown&) {
    deposed_ = true;
    Log(Level::kError, "another server leads");
    EndProcess();
  }
  void Do(const server::Audit& action) {
    Log(Level::kWarning, action.what, {{"actor", action.actor}});
    Tell("audit", {{"actor", action.actor}, {"what", action.what}});
    const Status logged = records_->Log(action, UnixNow());
    if (!logged.ok()) Log(Level::kError, "not audited", {{"why", logged.error()}});
  }

  // To everybody who listens to /v1/events.
  void Publish(const std::string& text) {
    said_at_ = Now();
    const std::lock_guard<std::mutex> guard(admin_mutex_);
    if (admin_) admin_->Publish(text);
  }
  void Tell(const char* event, const Json& data) {
    Publish(std::string("event: ") + event +
            "\ndata: " + data.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n");
  }

  // Runs `what` on the owner's thread and waits for its result.
  template <typename What>
  auto Asked(What what) {
    using Answer = decltype(what());
    auto task = std::make_shared<std::packaged_task<Answer()>>(std::move(what));
    std::future<Answer> answer = task->get_future();
    jobs_.Push([task] { (*task)(); });
    return answer.get();
  }

  // ---- the pipeline and the policy

  void CompileLoop() {
    while (!stopping_) {
      const std::optional<server::Compile> compile = compiles_.Pop(kTick);
      if (!compile || compile->serial == 0) continue;
      server::Candidate candidate = MakeCandidate(Newest().directory, *compile);
      Log(Level::kInfo, "candidate",
          {{"policy", candidate.policy.substr(0, 12)},
           {"verdict", std::string(VerdictName(candidate.verdict))}});
      Tell("candidate",
           {{"policy", candidate.policy}, {"verdict", VerdictName(candidate.verdict)}});
      jobs_.Push(
          [this, candidate = std::move(candidate)] { Deliver(server::Compiled{candidate}); });
    }
  }

  void WatchPolicy() {
    while (!stopping_) {
      const Result<PolicyRevision> found = policy_->Read();
      server::PolicyRead read;
      if (found.ok()) {
        const std::lock_guard<std::mutex> guard(newest_mutex_);
        newest_ = found.value();
        read.digest = newest_.digest;
      } else {
        read.degraded = found.error();
      }
      jobs_.Push([this, read] { Deliver(read); });
      policy_->Wait();
    }
  }

  [[nodiscard]] PolicyRevision Newest() {
    const std::lock_guard<std::mutex> guard(newest_mutex_);
    return newest_;
  }

  // ---- ports

  ServiceCallbacks Callbacks() {
    return {.admit =
                [this](const std::string& certificate, const std::string& cluster) {
                  const Result<Validity> validity = ValidityOf(certificate);
                  if (!validity.ok()) return validity.error();
                  const std::lock_guard<std::mutex> guard(expiry_mutex_);
                  const auto revoked = revoked_.find(cluster);
                  if (revoked != revoked_.end() && IsRevoked(validity.value(), revoked->second)) {
                    return std::string("its certificate was revoked");
                  }
                  expires_[cluster] = validity.value().until;
                  return std::string();
                },
            .opened =
                [this](std::uint64_t session, const std::string& cluster) {
                  jobs_.Push([=, this] { Deliver(server::SessionOpened{session, cluster}); });
                },
            .received =
                [this](std::uint64_t session, AgentMessage message) {
                  jobs_.Push([this, session, message = std::move(message)] {
                    Deliver(server::Received{session, message});
                    service_->ReadNext(session);
                  });
                },
            .closed =
                [this](std::uint64_t session) {
                  jobs_.Push([=, this] { Deliver(server::SessionClosed{session}); });
                },
            .find =
                [this](const std::string& cluster, const Digest& digest) {
                  return Asked([&] { return core_->Find(cluster, digest); });
                },
            .enroll = [this](const std::string& token,
                             const std::string& csr) { return Admit(token, csr); },
            .renew =
                [this](const std::string& cluster, const std::string& csr) {
                  return Asked([&] { return Certify(csr, cluster, "renewed"); });
                },
            .suspicious =
                [this](const std::string& what) {
                  jobs_.Push([=, this] { Do(server::Audit{"weft", what}); });
                }};
  }

  Result<std::string> Admit(const std::string& token, const std::string& csr) {
    return Asked([&]() -> Result<std::string> {
      if (quiet_) return Error{"this server ends"};
      const Result<std::string> cluster = RedeemToken(*store_, token, UnixNow());
      if (!cluster.ok()) return cluster;
      return Certify(csr, cluster.value(), "enrolled");
    });
  }

  Result<std::string> Certify(const std::string& csr, const std::string& cluster,
                              const std::string& what) {
    Result<std::string> chain = authority_->SignAgent(csr, cluster, options_.certificate_ttl);
    if (chain.ok()) Do(server::Audit{"cluster " + cluster, what});
    return chain;
  }

  Status OpenPorts() {
    const Result<Authority::ServerCertificate> own = authority_->SignServer(kServerLife);
    if (!own.ok()) return Error{own.error()};
    Result<std::unique_ptr<Service>> service =
        Service::Start({.listen = options_.listen,
                        .enroll_listen = options_.enroll_listen,
                        .key = own.value().key,
                        .chain = own.value().chain,
                        .root = authority_->root()},
                       Callbacks());
    if (!service.ok()) return Error{service.error()};
    // Published on the owner's thread, which alone uses it from here on.
    Asked([&] {
      service_ = std::move(service).value();
      return true;
    });
    Result<std::unique_ptr<AdminServer>> admin = AdminServer::Start(
        options_.admin_listen, [this](const HttpRequest& request) { return Answer(request); });
    if (!admin.ok()) return Error{admin.error()};
    const std::lock_guard<std::mutex> guard(admin_mutex_);
    admin_ = std::move(admin).value();
    return Unit{};
  }

  // ---- admin

  [[nodiscard]] Surroundings Around() {
    const std::string revision = Newest().revision;
    const std::lock_guard<std::mutex> guard(expiry_mutex_);
    return {.policy_source = options_.policy,
            .policy_revision = revision,
            .certificate_expires = expires_};
  }

  HttpResponse Answer(const HttpRequest& request) {
    if (request.method == "GET") return Show(request.target);
    if (request.method != "POST") return Failure(405, "GET or POST");
    const Json body = Json::parse(request.body, nullptr, false);
    if (!body.is_object()) return Failure(400, "the body is not a JSON object");
    try {
      if (request.target == "/v1/tokens") return MakeToken(body);
      if (request.target == "/v1/approve") return ApproveHold(body);
      if (request.target == "/v1/express") return GoExpress();
      if (request.target == "/v1/rollback") return RollBack(body);
      if (request.target == "/v1/revoke") return RevokeCluster(body);
    } catch (const Json::exception& error) {
      return Failure(400, error.what());
    }
    return Failure(404, "there is no such thing here");
  }

  HttpResponse Show(const std::string& target) {
    if (target == "/healthz") return {.type = "text/plain", .body = "ok\n"};
    if (target == "/v1/audit") {
      const Result<std::string> log = AuditText(*store_);
      if (!log.ok()) return Failure(500, log.error());
      return {.type = "application/x-ndjson", .body = log.value()};
    }
    if (target == "/v1/events") {
      return {.type = "text/event-stream", .body = ": weft\n\n", .goes_on = true};
    }
    if (target == "/v1/releases") {
      const Result<std::string> releases = Asked([this] { return records_->Releases(); });
      if (!releases.ok()) return Failure(500, releases.error());
      return {.body = releases.value() + "\n"};
    }
    const server::Status status = Asked([this] { return core_->GetStatus(); });
    if (target == "/readyz") {
      return status.leader ? HttpResponse{.type = "text/plain", .body = "ok\n"}
                           : HttpResponse{503, "text/plain", "another server leads\n"};
    }
    if (target == "/v1/status") return {.body = StatusJson(status, Around()) + "\n"};
    if (target == "/metrics") {
      return {.type = "text/plain; version=0.0.4", .body = Metrics(status, Around())};
    }
    if (target.starts_with("/v1/")) {
      const std::optional<std::string> part = StatusPart(status, Around(), target.substr(4));
      if (part) return {.body = *part + "\n"};
    }
    return Failure(404, "there is no such thing here");
  }

  HttpResponse MakeToken(const Json& body) {
    const std::string cluster = body.at("cluster");
    const std::int64_t ttl = body.at("ttlSeconds");
    if (!IsClusterName(cluster)) return Failure(400, "`" + cluster + "` is no cluster's name");
    if (ttl < 1 || ttl > 86400) return Failure(400, "a token lives for 1 s to 24 h");
    const Result<std::string> root = FingerprintOf(authority_->root());
    const Result<Token> token =
        Asked([&] { return IssueToken(*store_, cluster, root.value(), UnixNow() + ttl); });
    if (!token.ok()) return Failure(500, token.error());
    jobs_.Push([=, this] { Do(server::Audit{"operator", "token for cluster " + cluster}); });
    return {.body = Json{{"token", ToText(token.value())}}.dump() + "\n"};
  }

  HttpResponse RevokeCluster(const Json& body) {
    const std::string cluster = body.at("cluster");
    if (!IsClusterName(cluster)) return Failure(400, "`" + cluster + "` is no cluster's name");
    return Asked([&]() -> HttpResponse {
      const std::int64_t now = UnixNow();
      const Status revoked = Revoke(*store_, cluster, now);
      if (!revoked.ok()) return Failure(500, revoked.error());
      {
        const std::lock_guard<std::mutex> guard(expiry_mutex_);
        revoked_[cluster] = now;
        expires_.erase(cluster);
      }
      Do(server::Audit{"operator", "revoked the certificates of cluster " + cluster});
      Deliver(server::Dismiss{cluster, "its certificate was revoked"});
      return {.body = Json{{"revoked", cluster}}.dump() + "\n"};
    });
  }

  HttpResponse ApproveHold(const Json& body) {
    const std::string hold = body.at("hold");
    const bool known = Asked([&] {
      if (!core_->HasHold(hold)) return false;
      Deliver(server::Approve{hold, "operator"});
      return true;
    });
    if (!known) {
      return Failure(404, "there is no hold `" + hold +
                              "`: what it was for may have changed; see weft status");
    }
    return {.body = Json{{"approved", hold}}.dump() + "\n"};
  }

  HttpResponse GoExpress() {
    const bool waits = Asked([&] {
      if (!core_->HasWaitingRing()) return false;
      Deliver(server::Express{"operator"});
      return true;
    });
    if (!waits) return Failure(409, "no ring waits for the newest proved policy");
    return {.body = Json{{"express", true}}.dump() + "\n"};
  }

  HttpResponse RollBack(const Json& body) {
    const std::string cluster = body.value("cluster", "");
    const std::uint64_t to = body.value("to", std::uint64_t{0});
    return Asked([&]() -> HttpResponse {
      const std::uint64_t head = core_->GetStatus().generation;
      if (head == 0 || (to == 0 && head < 2)) return Failure(409, "there is nothing to go back to");
      Result<std::map<std::string, SnapshotPtr>> sets = records_->Release(to == 0 ? head - 1 : to);
      if (!sets.ok()) return Failure(404, sets.error());
      std::map<std::string, SnapshotPtr> wanted = std::move(sets).value();
      if (!cluster.empty()) {
        std::erase_if(wanted, [&](const auto& entry) { return entry.first != cluster; });
        if (wanted.empty())
          return Failure(404, "cluster `" + cluster + "` was not in that release");
      }
      Deliver(server::Rollback{wanted, to == 0 ? head - 1 : to, "operator"});
      return {.body = Json{{"generation", core_->GetStatus().generation}}.dump() + "\n"};
    });
  }

  const ServeOptions options_;
  const std::string scratch_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Authority> authority_;
  std::unique_ptr<Records> records_;
  std::unique_ptr<server::Server> core_;
  std::deque<server::Event> pending_;
  bool quiet_ = false;
  std::unique_ptr<Service> service_;
  std::mutex admin_mutex_;
  std::unique_ptr<AdminServer> admin_;
  std::atomic<Time> said_at_ = Time(0);
  Mailbox<std::function<void()>> jobs_;
  Mailbox<server::Compile> compiles_;
  std::unique_ptr<PolicySource> policy_;
  std::mutex newest_mutex_;
  PolicyRevision newest_;
  std::mutex expiry_mutex_;
  std::map<std::string, std::int64_t> expires_;
  std::map<std::string, std::int64_t> revoked_;  // by cluster, since when
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> deposed_ = false;
  bool stopped_ = false;
  std::thread core_thread_;
  std::thread compile_thread_;
  std::thread policy_thread_;
};

void ServerProcess::Quiesce() {
  Asked([this] { return quiet_ = true; });
}

}  // namespace

Status Serve(const ServeOptions& options) {
  BlockSignals();
  if (options.store.starts_with("etcd://")) {
    Replica replica(options);
    const Result<bool> leads = replica.WaitToLead();
    if (!leads.ok()) return Error{leads.error()};
    if (!leads.value()) return Unit{};
    Result<std::unique_ptr<Store>> store = replica.OpenStore();
    if (!store.ok()) return Error{store.error()};
    ServerProcess process(replica.options(), std::move(store).value(), replica.scratch());
    const Status started = process.Start(replica.term());
    if (!started.ok()) return started;
    WaitForEnd();
    process.Quiesce();
    const bool deposed = process.deposed() || replica.lost();
    // Before the sessions end, so that agents find another leader when they look for one.
    replica.Resign();
    process.Stop();
    return deposed ? Status(Error{"another server leads"}) : Status(Unit{});
  }
  Result<std::unique_ptr<Store>> store = OpenSqliteStore(options.store);
  if (!store.ok()) return Error{store.error()};
  ServerProcess process(options, std::move(store).value(), options.store);
  const Status started = process.Start(0);
  if (!started.ok()) return started;
  WaitForEnd();
  process.Stop();
  if (process.deposed()) return Error{"another server leads"};
  return Unit{};
}

}  // namespace weft::relay
