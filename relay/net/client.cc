#include "relay/net/client.h"

#include <grpcpp/grpcpp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "relay/core/limits.h"
#include "relay/identity/identity.h"
#include "relay/net/codec.h"
#include "relay/proto/relay.grpc.pb.h"

namespace weft::relay {
namespace {

constexpr std::chrono::seconds kPatience{20};

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  // The server is known by its certificate, not by the address it is reached at.
  arguments.SetSslTargetNameOverride(kServerName);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMaxMessageBytes));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // The agent's own backoff decides.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  return arguments;
}

std::string Text(const grpc::Status& status) {
  return status.error_message().empty() ? "the connection was closed" : status.error_message();
}

// The certificates (PEM) a server shows, unverified: only for comparison with a known digest.
Result<std::vector<std::string>> ShownCertificates(const std::string& address) {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                            SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new_ssl_connect(context.get()),
                                                    BIO_free_all);
  BIO_set_conn_hostname(bio.get(), address.c_str());
  SSL* ssl = nullptr;
  BIO_get_ssl(bio.get(), &ssl);
  // gRPC servers speak HTTP/2 and nothing else.
  static constexpr unsigned char kH2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl, kH2, sizeof kH2);
  if (BIO_do_connect_retry(bio.get(), static_cast<int>(kPatience.count()), 100) != 1 ||
      BIO_do_handshake(bio.get()) != 1) {
    return Error{"`" + address + "` does not answer"};
  }
  std::vector<std::string> shown;
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), BIO_free_all);
    PEM_write_bio_X509(out.get(), sk_X509_value(chain, i));
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    shown.emplace_back(data, static_cast<std::size_t>(size));
  }
  return shown;
}

class ClientSession : public grpc::ClientBidiReactor<v1::AgentFrame, v1::ServerFrame> {
 public:
  ClientSession(v1::Relay::Stub& stub, const ClientCallbacks& callbacks, std::uint64_t id,
                std::function<void()> gone)
      : callbacks_(callbacks), id_(id), gone_(std::move(gone)) {
    stub.async()->Session(&context_, this);
    // One hold for writes that come from outside the reactions.
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  void Enqueue(v1::AgentFrame frame) {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (ended_) return;
    queue_.push_back(std::move(frame));
    if (queue_.size() == 1) StartWrite(&queue_.front());
  }
  void End() { context_.TryCancel(); }

  void OnReadInitialMetadataDone(bool ok) override {
    if (!ok) return;
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      opened_ = true;
    }
    callbacks_.opened(id_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) return LetGo();
    Result<ServerMessage> message = Decode(incoming_);
    if (!message.ok()) {
      context_.TryCancel();
      return LetGo();
    }
    callbacks_.received(id_, std::move(message).value());
    StartRead(&incoming_);
  }
  void OnWriteDone(bool ok) override {
    const std::lock_guard<std::mutex> guard(mutex_);
    queue_.pop_front();
    if (ok && !ended_ && !queue_.empty()) StartWrite(&queue_.front());
  }
  void OnDone(const grpc::Status& status) override {
    bool opened = false;
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      opened = opened_;
    }
    callbacks_.closed(opened ? id_ : 0, Text(status));
    // The next session may take this one's place as soon as it is told.
    const std::function<void()> gone = std::move(gone_);
    gone();
  }

 private:
  void LetGo() {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (!std::exchange(ended_, true)) RemoveHold();
  }

  const ClientCallbacks& callbacks_;
  const std::uint64_t id_;
  std::function<void()> gone_;
  grpc::ClientContext context_;
  std::mutex mutex_;
  v1::ServerFrame incoming_;
  std::deque<v1::AgentFrame> queue_;
  bool opened_ = false;
  bool ended_ = false;
};

class GrpcClient : public Client {
 public:
  GrpcClient(const std::vector<std::string>& addresses, Credentials credentials,
             ClientCallbacks callbacks)
      : credentials_(std::move(credentials)), callbacks_(std::move(callbacks)) {
    grpc::SslCredentialsOptions options{credentials_.roots, credentials_.key, credentials_.chain};
    for (const std::string& address : addresses) {
      stubs_.push_back(v1::Relay::NewStub(
          grpc::CreateCustomChannel(address, grpc::SslCredentials(options), Arguments())));
    }
  }
  ~GrpcClient() override { Stop(); }
  GrpcClient(const GrpcClient&) = delete;
  GrpcClient& operator=(const GrpcClient&) = delete;

