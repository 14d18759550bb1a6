#include "relay/xds/encode.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/util/json_util.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "relay/proto/istio_networking.pb.h"
#include "relay/proto/istio_security.pb.h"
#include "relay/proto/mcp.pb.h"

namespace weft::relay::mcp {
namespace {

using Json = nlohmann::json;
namespace pb = google::protobuf;

// Packs the spec of one kind.
using Packer = std::function<pb::util::Status(const std::string& spec, pb::Any& body)>;

template <typename Message>
Packer PackerOf() {
  return [](const std::string& spec, pb::Any& body) {
    Message message;
    pb::util::Status status = pb::util::JsonStringToMessage(spec, &message);
    if (status.ok()) body.PackFrom(message);
    return status;
  };
}

// By "Kind.group". The messages have their first names, v1alpha3 and v1beta1, in every version of
// the kinds.
const std::map<std::string, Packer>& Packers() {
  namespace networking = istio::networking::v1alpha3;
  namespace security = istio::security::v1beta1;
  static const auto* const kPackers = new std::map<std::string, Packer>{
      {"DestinationRule.networking.istio.io", PackerOf<networking::DestinationRule>()},
      {"EnvoyFilter.networking.istio.io", PackerOf<networking::EnvoyFilter>()},
      {"Gateway.networking.istio.io", PackerOf<networking::Gateway>()},
      {"ServiceEntry.networking.istio.io", PackerOf<networking::ServiceEntry>()},
      {"Sidecar.networking.istio.io", PackerOf<networking::Sidecar>()},
      {"VirtualService.networking.istio.io", PackerOf<networking::VirtualService>()},
      {"WorkloadEntry.networking.istio.io", PackerOf<networking::WorkloadEntry>()},
      {"AuthorizationPolicy.security.istio.io", PackerOf<security::AuthorizationPolicy>()},
      {"PeerAuthentication.security.istio.io", PackerOf<security::PeerAuthentication>()},
      {"RequestAuthentication.security.istio.io", PackerOf<security::RequestAuthentication>()},
  };
  return *kPackers;
}

// istiod takes an object for a changed one by its version.
std::string VersionOf(const Object& object) {
  FieldHasher version("weft.mcp.v1");
  version.Add(object.digest);
  for (const auto& [key, value] : object.annotations) version.Add(key).Add(value);
  return ToHex(version.Finish());
}

void CopyText(const Json& from, pb::Map<std::string, std::string>& to) {
  for (const auto& [key, value] : from.items()) {
    if (value.is_string()) to[key] = value.get<std::string>();
  }
}

}  // namespace

Result<std::string> EncodeResource(const Object& object) {
  const auto packer = Packers().find(object.key.kind);
  if (packer == Packers().end()) {
    return Error{"istiod takes " + object.key.kind + " from Kubernetes only"};
  }
  const Json json = Json::parse(object.content, nullptr, false);
  if (!json.is_object()) return Error{"it is no JSON object"};
  istio::mcp::v1alpha1::Resource resource;
  istio::mcp::v1alpha1::Metadata& metadata = *resource.mutable_metadata();
  metadata.set_name(object.key.ns + "/" + object.key.name);
  // Ever the same, so that no object comes before another by its age.
  metadata.mutable_create_time()->set_seconds(1);
  metadata.set_version(VersionOf(object));
  const Json about = json.value("metadata", Json::object());
  if (about.contains("labels")) CopyText(about["labels"], *metadata.mutable_labels());
  if (about.contains("annotations")) {
    CopyText(about["annotations"], *metadata.mutable_annotations());
  }
  for (const auto& [key, value] : object.annotations) {
    (*metadata.mutable_annotations())[key] = value;
  }
  const std::string spec = json.value("spec", Json::object()).dump();
  const pb::util::Status packed = packer->second(spec, *resource.mutable_body());
  if (!packed.ok()) return Error{"its spec: " + std::string(packed.message())};
  return resource.SerializeAsString();
}

Result<ContentPtr> EncodeContent(const Snapshot& objects) {
  auto content = std::make_shared<Content>();
  std::map<std::string, FieldHasher> versions;
  for (const auto& [key, object] : objects.objects) {
    Result<std::string> resource = EncodeResource(*object);
    if (!resource.ok()) return Error{ToText(key) + ": " + resource.error()};
    versions.try_emplace(key.kind, "weft.mcp.kind.v1")
        .first->second.Add(ToText(key))
        .Add(VersionOf(*object));
    content->kinds[key.kind].resources.push_back(std::move(resource).value());
  }
  FieldHasher whole("weft.mcp.content.v1");
  for (auto& [kind, set] : content->kinds) {
    set.version = ToHex(versions.at(kind).Finish());
    whole.Add(set.version);
  }
  content->version = ToHex(whole.Finish());
  return ContentPtr(std::move(content));
}

}  // namespace weft::relay::mcp
