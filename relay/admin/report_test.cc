// The parts of the status.
#include "relay/admin/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weft::relay {
namespace {

using Json = nlohmann::json;

server::Status Example() {
  server::Status status;
  status.findings = R"([{"code":"W4102"}])";
  status.clusters.push_back({.name = "east"});
  status.clusters.push_back({.name = "west"});
  status.clusters.back().holds.push_back({.id = "1", .reason = "all would go"});
  status.rings.push_back({.number = 3, .why = "east refuses it"});
  return status;
}

Json Part(const std::string& part) {
  const std::optional<std::string> text = StatusPart(Example(), {}, part);
  return text ? Json::parse(*text) : Json();
}

TEST(Report, HasParts) {
  EXPECT_EQ(Part("findings")[0]["code"], "W4102");
  EXPECT_EQ(Part("clusters").size(), 2U);
  EXPECT_EQ(Part("clusters/west")["name"], "west");
  ASSERT_EQ(Part("holds").size(), 1U);
  EXPECT_EQ(Part("holds")[0]["cluster"], "west");
  EXPECT_EQ(Part("rings")[0]["why"], "east refuses it");
  for (const char* part : {"", "clusters/north", "clusters/", "hold", "policy"}) {
    EXPECT_TRUE(Part(part).is_null()) << part;
  }
}

}  // namespace
}  // namespace weft::relay
