// What an agent makes of the endpoint that watches its cluster.
#include "relay/process/health.h"

#include <gtest/gtest.h>

#include <atomic>

#include "relay/admin/http.h"

namespace weft::relay {
namespace {

TEST(HealthWatch, ComplainsOnceItIsNotWellThreeTimesInARow) {
  std::atomic<int> status = 200;
  std::atomic<int> asked = 0;
  Result<std::unique_ptr<AdminServer>> server =
      AdminServer::Start("127.0.0.1:0", [&](const HttpRequest& request) {
        asked += request.target == "/errors?over=5" ? 1 : 0;
        return HttpResponse{status, "text/plain", "6 % of requests fail\nmore"};
      });
  ASSERT_TRUE(server.ok()) << server.error();
  Result<HealthWatch> watch = HealthWatch::Make(server.value()->url() + "/errors?over=5");
  ASSERT_TRUE(watch.ok()) << watch.error();
  EXPECT_EQ(watch.value().Look(), "");
  status = 503;
  EXPECT_EQ(watch.value().Look(), "");
  EXPECT_EQ(watch.value().Look(), "");
  EXPECT_EQ(watch.value().Look(), "is not well: 503 6 % of requests fail");
  EXPECT_EQ(asked, 4);
  status = 202;
  EXPECT_EQ(watch.value().Look(), "");
  server.value().reset();
  EXPECT_EQ(watch.value().Look(), "");
  EXPECT_EQ(watch.value().Look(), "");
  EXPECT_NE(watch.value().Look().find("does not answer"), std::string::npos);
}

TEST(HealthWatch, RefusesWhatItCannotAsk) {
  for (const char* url : {"", "https://a:1/x", "http://a", "http://a/x:1", "a:1/x"}) {
    EXPECT_FALSE(HealthWatch::Make(url).ok()) << url;
  }
  EXPECT_TRUE(HealthWatch::Make("http://a:1").ok());
}

}  // namespace
}  // namespace weft::relay
