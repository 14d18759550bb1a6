#include "relay/net/codec.h"

#include <gtest/gtest.h>

#include "relay/core/limits.h"

namespace weft::relay {
namespace {

const ObjectKey kKey{"Service", "shop", "a"};

// What a peer makes of the message: encoded, over the wire, decoded, and encoded again.
template <typename Message, typename Frame>
void ExpectSame(const Message& message) {
  const Frame frame = Encode(message);
  Frame received;
  ASSERT_TRUE(received.ParseFromString(frame.SerializeAsString()));
  const auto decoded = Decode(received);
  ASSERT_TRUE(decoded.ok()) << decoded.error();
  EXPECT_EQ(decoded.value().index(), message.index());
  EXPECT_EQ(Encode(decoded.value()).SerializeAsString(), frame.SerializeAsString());
}

TEST(Codec, KeepsEveryMessage) {
  const Delta delta{Sha256("a"), Sha256("b"), {MakeObject(kKey, "{}", {{"x", "y"}})}, {kKey}};
  for (const AgentMessage& message : std::vector<AgentMessage>{
           Hello{1, "s", {1, 2}, {3, 4}, 5, Sha256("r"), true},
           Holdings{Sha256("r"), {{kKey, Sha256("d")}}}, Contents{{MakeObject(kKey, "{}")}},
           Discovery{7, 1, true, true, delta}, Degraded{"gone"},
           Ack{{1, 2}, Phase::kEffective, Sha256("r"), "why", true, {{kKey, Sha256("d"), "bad"}}},
           Ack{{1, 2}, Phase::kRejected, Sha256("r"), "", false, {{kKey, Sha256("d"), "", kKey}}},
           Heartbeat{"gone", "errors"}, Drift{{{kKey, "gone"}}, true}}) {
    ExpectSame<AgentMessage, v1::AgentFrame>(message);
  }
  for (const ServerMessage& message : std::vector<ServerMessage>{
           Welcome{"s", 3, Sha256("i")},
           Offer{"s", {1, 2}, 5, delta, Permit{Sha256("l"), "operator"}, "old"}, Inquire{},
           Inquire{{Sha256("d")}}, InputAck{7, Sha256("i")}, InputNack{7, "no"}}) {
    ExpectSame<ServerMessage, v1::ServerFrame>(message);
  }
}

TEST(Codec, LargeOffersNameTheirObjects) {
  Offer offer;
  for (int i = 0; i < 10; ++i) {
    offer.delta.changed.push_back(
        MakeObject({"Service", "shop", std::to_string(i)}, std::string(200'000, 'x')));
  }
  const v1::ServerFrame frame = Encode(ServerMessage(offer));
  EXPECT_LT(frame.ByteSizeLong(), kMaxMessageBytes);
  const Result<ServerMessage> decoded = Decode(frame);
  ASSERT_TRUE(decoded.ok());
  const Offer* received = std::get_if<Offer>(&decoded.value());
  ASSERT_EQ(received->delta.changed.size(), 10U);
  EXPECT_TRUE(received->delta.changed.back()->content.empty());
  EXPECT_EQ(received->delta.changed.back()->digest, offer.delta.changed.back()->digest);
}

TEST(Codec, RefusesWhatNoPeerSends) {
  EXPECT_FALSE(Decode(v1::AgentFrame()).ok());
  EXPECT_FALSE(Decode(v1::ServerFrame()).ok());
  v1::AgentFrame frame = Encode(AgentMessage(Hello{}));
  frame.mutable_hello()->set_protocol(9);
  EXPECT_FALSE(Decode(frame).ok());
  frame = Encode(AgentMessage(Hello{}));
  frame.mutable_hello()->set_root("short");
  EXPECT_FALSE(Decode(frame).ok());
  Discovery discovery;
  discovery.delta.changed.push_back(MakeObject(kKey, std::string(kMaxObjectBytes + 1, 'x')));
  EXPECT_FALSE(Decode(Encode(AgentMessage(discovery))).ok());
  discovery.delta.changed = {MakeObject({"", "shop", "a"}, "{}")};
  EXPECT_FALSE(Decode(Encode(AgentMessage(discovery))).ok());
  frame = Encode(AgentMessage(Ack{}));
  frame.mutable_ack()->set_phase(static_cast<v1::Ack::Phase>(77));
  EXPECT_FALSE(Decode(frame).ok());
}

TEST(Codec, ADigestIsThatOfTheContent) {
  v1::Object object = Encode(*MakeObject(kKey, "{}"));
  object.set_digest(EncodeDigest(Sha256("forged")));
  const Result<ObjectPtr> decoded = Decode(object);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded.value()->digest, DigestOf(kKey, "{}"));
}

}  // namespace
}  // namespace weft::relay
