#include "relay/store/etcd_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <thread>
#include <utility>

#include "relay/files/files.h"

namespace weft::relay {
namespace {

using Clock = std::chrono::steady_clock;

// One member is asked for so long; a blackholed one costs no more.
constexpr std::chrono::milliseconds kAttempt{2000};
// Until it has a connection; a dead one costs no more.
constexpr std::chrono::milliseconds kConnect{500};
constexpr std::chrono::milliseconds kPause{100};

grpc::ChannelArguments EtcdArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // a page of large values
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // etcd closes connections that ping more often than every 5 s (--grpc-keepalive-min-time).
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2'000);  // a connection may take so long
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  return arguments;
}

// Whether another member, or the same one a moment later, may answer otherwise.
bool MayPass(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:  // no leader, leader changed, timed out, stopped
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::CANCELLED:
      return true;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return status.error_message().find("too many requests") != std::string::npos;
    default:
      return false;
  }
}

struct EtcdMember {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<etcdserverpb::KV::Stub> kv;
  std::unique_ptr<etcdserverpb::Lease::Stub> lease;
};

class GrpcEtcdClient : public EtcdClient {
 public:
  GrpcEtcdClient(const EtcdAddress& address,
                 const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    for (const std::string& endpoint : address.endpoints) {
      const std::shared_ptr<grpc::Channel> channel =
          grpc::CreateCustomChannel(endpoint, credentials, EtcdArguments());
      members_.push_back(
          {channel, etcdserverpb::KV::NewStub(channel), etcdserverpb::Lease::NewStub(channel)});
    }
  }

  grpc::Status Range(const etcdserverpb::RangeRequest& request,
                     etcdserverpb::RangeResponse& response) override {
    return Ask(kPatience, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.kv->Range(&context, request, &response);
    });
  }
  grpc::Status Txn(const etcdserverpb::TxnRequest& request,
                   etcdserverpb::TxnResponse& response) override {
    return Ask(kPatience, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.kv->Txn(&context, request, &response);
    });
  }
  Result<std::int64_t> Grant(std::chrono::seconds ttl) override {
    etcdserverpb::LeaseGrantRequest request;
    request.set_ttl(ttl.count());
    etcdserverpb::LeaseGrantResponse response;
    const grpc::Status status =
        Ask(kPatience, [&](EtcdMember& member, grpc::ClientContext& context) {
          return member.lease->LeaseGrant(&context, request, &response);
        });
    if (!status.ok()) return EtcdError(status);
    return response.id();
  }
  Result<bool> KeepAlive(std::int64_t lease, std::chrono::milliseconds patience) override {
    etcdserverpb::LeaseKeepAliveRequest request;
    request.set_id(lease);
    etcdserverpb::LeaseKeepAliveResponse response;
    const grpc::Status status =
        Ask(patience, [&](EtcdMember& member, grpc::ClientContext& context) {
          const auto stream = member.lease->LeaseKeepAlive(&context);
          const bool asked = stream->Write(request) && stream->WritesDone();
          const bool answered = asked && stream->Read(&response);
          const grpc::Status end = stream->Finish();
          if (answered || !end.ok()) return answered ? grpc::Status::OK : end;
          return grpc::Status(grpc::StatusCode::UNAVAILABLE, "no answer");
        });
    if (!status.ok()) return EtcdError(status);
    return response.ttl() > 0;
  }
  void Revoke(std::int64_t lease) override {
    etcdserverpb::LeaseRevokeRequest request;
    request.set_id(lease);
    etcdserverpb::LeaseRevokeResponse response;
    (void)Ask(kAttempt, [&](EtcdMember& member, grpc::ClientContext& context) {
      return member.lease->LeaseRevoke(&context, request, &response);
    });
  }

 private:
  static std::chrono::system_clock::time_point Soon(Clock::time_point end,
                                                    std::chrono::milliseconds patience) {
    return std::chrono::system_clock::now() +
           std::min<std::chrono::milliseconds>(
               std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()), patience);
  }

  template <typename Question>
  grpc::Status Ask(std::chrono::milliseconds patience, Question question) {
    const Clock::time_point end = Clock::now() + patience;
    std::size_t at = last_;
    for (std::size_t asked = 1;; ++asked) {
      grpc::Status status(grpc::StatusCode::UNAVAILABLE, "no member can be reached");
      // A connection is made only while somebody waits for it.
      if (members_[at].channel->WaitForConnected(Soon(end, kConnect))) {
        grpc::ClientContext context;
        context.set_deadline(Soon(end, kAttempt));
        status = question(members_[at], context);
      }
      if (!MayPass(status)) {
        last_ = at;
        return status;
      }
      if (Clock::now() + kPause >= end) return status;
      at = (at + 1) % members_.size();
      // Everybody was asked: an election, or nobody is there.
      if (asked % members_.size() == 0) std::this_thread::sleep_for(kPause);
    }
  }

  std::vector<EtcdMember> members_;
  std::atomic<std::size_t> last_ = 0;  // that answered
};

