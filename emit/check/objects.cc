#include "emit/check/objects.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "emit/check/fields.h"
#include "emit/check/report.h"
#include "emit/check/rules.h"
#include "emit/check/schema.h"
#include "emit/check/strings.h"
#include "emit/check/words.h"
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
       {"Gateway", "VirtualService", "DestinationRule", "ServiceEntry", "WorkloadEntry", "Sidecar",
        "EnvoyFilter"}},
      {"v1", {"ConfigMap"}},
      {"telemetry.istio.io/v1", {"Telemetry"}},
      {"telemetry.istio.io/v1alpha1", {"Telemetry"}},
      {"security.istio.io/v1",
       {"AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"}},
      {"security.istio.io/v1beta1",
       {"AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"}}};
  return versions;
}

// Kinds whose CRD demands a spec.
bool NeedsSpec(const std::string& kind) {
  return kind == "ServiceEntry" || kind == "WorkloadEntry";
}

// A DNS subdomain in lower case, as Kubernetes names objects; its labels may be of any length.
bool IsObjectName(const std::string& name) {
  static const std::string kName =
      "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
  return name.size() <= 253 && MatchesRegex(kName, name);
}

// The fields around the spec, which are those of every Kubernetes object.
void CheckMetadata(const yaml::Node& root, const IstioObject& object, Diagnostics& diagnostics) {
  static const Fields kRoot = ReadFields("apiVersion kind metadata* spec* status*");
  static const Fields kConfigMap =
      ReadFields("apiVersion kind metadata* !data<> binaryData<> immutable?");
  static const Fields kMetadata = ReadFields(
      "name namespace labels<(..63)> annotations<> generateName uid resourceVersion generation# "
      "creationTimestamp* deletionTimestamp* deletionGracePeriodSeconds# ownerReferences* "
      "finalizers[] managedFields* selfLink");
  Report report(diagnostics);
  CheckFields(root, object.kind == "ConfigMap" ? kConfigMap : kRoot, "", diagnostics);
  const yaml::Node* metadata = root.Find("metadata");
  if (metadata == nullptr || metadata->IsNull() || object.name.empty()) {
    report.Fault(codes::kMissingField, root.span, "the object has no `metadata.name`",
                 "metadata.name: Required value");
    return;
  }
  CheckFields(*metadata, kMetadata, "metadata", diagnostics);
  if (!IsObjectName(object.name)) {
    report.Broken(*metadata->Find("name"), "`" + object.name + "` is no name of an object",
                  "metadata.name: Invalid value: a lowercase RFC 1123 subdomain is needed");
  }
  const yaml::Node* ns = metadata->Find("namespace");
  if (ns != nullptr && !ns->text.empty() && (!IsDnsLabel(object.ns) || !IsObjectName(object.ns))) {
    report.Broken(*ns, "`" + object.ns + "` is no namespace",
                  "metadata.namespace: Invalid value: a lowercase RFC 1123 label is needed");
  }
  CheckLabels(metadata->Find("labels"), report);
}

void CheckObject(const yaml::Node& root, const IstioObject& object, Diagnostics& diagnostics) {
  Report report(diagnostics);
  const std::size_t errors = diagnostics.errors();
  CheckMetadata(root, object, diagnostics);
  if (object.kind == "ConfigMap") return;
  const yaml::Node* spec = root.Find("spec");
  if (NeedsSpec(object.kind) && (spec == nullptr || spec->IsNull())) {
    report.Fault(codes::kMissingField, root.span, "the object has no `spec`",
                 "spec: Required value");
    return;
  }
  CheckSpec(object.kind, object.spec, diagnostics);
  // What has the wrong shape is not asked about its meaning.
  if (diagnostics.errors() == errors) CheckRules(object, root, report);
}

// The spellings of Go's strconv.ParseBool.
bool IsTrue(std::string_view text) {
  return text == "1" || text == "t" || text == "T" || text == "true" || text == "True" ||
         text == "TRUE";
}

// What a limiter reads, out of the ConfigMap that brings it.
yaml::Node LimiterConfiguration(const yaml::Node& root, Diagnostics& diagnostics) {
  const yaml::Node* data = root.Find("data");
  SourceMap texts;
  const FileId id = texts.Add(
      "config.yaml", data == nullptr ? "" : data->StringOr("config.yaml", ""), SourceKind::kYaml);
  Diagnostics inner;
  for (yaml::Document& document : yaml::Parse(texts.Get(id), inner)) {
    if (!inner.HasErrors()) return std::move(document.root);
  }
  diagnostics.Error(codes::kBadField, root.span, "`config.yaml` is no configuration of a limiter");
  return {};
}

}  // namespace

