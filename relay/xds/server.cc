#include "relay/xds/server.h"

#include <grpcpp/grpcpp.h>

#include <deque>
#include <mutex>
#include <set>
#include <utility>

#include "relay/proto/ads.grpc.pb.h"

namespace weft::relay::mcp {
namespace {

namespace ads = envoy::service::discovery::v3;

class McpReactor;

// The streams that are open and what they are to have.
struct Shared {
  mutable std::mutex mutex;
  ContentPtr content;
  std::set<McpReactor*> reactors;
};

ads::DiscoveryResponse ToResponse(const Answer& answer) {
  ads::DiscoveryResponse response;
  response.set_type_url(answer.type_url);
  response.set_version_info(answer.version);
  response.set_nonce(answer.nonce);
  for (const std::string& resource : answer.set->resources) {
    google::protobuf::Any& any = *response.add_resources();
    any.set_type_url("type.googleapis.com/istio.mcp.v1alpha1.Resource");
    any.set_value(resource);
  }
  return response;
}

class McpReactor : public grpc::ServerBidiReactor<ads::DiscoveryRequest, ads::DiscoveryResponse> {
 public:
  explicit McpReactor(Shared& shared) : shared_(shared), stream_(nullptr) {
    {
      const std::lock_guard<std::mutex> guard(shared_.mutex);
      stream_ = Stream(shared_.content);
      shared_.reactors.insert(this);
    }
    StartRead(&incoming_);
  }

  // Both with the mutex held.
  void Serve(const ContentPtr& content) { Enqueue(stream_.Serve(content)); }
  void AddTo(Reception& reception) const {
    if (!asked_) return;
    ++reception.streams;
    if (stream_.IsUpToDate()) ++reception.up_to_date;
    if (!stream_.refusal().empty()) reception.refusal = stream_.refusal();
  }

  void OnReadDone(bool ok) override {
    const std::lock_guard<std::mutex> guard(shared_.mutex);
    if (!ok) return End(grpc::Status::OK);
    asked_ = true;
    Enqueue(stream_.On({.type_url = incoming_.type_url(),
                        .nonce = incoming_.response_nonce(),
                        .refused = incoming_.has_error_detail(),
                        .error = incoming_.error_detail().message()}));
    if (!ended_) StartRead(&incoming_);
  }
  void OnWriteDone(bool ok) override {
    const std::lock_guard<std::mutex> guard(shared_.mutex);
    if (!ok) return End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream broke"));
    queue_.pop_front();
    WriteNext();
  }
  void OnCancel() override {
    const std::lock_guard<std::mutex> guard(shared_.mutex);
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    {
      const std::lock_guard<std::mutex> guard(shared_.mutex);
      shared_.reactors.erase(this);
    }
    delete this;  // NOLINT(cppcoreguidelines-owning-memory): gRPC's reactors own themselves
  }

 private:
  // One answer of a type is under way at a time, so that no more wait than there are types.
  void Enqueue(std::vector<Answer> answers) {
    const bool idle = queue_.empty();
    for (Answer& answer : answers) queue_.push_back(std::move(answer));
    if (idle) WriteNext();
  }
  void WriteNext() {
    if (ended_ || queue_.empty()) return;
    outgoing_ = ToResponse(queue_.front());
    StartWrite(&outgoing_);
  }
  void End(const grpc::Status& status) {
    if (!std::exchange(ended_, true)) Finish(status);
  }

  Shared& shared_;
  Stream stream_;
  ads::DiscoveryRequest incoming_;
  ads::DiscoveryResponse outgoing_;
  std::deque<Answer> queue_;
  bool asked_ = false;
  bool ended_ = false;
};

class AdsService : public ads::AggregatedDiscoveryService::CallbackService {
 public:
  explicit AdsService(Shared& shared) : shared_(shared) {}
  grpc::ServerBidiReactor<ads::DiscoveryRequest, ads::DiscoveryResponse>* StreamAggregatedResources(
      grpc::CallbackServerContext*) override {
    return new McpReactor(shared_);  // NOLINT(cppcoreguidelines-owning-memory)
  }

 private:
  Shared& shared_;
};

class GrpcMcpServer : public McpServer {
 public:
  GrpcMcpServer() : service_(shared_) {}
  ~GrpcMcpServer() override {
    if (!server_) return;
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
    server_->Wait();
  }
  GrpcMcpServer(const GrpcMcpServer&) = delete;
  GrpcMcpServer& operator=(const GrpcMcpServer&) = delete;

  Status Open(const std::string& address) {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(64 * 1024);  // requests name types
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 * 1024);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (!server_ || port_ == 0) return Error{"`" + address + "` cannot be listened on"};
    return Unit{};
  }
  [[nodiscard]] int port() const override { return port_; }
  void Serve(ContentPtr content) override {
    const std::lock_guard<std::mutex> guard(shared_.mutex);
    shared_.content = std::move(content);
    for (McpReactor* reactor : shared_.reactors) reactor->Serve(shared_.content);
  }
  [[nodiscard]] Reception GetReception() const override {
    const std::lock_guard<std::mutex> guard(shared_.mutex);
    Reception reception;
    for (const McpReactor* reactor : shared_.reactors) reactor->AddTo(reception);
    return reception;
  }

 private:
  Shared shared_;
  AdsService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

bool IsOnLoopback(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

}  // namespace

Result<std::unique_ptr<McpServer>> McpServer::Start(const std::string& address) {
  if (address.find(':') == std::string::npos || !IsOnLoopback(address)) {
    return Error{"`" + address + "`: istiod is served on loopback only, as 127.0.0.1:PORT"};
  }
  auto server = std::make_unique<GrpcMcpServer>();
  const Status opened = server->Open(address);
  if (!opened.ok()) return Error{opened.error()};
  return std::unique_ptr<McpServer>(std::move(server));
}

}  // namespace weft::relay::mcp