bool IsLoopback(const std::string& endpoint) {
  const std::string host = endpoint.substr(0, endpoint.rfind(':'));
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

bool IsEndpoint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return false;
  const std::string port = text.substr(colon + 1);
  return port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), [](unsigned char c) { return std::isdigit(c); });
}

Result<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(const EtcdAddress& address,
                                                                const EtcdTls& tls) {
  if (tls.certificate.empty() != tls.key.empty()) {
    return Error{"--store-cert and --store-key belong together"};
  }
  if (tls.ca.empty()) {
    if (!tls.key.empty()) return Error{"--store-cert needs --store-ca"};
    for (const std::string& endpoint : address.endpoints) {
      if (IsLoopback(endpoint)) continue;
      return Error{"etcd at `" + endpoint + "` is not on this machine: give --store-ca"};
    }
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions options;
  for (const auto& [path, text] : {std::pair{&tls.ca, &options.pem_root_certs},
                                   std::pair{&tls.certificate, &options.pem_cert_chain},
                                   std::pair{&tls.key, &options.pem_private_key}}) {
    if (path->empty()) continue;
    Result<std::string> read = ReadWhole(*path);
    if (!read.ok()) return Error{read.error()};
    *text = std::move(read).value();
  }
  return grpc::SslCredentials(options);
}

}  // namespace

Result<EtcdAddress> ParseEtcdAddress(const std::string& text) {
  const std::string kScheme = "etcd://";
  const Error wrong{"`" + text + "`: expected etcd://HOST:PORT,…/PREFIX"};
  if (!text.starts_with(kScheme)) return wrong;
  std::string rest = text.substr(kScheme.size());
  EtcdAddress address{.endpoints = {}, .prefix = "/weft"};
  const std::size_t slash = rest.find('/');
  if (slash != std::string::npos) {
    std::string prefix = rest.substr(slash);
    while (prefix.ends_with('/')) prefix.pop_back();
    if (!prefix.empty()) address.prefix = prefix;
    rest.resize(slash);
  }
  for (std::size_t begin = 0; begin <= rest.size();) {
    const std::size_t end = std::min(rest.find(',', begin), rest.size());
    address.endpoints.push_back(rest.substr(begin, end - begin));
    if (!IsEndpoint(address.endpoints.back())) return wrong;
    begin = end + 1;
  }
  return address;
}

Result<std::unique_ptr<EtcdClient>> EtcdClient::Make(const EtcdAddress& address,
                                                     const EtcdTls& tls) {
  const Result<std::shared_ptr<grpc::ChannelCredentials>> credentials = CredentialsOf(address, tls);
  if (!credentials.ok()) return Error{credentials.error()};
  return std::unique_ptr<EtcdClient>(
      std::make_unique<GrpcEtcdClient>(address, credentials.value()));
}

Error EtcdError(const grpc::Status& status) {
  return Error{"etcd: " + (status.error_message().empty() ? "no answer" : status.error_message())};
}

}  // namespace weft::relay
