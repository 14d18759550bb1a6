#include "relay/net/service.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/auth_context.h>

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "relay/core/limits.h"
#include "relay/identity/identity.h"
#include "relay/net/codec.h"
#include "relay/proto/relay.grpc.pb.h"

namespace weft::relay {
namespace {

constexpr std::size_t kMaxQueuedBytes = std::size_t{16} << 20;

// The cluster of the peer's certificate, admitted by `callbacks`; the error is for the peer.
Result<std::string> Identify(grpc::CallbackServerContext& context,
                             const ServiceCallbacks& callbacks) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  const std::vector<grpc::string_ref> pem =
      auth ? auth->FindPropertyValues("x509_pem_cert") : std::vector<grpc::string_ref>();
  if (pem.size() != 1) return Error{"there is no client certificate"};
  const std::string certificate(pem.front().data(), pem.front().size());
  Result<std::string> cluster = ClusterOf(certificate);
  if (!cluster.ok()) {
    callbacks.suspicious(context.peer() + ": " + cluster.error());
    return cluster;
  }
  const std::string refused = callbacks.admit(certificate, cluster.value());
  if (refused.empty()) return cluster;
  callbacks.suspicious("cluster " + cluster.value() + " at " + context.peer() + ": " + refused);
  return Error{refused};
}

class SessionReactor;

// The sessions that are open, by number. A reactor removes itself before it goes.
class Sessions {
 public:
  std::uint64_t Add(SessionReactor* reactor) {
    const std::lock_guard<std::mutex> guard(mutex_);
    sessions_[++last_] = reactor;
    return last_;
  }
  void Remove(std::uint64_t session) {
    const std::lock_guard<std::mutex> guard(mutex_);
    sessions_.erase(session);
  }
  // Calls `what` while the session cannot go.
  template <typename What>
  void With(std::uint64_t session, What what) {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto at = sessions_.find(session);
    if (at != sessions_.end()) what(*at->second);
  }

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, SessionReactor*> sessions_;
  std::uint64_t last_ = 0;
};

class SessionReactor : public grpc::ServerBidiReactor<v1::AgentFrame, v1::ServerFrame> {
 public:
  SessionReactor(Sessions& sessions, const ServiceCallbacks& callbacks, const std::string& cluster)
      : sessions_(sessions), callbacks_(callbacks), id_(sessions.Add(this)) {
    StartSendInitialMetadata();
    callbacks_.opened(id_, cluster);
    ReadNext();
  }

  void Enqueue(v1::ServerFrame frame) {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (finished_) return;
    queued_bytes_ += frame.ByteSizeLong();
    if (queued_bytes_ > kMaxQueuedBytes) {
      return FinishLocked(grpc::StatusCode::RESOURCE_EXHAUSTED, "too slow");
    }
    queue_.push_back(std::move(frame));
    if (queue_.size() == 1) StartWrite(&queue_.front());
  }
  void End(const std::string& reason) {
    const std::lock_guard<std::mutex> guard(mutex_);
    FinishLocked(grpc::StatusCode::ABORTED, reason);
  }
  void ReadNext() {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (!finished_) StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::StatusCode::OK, "");
    Result<AgentMessage> message = Decode(incoming_);
    if (!message.ok()) {
      callbacks_.suspicious("session " + std::to_string(id_) + ": " + message.error());
      return Finish(grpc::StatusCode::INVALID_ARGUMENT, message.error());
    }
    callbacks_.received(id_, std::move(message).value());
  }
  void OnWriteDone(bool ok) override {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (!ok) return FinishLocked(grpc::StatusCode::UNAVAILABLE, "the stream broke");
    queued_bytes_ -= queue_.front().ByteSizeLong();
    queue_.pop_front();
    if (!finished_ && !queue_.empty()) StartWrite(&queue_.front());
  }
  void OnCancel() override { Finish(grpc::StatusCode::CANCELLED, "cancelled"); }
  void OnDone() override {
    sessions_.Remove(id_);
    callbacks_.closed(id_);
    delete this;  // NOLINT(cppcoreguidelines-owning-memory): gRPC's reactors own themselves
  }

