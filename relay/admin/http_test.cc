// The admin port: answers that go on.
#include "relay/admin/http.h"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace weft::relay {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

std::unique_ptr<AdminServer> ServeEvents() {
  Result<std::unique_ptr<AdminServer>> server =
      AdminServer::Start("127.0.0.1:0", [](const HttpRequest& request) {
        if (request.target != "/v1/events") return HttpResponse{.status = 404};
        return HttpResponse{.type = "text/event-stream", .body = ": begin\n\n", .goes_on = true};
      });
  EXPECT_TRUE(server.ok());
  return server.ok() ? std::move(server).value() : nullptr;
}

// A client that reads as much as it is asked to.
class Listener {
 public:
  explicit Listener(const AdminServer& server) : socket_(context_) {
    const std::string url = server.url();
    const std::string port = url.substr(url.rfind(':') + 1);
    Tcp::resolver resolver(context_);
    asio::connect(socket_, resolver.resolve("127.0.0.1", port));
    asio::write(socket_, asio::buffer(std::string("GET /v1/events HTTP/1.1\r\nHost: a\r\n\r\n")));
  }
  // What comes up to and including `end`.
  std::string Until(const std::string& end) {
    const std::size_t size = asio::read_until(socket_, asio::dynamic_buffer(text_), end);
    const std::string read = text_.substr(0, size);
    text_.erase(0, size);
    return read;
  }
  // Whether the server ends the connection, after whatever it had sent.
  bool Ends() {
    boost::system::error_code error;
    while (!error) socket_.read_some(asio::buffer(rest_), error);
    return true;
  }

 private:
  asio::io_context context_;
  Tcp::socket socket_;
  std::string text_;
  std::array<char, 1 << 16> rest_{};
};

TEST(AdminServer, EveryListenerHearsWhatIsPublished) {
  const std::unique_ptr<AdminServer> server = ServeEvents();
  ASSERT_NE(server, nullptr);
  Listener first(*server);
  EXPECT_NE(first.Until(": begin\n\n").find("text/event-stream"), std::string::npos);
  server->Publish("data: 1\n\n");
  EXPECT_EQ(first.Until("\n\n"), "data: 1\n\n");
  Listener second(*server);
  second.Until(": begin\n\n");
  server->Publish("data: 2\n\n");
  EXPECT_EQ(first.Until("\n\n"), "data: 2\n\n");
  EXPECT_EQ(second.Until("\n\n"), "data: 2\n\n");
  // One that leaves harms nobody.
  { Listener third(*server); }
  server->Publish("data: 3\n\n");
  EXPECT_EQ(second.Until("\n\n"), "data: 3\n\n");
  // Other requests are answered meanwhile.
  EXPECT_EQ(Ask(server->url(), {"GET", "/", ""}).value().status, 404);
}

TEST(AdminServer, AListenerThatDoesNotReadIsDropped) {
  const std::unique_ptr<AdminServer> server = ServeEvents();
  ASSERT_NE(server, nullptr);
  Listener slow(*server);
  slow.Until(": begin\n\n");
  for (int i = 0; i < 1000; ++i) server->Publish(std::string(40'000, 'x'));
  EXPECT_TRUE(slow.Ends());
}

}  // namespace
}  // namespace weft::relay
