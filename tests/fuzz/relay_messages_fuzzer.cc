// Any bytes as what a peer, an API server or a disk gives the relay: read without a crash, and a
// message that is taken means the same when it is sent on. The first byte says as what the rest is
// read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "relay/core/limits.h"
#include "relay/files/manifests.h"
#include "relay/files/state.h"
#include "relay/kube/decode.h"
#include "relay/net/codec.h"

namespace {

using weft::Result;

template <typename Frame>
void ReadFrame(const std::string& bytes) {
  Frame frame;
  if (!frame.ParseFromString(bytes)) return;
  const auto message = weft::relay::Decode(frame);
  if (!message.ok()) return;
  const Frame again = weft::relay::Encode(message.value());
  const auto read = weft::relay::Decode(again);
  // A large offer may name what it held: the second time nothing is left out any more.
  if (!read.ok() || read.value().index() != message.value().index()) std::abort();
}

void ReadObject(const std::string& bytes) {
  weft::relay::v1::Object frame;
  if (!frame.ParseFromString(bytes)) return;
  const Result<weft::relay::ObjectPtr> object = weft::relay::Decode(frame);
  if (!object.ok() || object.value()->content.empty()) return;
  if (object.value()->digest !=
      weft::relay::DigestOf(object.value()->key, object.value()->content)) {
    std::abort();
  }
  (void)weft::relay::WrongWith(*object.value());
  (void)weft::relay::WrongWithDiscovered(*object.value());
}

void ReadCluster(const std::string& text, std::size_t kind, bool list) {
  const auto& resources = weft::relay::kube::DiscoveredResources();
  const weft::relay::kube::Resource& resource = resources[kind % resources.size()];
  if (list) {
    (void)weft::relay::kube::ReadPage(resource, text);
  } else {
    (void)weft::relay::kube::ReadEvent(resource, text);
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string bytes(data + 2, data + size);
  switch (data[0] % 7) {
    case 0:
      ReadFrame<weft::relay::v1::AgentFrame>(bytes);
      break;
    case 1:
      ReadFrame<weft::relay::v1::ServerFrame>(bytes);
      break;
    case 2:
      ReadObject(bytes);
      break;
    case 3:
      ReadCluster(bytes, data[1], true);
      break;
    case 4:
      ReadCluster(bytes, data[1], false);
      break;
    case 5:
      (void)weft::relay::FromManifest(bytes);
      break;
    default:
      (void)weft::relay::ParseRecord(bytes);
      break;
  }
  return 0;
}