 private:
  void Finish(grpc::StatusCode code, const std::string& reason) {
    const std::lock_guard<std::mutex> guard(mutex_);
    FinishLocked(code, reason);
  }
  void FinishLocked(grpc::StatusCode code, const std::string& reason) {
    if (std::exchange(finished_, true)) return;
    grpc::ServerBidiReactor<v1::AgentFrame, v1::ServerFrame>::Finish(grpc::Status(code, reason));
  }

  Sessions& sessions_;
  const ServiceCallbacks& callbacks_;
  std::mutex mutex_;
  v1::AgentFrame incoming_;
  std::deque<v1::ServerFrame> queue_;
  std::size_t queued_bytes_ = 0;
  bool finished_ = false;
  const std::uint64_t id_;
};

// Sends objects in messages of about a part's size.
class FetchReactor : public grpc::ServerWriteReactor<v1::Objects> {
 public:
  explicit FetchReactor(std::vector<ObjectPtr> objects) : objects_(std::move(objects)) { Next(); }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    Next();
  }
  void OnDone() override { delete this; }  // NOLINT(cppcoreguidelines-owning-memory)

 private:
  void Next() {
    if (at_ == objects_.size()) return Finish(grpc::Status::OK);
    message_.Clear();
    std::size_t bytes = 0;
    while (at_ < objects_.size() && bytes < kPartBytes) {
      bytes += objects_[at_]->content.size();
      *message_.add_objects() = Encode(*objects_[at_++]);
    }
    StartWrite(&message_);
  }

  std::vector<ObjectPtr> objects_;
  std::size_t at_ = 0;
  v1::Objects message_;
};

class RelayService : public v1::Relay::CallbackService {
 public:
  explicit RelayService(const ServiceCallbacks& callbacks) : callbacks_(callbacks) {}

  grpc::ServerBidiReactor<v1::AgentFrame, v1::ServerFrame>* Session(
      grpc::CallbackServerContext* context) override {
    const Result<std::string> cluster = Identify(*context, callbacks_);
    if (cluster.ok()) return new SessionReactor(sessions_, callbacks_, cluster.value());  // NOLINT
    class Refusal : public grpc::ServerBidiReactor<v1::AgentFrame, v1::ServerFrame> {
     public:
      explicit Refusal(const std::string& why) {
        Finish(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, why));
      }
      void OnDone() override { delete this; }  // NOLINT(cppcoreguidelines-owning-memory)
    };
    return new Refusal(cluster.error());  // NOLINT(cppcoreguidelines-owning-memory)
  }

  grpc::ServerWriteReactor<v1::Objects>* Fetch(grpc::CallbackServerContext* context,
                                               const v1::FetchRequest* request) override {
    const Result<std::string> cluster = Identify(*context, callbacks_);
    std::vector<ObjectPtr> objects;
    for (const std::string& bytes : request->digests()) {
      const std::optional<Digest> digest = DecodeDigest(bytes);
      ObjectPtr object =
          cluster.ok() && digest ? callbacks_.find(cluster.value(), *digest) : nullptr;
      if (object && !object->content.empty()) objects.push_back(std::move(object));
    }
    return new FetchReactor(std::move(objects));  // NOLINT(cppcoreguidelines-owning-memory)
  }

  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context,
                                  const v1::RenewRequest* request,
                                  v1::Certificate* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const Result<std::string> cluster = Identify(*context, callbacks_);
    if (!cluster.ok()) {
      reactor->Finish(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, cluster.error()));
      return reactor;
    }
    const Result<std::string> chain = callbacks_.renew(cluster.value(), request->csr());
    if (chain.ok()) reply->set_chain(chain.value());
    reactor->Finish(chain.ok() ? grpc::Status::OK
                               : grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, chain.error()));
    return reactor;
  }

  Sessions& sessions() { return sessions_; }

 private:
  const ServiceCallbacks& callbacks_;
  Sessions sessions_;
};

class EnrolmentService : public v1::Enrolment::CallbackService {
 public:
  EnrolmentService(const ServiceCallbacks& callbacks, std::string root)
      : callbacks_(callbacks), root_(std::move(root)) {}