IstioObject PartsOf(const yaml::Node& root) {
  IstioObject object;
  object.span = root.span;
  object.kind = root.StringOr("kind", "");
  object.ns = "default";
  if (const yaml::Node* metadata = root.Find("metadata")) {
    object.name = metadata->StringOr("name", "");
    object.ns = metadata->StringOr("namespace", "default");
    const yaml::Node* annotations = metadata->Find("annotations");
    object.dry_run =
        annotations != nullptr && IsTrue(annotations->StringOr("istio.io/dry-run", ""));
    const yaml::Node* labels = metadata->Find("labels");
    object.ours =
        labels != nullptr && labels->StringOr("app.kubernetes.io/managed-by", "") == "weft";
    if (annotations != nullptr) object.source = annotations->StringOr("weft.dev/source", "");
  }
  const yaml::Node* spec = root.Find("spec");
  if (spec == nullptr || spec->IsNull()) {
    object.spec.kind = yaml::Kind::kMapping;
  } else {
    object.spec = *spec;
  }
  return object;
}

std::vector<IstioObject> ReadIstio(const Source& source, Diagnostics& diagnostics) {
  std::vector<IstioObject> objects;
  for (const yaml::Document& document : yaml::Parse(source, diagnostics)) {
    const yaml::Node& root = document.root;
    const std::size_t errors = diagnostics.errors();
    const std::string version = root.StringOr("apiVersion", "");
    IstioObject object = PartsOf(root);
    const auto known = Versions().find(version);
    if (known == Versions().end() || !known->second.contains(object.kind)) {
      diagnostics.Error(codes::kUnknownKind, root.span,
                        "`" + version + "` `" + object.kind + "` is no kind that is read here");
      continue;
    }
    const yaml::Node* data = object.kind == "ConfigMap" ? root.Find("data") : nullptr;
    // What an authorizer reads is its own affair.
    if (data != nullptr && data->Find("config.yaml") != nullptr)
      object.spec = LimiterConfiguration(root, diagnostics);
    CheckObject(root, object, diagnostics);
    if (diagnostics.errors() == errors) objects.push_back(std::move(object));
  }
  return objects;
}

namespace {

bool IsKnown(const yaml::Node& root) {
  const auto known = Versions().find(root.StringOr("apiVersion", ""));
  return known != Versions().end() && known->second.contains(root.StringOr("kind", ""));
}

// Whether the document is an object of Istio's, of a kind that is read here. Kinds Istio does not
// have are reported.
bool IsIstio(const yaml::Node& root, Diagnostics& diagnostics) {
  static const std::set<std::string> kOthers = {"ProxyConfig", "WorkloadGroup"};
  const std::string version = root.StringOr("apiVersion", ""), kind = root.StringOr("kind", "");
  if (version == "v1") return false;  // a ConfigMap, which may be anybody's
  if (IsKnown(root)) return true;
  const bool group =
      version.starts_with("networking.istio.io/") || version.starts_with("security.istio.io/");
  if (!group || kOthers.contains(kind)) return false;
  std::vector<std::string> kinds;
  for (const auto& [known, names] : Versions()) {
    if (known == version) kinds.assign(names.begin(), names.end());
  }
  const yaml::Node* word = root.Find(kinds.empty() ? "apiVersion" : "kind");
  Diagnostic& d = diagnostics.Error(codes::kUnknownKind, word == nullptr ? root.span : word->span,
                                    "Istio has no `" + kind + "` in `" + version + "`");
  const std::string near = NearestName(kind, kinds);
  if (near.empty() || word == nullptr) return false;
  d.help = "did you mean `" + near + "`?";
  d.edit = Edit{.span = word->span, .text = near};
  return false;
}

void CheckForeignObject(const yaml::Node& root, Diagnostics& diagnostics) {
  if (!IsIstio(root, diagnostics)) return;
  bool accepted = false;
  for (const char* sign : {"uid", "resourceVersion", "creationTimestamp"}) {
    const yaml::Node* metadata = root.Find("metadata");
    const yaml::Node* found = metadata == nullptr ? nullptr : metadata->Find(sign);
    accepted = accepted || (found != nullptr && !found->IsNull());
  }
  Diagnostics found;
  CheckObject(root, PartsOf(root), found);
  for (Diagnostic diagnostic : found.all()) {
    if (accepted) diagnostic.severity = Severity::kWarning;
    diagnostics.Add(std::move(diagnostic));
  }
}

}  // namespace

void CheckForeign(const Source& source, Diagnostics& diagnostics) {
  if (source.text.find("istio.io/") == std::string::npos) return;
  Diagnostics unheard;
  for (const yaml::Document& document : yaml::Parse(source, unheard)) {
    const yaml::Node& root = document.root;
    CheckForeignObject(root, diagnostics);
    const yaml::Node* items = root.StringOr("kind", "") == "List" ? root.Find("items") : nullptr;
    if (items == nullptr) continue;
    for (const yaml::Node& item : items->items) CheckForeignObject(item, diagnostics);
  }
}

}  // namespace weft::emit::check
