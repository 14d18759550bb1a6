#include "emit/check/objects.h"

#include <map>
#include <set>

#include "emit/check/schema.h"
#include "emit/codes.h"

namespace weft::emit::check {
namespace {

const std::map<std::string, std::set<std::string>>& Versions() {
  static const std::map<std::string, std::set<std::string>> versions = {
      {"networking.istio.io/v1",
       {"Gateway", "VirtualService", "DestinationRule", "ServiceEntry", "WorkloadEntry",
        "Sidecar"}},
      {"networking.istio.io/v1beta1",
       {"Gateway", "VirtualService", "DestinationRule", "ServiceEntry", "WorkloadEntry",
        "Sidecar"}},
      {"networking.istio.io/v1alpha3",
       {"Gateway", "VirtualService", "DestinationRule", "ServiceEntry", "WorkloadEntry",
        "Sidecar"}},
      {"security.istio.io/v1",
       {"AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"}},
      {"security.istio.io/v1beta1",
       {"AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"}}};
  return versions;
}

}  // namespace

std::vector<IstioObject> ReadIstio(const Source& source, Diagnostics& diagnostics) {
  static const yaml::Node kEmpty = [] {
    yaml::Node node;
    node.kind = yaml::Kind::kMapping;
    return node;
  }();
  std::vector<IstioObject> objects;
  for (const yaml::Document& document : yaml::Parse(source, diagnostics)) {
    const yaml::Node& root = document.root;
    const std::size_t errors = diagnostics.errors();
    const std::string version = root.StringOr("apiVersion", "");
    IstioObject object;
    object.kind = root.StringOr("kind", "");
    const auto known = Versions().find(version);
    if (known == Versions().end() || !known->second.contains(object.kind)) {
      diagnostics.Error(codes::kUnknownKind, root.span,
                        "`" + version + "` `" + object.kind + "` is no kind that is read here");
      continue;
    }
    const yaml::Node* metadata = root.Find("metadata");
    if (metadata != nullptr) {
      object.name = metadata->StringOr("name", "");
      object.ns = metadata->StringOr("namespace", "default");
      const yaml::Node* annotations = metadata->Find("annotations");
      object.dry_run =
          annotations != nullptr && annotations->StringOr("istio.io/dry-run", "") == "true";
    }
    if (object.name.empty()) {
      diagnostics.Error(codes::kMissingField, root.span, "the object has no `metadata.name`");
    }
    const yaml::Node* spec = root.Find("spec");
    object.spec = spec == nullptr || spec->IsNull() ? kEmpty : *spec;
    CheckSpec(object.kind, object.spec, diagnostics);
    if (diagnostics.errors() == errors) objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace weft::emit::check