  grpc::ServerUnaryReactor* Enroll(grpc::CallbackServerContext* context,
                                   const v1::EnrollRequest* request,
                                   v1::Certificate* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const Result<std::string> chain = callbacks_.enroll(request->token(), request->csr());
    if (chain.ok()) {
      reply->set_chain(chain.value());
      reply->set_roots(root_);
      reactor->Finish(grpc::Status::OK);
    } else {
      callbacks_.suspicious("enrolment from " + context->peer() + ": " + chain.error());
      reactor->Finish(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, chain.error()));
    }
    return reactor;
  }

 private:
  const ServiceCallbacks& callbacks_;
  const std::string root_;
};

void Bound(grpc::ServerBuilder& builder, std::size_t largest) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(largest));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 * 1024);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 8);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  // Two servers on one port would share its agents by chance.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

class GrpcService : public Service {
 public:
  GrpcService(ServiceCallbacks callbacks, const std::string& root)
      : callbacks_(std::move(callbacks)), relay_(callbacks_), enrolment_(callbacks_, root) {}
  ~GrpcService() override { Stop(); }
  GrpcService(const GrpcService&) = delete;
  GrpcService& operator=(const GrpcService&) = delete;

  Status Open(const ServiceConfig& config) {
    grpc::SslServerCredentialsOptions mutual(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    mutual.pem_root_certs = config.root;
    mutual.pem_key_cert_pairs.push_back({config.key, config.chain});
    grpc::ServerBuilder sessions;
    Bound(sessions, kMaxMessageBytes);
    sessions.AddListeningPort(config.listen, grpc::SslServerCredentials(mutual), &port_);
    sessions.RegisterService(&relay_);
    sessions_ = sessions.BuildAndStart();
    if (!sessions_ || port_ == 0) return Error{"`" + config.listen + "` cannot be listened on"};

    grpc::SslServerCredentialsOptions plain(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    plain.pem_key_cert_pairs.push_back({config.key, config.chain});
    grpc::ServerBuilder enrolment;
    Bound(enrolment, 16 * 1024);
    enrolment.AddListeningPort(config.enroll_listen, grpc::SslServerCredentials(plain),
                               &enroll_port_);
    enrolment.RegisterService(&enrolment_);
    enrolment_server_ = enrolment.BuildAndStart();
    if (!enrolment_server_ || enroll_port_ == 0) {
      return Error{"`" + config.enroll_listen + "` cannot be listened on"};
    }
    return Unit{};
  }

  int port() const override { return port_; }
  int enroll_port() const override { return enroll_port_; }
  void Send(std::uint64_t session, const ServerMessage& message) override {
    relay_.sessions().With(session,
                           [&](SessionReactor& reactor) { reactor.Enqueue(Encode(message)); });
  }
  void Close(std::uint64_t session, const std::string& reason) override {
    relay_.sessions().With(session, [&](SessionReactor& reactor) { reactor.End(reason); });
  }
  void ReadNext(std::uint64_t session) override {
    relay_.sessions().With(session, [&](SessionReactor& reactor) { reactor.ReadNext(); });
  }
  void Stop() override {
    const auto soon = std::chrono::system_clock::now() + std::chrono::milliseconds(500);
    for (std::unique_ptr<grpc::Server>* server : {&sessions_, &enrolment_server_}) {
      if (*server) {
        (*server)->Shutdown(soon);
        (*server)->Wait();
      }
      server->reset();
    }
  }

 private:
  ServiceCallbacks callbacks_;
  RelayService relay_;
  EnrolmentService enrolment_;
  int port_ = 0;
  int enroll_port_ = 0;
  std::unique_ptr<grpc::Server> sessions_;
  std::unique_ptr<grpc::Server> enrolment_server_;
};

}  // namespace

Result<std::unique_ptr<Service>> Service::Start(const ServiceConfig& config,
                                                ServiceCallbacks callbacks) {
  auto service = std::make_unique<GrpcService>(std::move(callbacks), config.root);
  const Status opened = service->Open(config);
  if (!opened.ok()) return Error{opened.error()};
  return std::unique_ptr<Service>(std::move(service));
}

}  // namespace weft::relay
