#include "relay/process/agent_process.h"

#include <unistd.h>

#include <atomic>
#include <ctime>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "relay/core/agent.h"
#include "relay/files/files.h"
#include "relay/files/manifests.h"
#include "relay/files/state.h"
#include "relay/identity/identity.h"
#include "relay/net/client.h"
#include "relay/process/health.h"
#include "relay/process/log.h"
#include "relay/process/mailbox.h"
#include "relay/process/signals.h"
#include "relay/process/source.h"
#include "relay/process/target.h"

namespace weft::relay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kTick{50};
constexpr std::chrono::seconds kRenewRetry{30};
constexpr int kFirstLooks = 30;  // a second apart
constexpr std::chrono::seconds kLookAtHealth{2};

Time Now() {
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

class AgentProcess {
 public:
  explicit AgentProcess(const AgentOptions& options) : options_(options), state_(options.state) {}
  ~AgentProcess() { Stop(); }
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  Status Start() {
    const Status made = MakeDirectory(options_.state);
    if (!made.ok()) return made;
    const Status opened = OpenPlaces();
    if (!opened.ok()) return opened;
    Result<std::optional<AgentRecord>> record = state_.LoadRecord();
    if (!record.ok()) return Error{record.error()};
    const Status enrolled = EnrolIfNeeded();
    if (!enrolled.ok()) return enrolled;
    MakeClient();

    agent::Config config{.cluster = options_.cluster,
                         .seed = static_cast<std::uint64_t>(Now().count()) ^
                                 static_cast<std::uint64_t>(::getpid()) << 32,
                         .servers = static_cast<int>(options_.servers.size()),
                         .stepwise = options_.settle > Time(0) || target_->IsPiecemeal(),
                         .settle = options_.settle,
                         .try_first = target_->IsPiecemeal()};
    config.validate = WrongWith;
    core_ = std::make_unique<agent::Agent>(config);
    agent::Started started{.last_good = std::move(record).value()};
    Result<SnapshotPtr> found = LookAtTarget(started.last_good);
    if (!found.ok()) return Error{found.error()};
    started.found = std::move(found).value();
    jobs_.Push([this, started = std::move(started)] { Deliver(started); });
    core_thread_ = std::thread([this] { Loop(); });
    work_thread_ = std::thread([this] { Serve(work_); });
    target_thread_ = std::thread([this] { Serve(target_work_); });
    source_thread_ = std::thread([this] {
      source_->Run([this](agent::Discovered discovered) {
        jobs_.Push([this, discovered = std::move(discovered)] { Deliver(discovered); });
      });
    });
    if (health_) {
      health_thread_ = std::thread([this] { WatchHealth(); });
    }
    Log(Level::kInfo, "agent runs",
        {{"cluster", options_.cluster}, {"server", options_.servers.front()}});
    return WriteReady();
  }

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    stopping_ = true;
    if (source_) source_->Stop();
    for (std::thread* thread :
         {&health_thread_, &source_thread_, &target_thread_, &work_thread_, &core_thread_}) {
      if (thread->joinable()) thread->join();
    }
    client_.reset();
  }

 private:
  Status OpenPlaces() {
    if (options_.source.cluster) {
      Result<std::unique_ptr<Source>> source =
          OpenClusterSource(options_.source.path, options_.context);
      if (!source.ok()) return Error{source.error()};
      source_ = std::move(source).value();
    } else {
      source_ = OpenDirectorySource(options_.source.path);
    }
    const AgentOptions::Place& apply = options_.apply;
    Result<std::unique_ptr<Target>> target = !apply.address.empty() ? OpenMcpTarget(apply.address)
                                             : apply.cluster
                                                 ? OpenClusterTarget(apply.path, options_.context)
                                                 : OpenDirectoryTarget(apply.path);
    if (!target.ok()) return Error{target.error()};
    target_ = std::move(target).value();
    if (options_.health.empty()) return Unit{};
    Result<HealthWatch> health = HealthWatch::Make(options_.health);
    if (!health.ok()) return Error{"--health " + health.error()};
    health_ = std::make_unique<HealthWatch>(std::move(health).value());
    return Unit{};
  }

  // What is in the target at the start. Without last known good it has to be known what an earlier
  // life left there before anything is added to it.
  Result<SnapshotPtr> LookAtTarget(const std::optional<AgentRecord>& last) {
    if (last) return target_->Read(last->release, last->leaving).found;
    agent::TargetRead found = target_->Read(nullptr, {});
    for (int i = 0; i < kFirstLooks && !found.failed.empty(); ++i) {
      Log(Level::kWarning, "the target cannot be read yet", {{"why", found.failed}});
      std::this_thread::sleep_for(std::chrono::seconds(1));
      found = target_->Read(nullptr, {});
    }
    if (!found.failed.empty()) return Error{"the target cannot be read: " + found.failed};
    return found.found;
  }

  // ---- the owner's thread

  void Loop() {
    Time ticked = Now();
    while (!stopping_) {
      std::optional<std::function<void()>> job = jobs_.Pop(kTick);
      if (job) (*job)();
      if (Now() - ticked < kTick) continue;
      ticked = Now();
      Deliver(agent::Tick{});
      RenewIfDue();
    }
  }

  void Deliver(agent::Event event) {
    pending_.push_back(std::move(event));
    if (pending_.size() > 1) return;
    while (!pending_.empty()) {
      for (const agent::Action& action : core_->On(pending_.front(), Now())) {
        std::visit([this](const auto& one) { Do(one); }, action);
      }
      pending_.pop_front();
    }
    const agent::Status status = core_->GetStatus();
    if (status.last_error != last_error_) {
      last_error_ = status.last_error;
      if (!last_error_.empty()) Log(Level::kError, last_error_);
    }
  }

  void Do(const agent::Connect&) { client_->Connect(++sessions_); }
  void Do(const agent::Send& action) { client_->Send(action.session, action.message); }
  void Do(const agent::Fetch& action) {
    work_.Push([this, client = client_, digests = action.digests] {
      Result<std::vector<ObjectPtr>> objects = client->Fetch(digests);
      agent::Fetched fetched;
      if (objects.ok()) fetched.objects = std::move(objects).value();
      jobs_.Push([this, fetched] { Deliver(fetched); });
    });
  }
  void Do(const agent::Persist& action) {
    const Status saved = state_.SaveRecord(action.record);
    pending_.emplace_back(agent::Persisted{saved.ok(), saved.ok() ? "" : saved.error()});
  }
  void Do(const agent::TryTarget& action) {
    AskTarget([this, action] { return target_->Try(action); });
  }
  void Do(const agent::WriteTarget& action) {
    AskTarget([this, action] {
      agent::TargetWritten written = target_->Write(action);
      if (written.ok) {
        Log(Level::kInfo, "applied",
            {{"generation", std::to_string(action.version.generation)},
             {"objects", std::to_string(action.objects->objects.size())}});
      }
      return written;
    });
  }
  void Do(const agent::ReadTarget& action) {
    AskTarget([this, action] { return target_->Read(action.wanted, action.leaving); });
  }
  template <typename Question>
  void AskTarget(Question question) {
    target_work_.Push([this, question = std::move(question)] {
      jobs_.Push([this, answer = question()] { Deliver(answer); });
    });
  }

  // ---- what takes its time

  void Serve(Mailbox<std::function<void()>>& work) {
    while (!stopping_) {
      const std::optional<std::function<void()>> job = work.Pop(kTick);
      if (job) (*job)();
    }
  }

  void WatchHealth() {
    Time next = Now();
    while (!stopping_) {
      if (Now() < next) {
        std::this_thread::sleep_for(kTick);
        continue;
      }
      const std::string complaint = health_->Look();
      jobs_.Push([this, complaint] { Deliver(agent::HealthChecked{complaint}); });
      next = Now() + kLookAtHealth;
    }
  }

  // ---- identity

  // With a token that was not used yet, or without an identity.
  Status EnrolIfNeeded() {
    std::string token;
    if (!options_.token_file.empty()) {
      const Result<std::string> text = ReadWhole(options_.token_file);
      if (text.ok()) token = text.value();
      while (!token.empty() && (token.back() == '\n' || token.back() == ' ')) token.pop_back();
    }
    const std::string digest = token.empty() ? "" : ToHex(Sha256(token));
    const std::optional<Credentials> known = state_.LoadCredentials();
    if (known && (token.empty() || state_.UsedToken() == digest)) {
      credentials_ = *known;
      return CheckIdentity();
    }
    if (token.empty()) {
      return Error{"there is no identity in `" + options_.state +
                   "` and no token: run `weft enroll token --cluster " + options_.cluster +
                   "` at the server and give it with --token-file"};
    }
    const Result<Credentials> enrolled = EnrolAnywhere(token);
    if (!enrolled.ok()) return Error{"enrolment: " + enrolled.error()};
    credentials_ = enrolled.value();
    const Status right = CheckIdentity();
    if (!right.ok()) return right;
    const Status saved = state_.SaveCredentials(credentials_);
    if (!saved.ok()) return saved;
    return state_.SaveUsedToken(digest);
  }

  // One of several servers leads, and only that one enrols.
  [[nodiscard]] Result<Credentials> EnrolAnywhere(const std::string& token) const {
    std::string why;
    for (const std::string& address : options_.enroll_servers) {
      Result<Credentials> enrolled = Enroll(address, token);
      if (enrolled.ok()) return enrolled;
      why += (why.empty() ? "" : "; ") + enrolled.error();
    }
    return Error{why};
  }

  [[nodiscard]] Status CheckIdentity() const {
    const Result<std::string> cluster = ClusterOf(credentials_.chain);
    if (!cluster.ok()) return Error{"`" + options_.state + "`: " + cluster.error()};
    if (cluster.value() != options_.cluster) {
      return Error{"the identity is that of cluster `" + cluster.value() + "`, not of `" +
                   options_.cluster + "`"};
    }
    return Unit{};
  }

  void MakeClient() {
    const Result<Validity> validity = ValidityOf(credentials_.chain);
    // At half life, a tenth earlier or later, so that a fleet that enrolled together spreads.
    const std::int64_t life =
        validity.ok() ? validity.value().until - validity.value().from : std::int64_t{0};
    const std::int64_t jitter = life / 20 - (Now().count() % (life / 10 + 1));
    renew_at_ = validity.ok() ? validity.value().from + life / 2 + jitter : 0;
    client_ = Client::Make(options_.servers, credentials_,
                           {.opened =
                                [this](std::uint64_t session) {
                                  jobs_.Push([=, this] { Deliver(agent::SessionOpened{session}); });
                                },
                            .received =
                                [this](std::uint64_t session, ServerMessage message) {
                                  jobs_.Push([this, session, message = std::move(message)] {
                                    Deliver(agent::Received{session, message});
                                  });
                                },
                            .closed =
                                [this](std::uint64_t session, const std::string& why) {
                                  if (session != 0)
                                    Log(Level::kWarning, "session ended", {{"why", why}});
                                  jobs_.Push([=, this] { Deliver(agent::SessionClosed{session}); });
                                }});
  }

  void RenewIfDue() {
    const std::int64_t now = static_cast<std::int64_t>(std::time(nullptr));
    if (renewing_ || now < renew_at_ || Now() < renew_not_before_) return;
    renewing_ = true;
    work_.Push([this, client = client_] {
      Result<Credentials> renewed = client->Renew();
      jobs_.Push([this, renewed = std::move(renewed)] { TakeRenewed(renewed); });
    });
  }

  void TakeRenewed(const Result<Credentials>& renewed) {
    renewing_ = false;
    renew_not_before_ = Now() + kRenewRetry;
    if (!renewed.ok()) {
      Log(Level::kWarning, "certificate not renewed", {{"why", renewed.error()}});
      return;
    }
    const Status saved = state_.SaveCredentials(renewed.value());
    if (!saved.ok()) {
      Log(Level::kError, "certificate not kept", {{"why", saved.error()}});
      return;
    }
    credentials_ = renewed.value();
    Log(Level::kInfo, "certificate renewed");
    client_->Stop();  // its session ends and is opened anew with the new certificate
    MakeClient();
  }

  Status WriteReady() {
    if (options_.ready_file.empty()) return Unit{};
    const Json ready = {{"pid", ::getpid()}, {"cluster", options_.cluster}};
    return WriteDurably(options_.ready_file, ready.dump() + "\n", 0644);
  }

  const AgentOptions options_;
  StateDirectory state_;
  Credentials credentials_;
  std::shared_ptr<Client> client_;
  std::unique_ptr<agent::Agent> core_;
  std::deque<agent::Event> pending_;
  std::string last_error_;
  std::uint64_t sessions_ = 0;
  std::int64_t renew_at_ = 0;  // seconds since 1970
  Time renew_not_before_{0};
  bool renewing_ = false;
  Mailbox<std::function<void()>> jobs_;
  Mailbox<std::function<void()>> work_;
  Mailbox<std::function<void()>> target_work_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<HealthWatch> health_;  // null: nobody watches
  std::atomic<bool> stopping_ = false;
  bool stopped_ = false;
  std::thread core_thread_;
  std::thread work_thread_;
  std::thread target_thread_;
  std::thread source_thread_;
  std::thread health_thread_;
};

}  // namespace

Status RunAgent(const AgentOptions& options) {
  BlockSignals();
  AgentProcess process(options);
  const Status started = process.Start();
  if (!started.ok()) return started;
  WaitForEnd();
  process.Stop();
  return Unit{};
}

}  // namespace weft::relay
