// Messages to protobuf and back. Decoding checks every bound before it builds anything and never
// throws: a frame that is not what a well-meaning peer sends is an error, and the session ends.
#pragma once

#include "dsl/result.h"
#include "relay/core/messages.h"
#include "relay/proto/relay.pb.h"

namespace weft::relay {

[[nodiscard]] v1::AgentFrame Encode(const AgentMessage& message);
// Objects beyond kInlineBytes of the offer are named by digest only.
[[nodiscard]] v1::ServerFrame Encode(const ServerMessage& message);
[[nodiscard]] v1::Object Encode(const Object& object);

[[nodiscard]] Result<AgentMessage> Decode(const v1::AgentFrame& frame);
[[nodiscard]] Result<ServerMessage> Decode(const v1::ServerFrame& frame);
[[nodiscard]] Result<ObjectPtr> Decode(const v1::Object& object);
[[nodiscard]] std::optional<Digest> DecodeDigest(const std::string& bytes);
[[nodiscard]] std::string EncodeDigest(const Digest& digest);

}  // namespace weft::relay