  void Connect(std::uint64_t session) override {
    std::unique_lock<std::mutex> guard(mutex_);
    if (stopping_) return;
    gone_.wait(guard, [this] { return !busy_; });
    busy_ = true;
    id_ = session;
    session_ = std::make_unique<ClientSession>(*stubs_[at_], callbacks_, session, [this] {
      const std::lock_guard<std::mutex> done(mutex_);
      busy_ = false;
      at_ = (at_ + 1) % stubs_.size();
      gone_.notify_all();
    });
  }
  void Send(std::uint64_t session, const AgentMessage& message) override {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (session_ && busy_ && id_ == session) session_->Enqueue(Encode(message));
  }
  Result<std::vector<ObjectPtr>> Fetch(const std::vector<Digest>& digests) override {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    v1::FetchRequest request;
    for (const Digest& digest : digests) request.add_digests(EncodeDigest(digest));
    std::unique_ptr<grpc::ClientReader<v1::Objects>> reader = Stub().Fetch(&context, request);
    std::vector<ObjectPtr> objects;
    v1::Objects part;
    while (reader->Read(&part)) {
      for (const v1::Object& object : part.objects()) {
        Result<ObjectPtr> decoded = Decode(object);
        if (!decoded.ok() || objects.size() > kMaxObjects) {
          context.TryCancel();
          return Error{"what was fetched cannot be read"};
        }
        objects.push_back(std::move(decoded).value());
      }
    }
    const grpc::Status status = reader->Finish();
    if (!status.ok()) return Error{Text(status)};
    return objects;
  }
  Result<Credentials> Renew() override {
    Result<KeyAndRequest> made = MakeKeyAndRequest();
    if (!made.ok()) return Error{made.error()};
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    v1::RenewRequest request;
    request.set_csr(made.value().csr);
    v1::Certificate reply;
    const grpc::Status status = Stub().Renew(&context, request, &reply);
    if (!status.ok()) return Error{Text(status)};
    return Credentials{made.value().key, reply.chain(), credentials_.roots};
  }
  void Stop() override {
    std::unique_lock<std::mutex> guard(mutex_);
    stopping_ = true;
    if (session_ && busy_) session_->End();
    gone_.wait(guard, [this] { return !busy_; });
  }

 private:
  v1::Relay::Stub& Stub() {
    const std::lock_guard<std::mutex> guard(mutex_);
    return *stubs_[at_];
  }

  const Credentials credentials_;
  const ClientCallbacks callbacks_;
  std::vector<std::unique_ptr<v1::Relay::Stub>> stubs_;  // by server
  std::size_t at_ = 0;                                   // in use
  std::mutex mutex_;
  std::condition_variable gone_;
  std::unique_ptr<ClientSession> session_;
  std::uint64_t id_ = 0;
  bool busy_ = false;  // the session's reactor is still called
  bool stopping_ = false;
};

}  // namespace

Result<Credentials> Enroll(const std::string& address, const std::string& token) {
  const std::optional<Token> parsed = ParseToken(token);
  if (!parsed) return Error{"the token is not one of `weft enroll token`"};
  const Result<std::vector<std::string>> shown = ShownCertificates(address);
  if (!shown.ok()) return Error{shown.error()};
  std::string root;
  for (const std::string& certificate : shown.value()) {
    const Result<std::string> fingerprint = FingerprintOf(certificate);
    if (fingerprint.ok() && fingerprint.value() == parsed->root) root = certificate;
  }
  if (root.empty()) {
    return Error{"`" + address + "` is not the server the token is from: another root certificate"};
  }
  Result<KeyAndRequest> made = MakeKeyAndRequest();
  if (!made.ok()) return Error{made.error()};
  grpc::SslCredentialsOptions options{root, "", ""};
  const std::unique_ptr<v1::Enrolment::Stub> stub = v1::Enrolment::NewStub(
      grpc::CreateCustomChannel(address, grpc::SslCredentials(options), Arguments()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  v1::EnrollRequest request;
  request.set_token(token);
  request.set_csr(made.value().csr);
  v1::Certificate reply;
  const grpc::Status status = stub->Enroll(&context, request, &reply);
  if (!status.ok()) return Error{Text(status)};
  return Credentials{made.value().key, reply.chain(), root};
}

std::unique_ptr<Client> Client::Make(const std::vector<std::string>& addresses,
                                     const Credentials& credentials, ClientCallbacks callbacks) {
  return std::make_unique<GrpcClient>(addresses, credentials, std::move(callbacks));
}

}  // namespace weft::relay
