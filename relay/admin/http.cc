#include "relay/admin/http.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <optional>
#include <set>
#include <thread>
#include <utility>

namespace weft::relay {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr std::size_t kMaxBody = 64 * 1024;
constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMaxStreams = 64;
constexpr std::size_t kMaxBehind = 256;

struct Address {
  std::string host;
  std::string port;
};

std::optional<Address> Split(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return std::nullopt;
  Address address{text.substr(0, colon), text.substr(colon + 1)};
  if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  return address;
}

// One connection, one request.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Those whose answers go on.
  using Streams = std::set<std::shared_ptr<Connection>>;

  Connection(Tcp::socket socket, const AdminServer::Handler& handler, Streams& streams)
      : stream_(std::move(socket)), handler_(handler), streams_(streams) {}

  void Push(const std::string& text) {
    if (behind_.size() >= kMaxBehind) return Leave();
    behind_.push_back(text);
    if (behind_.size() == 1) WriteNext();
  }

  void Run() {
    parser_.body_limit(kMaxBody);
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->Answer();
                     });
  }

 private:
  // A page from elsewhere can neither name a loopback host nor send this content type unasked.
  [[nodiscard]] bool MayAct() const {
    const http::request<http::string_body>& request = parser_.get();
    const std::optional<Address> host = Split(std::string(request[http::field::host]));
    const std::string type(request[http::field::content_type]);
    return host &&
           (host->host == "127.0.0.1" || host->host == "localhost" || host->host == "::1") &&
           type.starts_with("application/json");
  }

  void Answer() {
    const http::request<http::string_body>& request = parser_.get();
    HttpResponse response{.status = 403, .body = R"({"error":"not from here"})"};
    if (request.method() == http::verb::get || MayAct()) {
      response = handler_(
          {std::string(request.method_string()), std::string(request.target()), request.body()});
    }
    response_.result(static_cast<unsigned>(response.status));
    response_.version(request.version());
    response_.set(http::field::content_type, response.type);
    response_.set(http::field::cache_control, "no-store");
    if (response.goes_on) return GoOn(std::move(response.body));
    response_.keep_alive(false);
    response_.body() = std::move(response.body);
    response_.prepare_payload();
    stream_.expires_after(kPatience);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code, std::size_t) {
                        beast::error_code ignored;
                        self->stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
                      });
  }

  void GoOn(std::string body) {
    if (streams_.size() >= kMaxStreams) return;  // the connection ends with its last owner
    response_.keep_alive(false);
    stream_.expires_never();
    serializer_.emplace(response_);
    http::async_write_header(
        stream_, *serializer_,
        [self = shared_from_this(), body = std::move(body)](beast::error_code error, std::size_t) {
          if (error) return;
          self->streams_.insert(self);
          self->Push(body);
          self->WaitForEnd();
        });
  }

  void WriteNext() {
    stream_.expires_after(kPatience);
    asio::async_write(stream_, asio::buffer(behind_.front()),
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (error) return self->Leave();
                        self->stream_.expires_never();
                        self->behind_.pop_front();
                        if (!self->behind_.empty()) self->WriteNext();
                      });
  }

  // The client says nothing more; its end is read as such.
  void WaitForEnd() {
    stream_.socket().async_wait(Tcp::socket::wait_read,
                                [self = shared_from_this()](beast::error_code) { self->Leave(); });
  }

  void Leave() {
    streams_.erase(shared_from_this());
    beast::error_code ignored;
    stream_.socket().close(ignored);
  }

  beast::tcp_stream stream_;
  const AdminServer::Handler& handler_;
  Streams& streams_;
  std::deque<std::string> behind_;  // the first is being written
  beast::flat_buffer buffer_;
  http::request_parser<http::string_body> parser_;
  http::response<http::string_body> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
};

class BeastServer : public AdminServer {
 public:
  BeastServer(Handler handler, Tcp::endpoint endpoint)
      : handler_(std::move(handler)), acceptor_(context_, endpoint) {}
  ~BeastServer() override {
    context_.stop();
    if (thread_.joinable()) thread_.join();
    streams_.clear();
  }
  BeastServer(const BeastServer&) = delete;
  BeastServer& operator=(const BeastServer&) = delete;

  void Begin() {
    Accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  void Publish(const std::string& text) override {
    asio::post(context_, [this, text] {
      const Connection::Streams streams = streams_;
      for (const std::shared_ptr<Connection>& one : streams) one->Push(text);
    });
  }
  std::string url() const override {
    const Tcp::endpoint local = acceptor_.local_endpoint();
    const std::string host = local.address().to_string();
    return "http://" + (local.address().is_v6() ? "[" + host + "]" : host) + ":" +
           std::to_string(local.port());
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](beast::error_code error, Tcp::socket socket) {
      if (!error) std::make_shared<Connection>(std::move(socket), handler_, streams_)->Run();
      if (error != asio::error::operation_aborted) Accept();
    });
  }

  const Handler handler_;
  Connection::Streams streams_;  // used by the thread alone
  asio::io_context context_;
  Tcp::acceptor acceptor_;
  std::thread thread_;
};

void Limit(Tcp::socket& socket, std::chrono::seconds limit) {
  const timeval patience{limit.count(), 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    ::setsockopt(socket.native_handle(), SOL_SOCKET, option, &patience, sizeof patience);
  }
}

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& address,
                                                        Handler handler) {
  try {
    const std::optional<Address> split = Split(address);
    if (!split) return Error{"`" + address + "` is not host:port"};
    const asio::ip::address host =
        asio::ip::make_address(split->host == "localhost" ? "127.0.0.1" : split->host);
    if (!host.is_loopback()) {
      return Error{"the admin port asks nobody who they are: `" + address +
                   "` is not on loopback. Reach it through ssh or kubectl port-forward"};
    }
    const int port = std::stoi(split->port);
    auto server = std::make_unique<BeastServer>(
        std::move(handler), Tcp::endpoint(host, static_cast<std::uint16_t>(port)));
    server->Begin();
    return std::unique_ptr<AdminServer>(std::move(server));
  } catch (const std::exception& error) {
    return Error{"`" + address + "` cannot be listened on: " + error.what()};
  }
}

Result<HttpResponse> Ask(const std::string& url, const HttpRequest& request,
                         std::chrono::seconds patience) {
  const std::string prefix = "http://";
  const std::optional<Address> address =
      url.starts_with(prefix) ? Split(url.substr(prefix.size())) : std::nullopt;
  if (!address) return Error{"`" + url + "` is not http://host:port"};
  try {
    asio::io_context context;
    Tcp::resolver resolver(context);
    Tcp::socket socket(context);
    asio::connect(socket, resolver.resolve(address->host, address->port));
    Limit(socket, patience);
    http::request<http::string_body> out{http::string_to_verb(request.method), request.target, 11};
    out.set(http::field::host, address->host + ":" + address->port);
    out.set(http::field::content_type, "application/json");
    out.body() = request.body;
    out.prepare_payload();
    http::write(socket, out);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{64} << 20);
    http::read(socket, buffer, parser);
    return HttpResponse{static_cast<int>(parser.get().result_int()),
                        std::string(parser.get()[http::field::content_type]), parser.get().body()};
  } catch (const std::exception& error) {
    return Error{"`" + url + "` does not answer: " + error.what()};
  }
}

}  // namespace weft::relay
