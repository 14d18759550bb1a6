#include "emit/check/rules.h"

#include <set>

#include "emit/check/words.h"

namespace weft::emit::check {
namespace {

// The annotation of dry runs, and those that only Istio itself may set.
void CheckAnnotations(const IstioObject& object, const yaml::Node& root, Report& report) {
  const yaml::Node* annotations = root.At("metadata.annotations");
  if (annotations == nullptr) return;
  for (const yaml::Node::Entry& entry : annotations->entries) {
    if (entry.key == "internal.istio.io/parents" ||
        entry.key == "internal.istio.io/parent-namespace" ||
        entry.key == "istio.io/always-reject") {
      report.Broken(entry.value, "the annotation `" + entry.key + "` is Istio's own",
                    "annotation found, this may not be set by users");
    }
    if (entry.key != "istio.io/dry-run") continue;
    const std::string action = object.spec.StringOr("action", "ALLOW");
    if (object.kind != "AuthorizationPolicy") {
      report.Broken(entry.value, "only an AuthorizationPolicy can be a dry run",
                    "unsupported annotation istio.io/dry-run, please remove the annotation");
    } else if (action != "ALLOW" && action != "DENY") {
      report.Broken(entry.value, "a dry run is for the actions `ALLOW` and `DENY` only",
                    "the annotation istio.io/dry-run currently only supports action ALLOW/DENY");
    } else {
      static const std::set<std::string> kWords = {"1", "t", "T", "true",  "True",  "TRUE",
                                                   "0", "f", "F", "false", "False", "FALSE"};
      if (!kWords.contains(entry.value.text)) {
        report.Broken(entry.value, "`istio.io/dry-run` must be `true` or `false`",
                      "annotation istio.io/dry-run with invalid value");
      }
    }
  }
}

}  // namespace

void CheckRules(const IstioObject& object, const yaml::Node& root, Report& report) {
  CheckAnnotations(object, root, report);
  if (object.kind == "AuthorizationPolicy") return CheckAuthorization(object, report);
  if (object.kind == "PeerAuthentication" || object.kind == "RequestAuthentication") {
    return CheckAuthentication(object, report);
  }
  if (object.kind == "VirtualService") return CheckRoutes(object, report);
  if (object.kind == "DestinationRule") return CheckTraffic(object, report);
  if (object.kind == "Gateway") return CheckGateway(object, report);
  if (object.kind == "ServiceEntry") return CheckServiceEntry(object, root, report);
  if (object.kind == "WorkloadEntry") return CheckWorkloadEntry(object.spec, true, report);
  if (object.kind == "Sidecar") return CheckSidecar(object, report);
}

void CheckSelector(const yaml::Node& spec, std::string_view selector, std::string_view labels,
                   Report& report) {
  const yaml::Node* node = spec.Find(selector);
  if (node == nullptr) return;
  for (const yaml::Node::Entry& entry : Entries(*node, labels)) {
    if (entry.key.empty()) {
      report.Broken(entry.value, "a label of `" + std::string(selector) + "` has no name",
                    "key must not be empty");
    }
    if (entry.key.find('*') != std::string::npos) {
      report.Broken(entry.value,
                    "the name of a label in `" + std::string(selector) + "` has a star",
                    "wildcard not allowed in label key match");
    }
    if (entry.value.text.find('*') != std::string::npos) {
      report.Broken(entry.value,
                    "the value of a label in `" + std::string(selector) + "` has a star",
                    labels == "labels" ? "wildcard is not supported in selector"
                                       : "wildcard not allowed in label value match");
    }
  }
}

void CheckExportTo(const IstioObject& object, Report& report) {
  const bool entry = object.kind == "ServiceEntry";
  std::set<std::string> seen;
  const std::vector<yaml::Node>& list = Items(object.spec, "exportTo");
  for (const yaml::Node& item : list) {
    const std::string ns = item.text == "." ? object.ns : item.text;
    if (!seen.insert(ns).second) {
      report.Broken(item, "`exportTo` names `" + item.text + "` twice",
                    "duplicate entries in exportTo");
      continue;
    }
    if (item.text == "~" && entry) continue;
    if (item.text == "~") {
      report.Broken(item, "only a ServiceEntry is exported to nobody",
                    "exportTo ~ (none) is not allowed for Istio configuration objects");
    } else if (item.text != "*" && item.text != "." && !IsDnsLabel(item.text)) {
      report.Broken(item, "`" + item.text + "` is no namespace",
                    "only .,*, or a valid DNS 1123 label is allowed as exportTo entry");
    }
  }
  if (list.size() < 2) return;
  if (seen.contains("*")) {
    report.Broken(list.front(), "`exportTo` names everyone and single namespaces",
                  "cannot have both public (*) and non-public exportTo values for a resource");
  }
  if (seen.contains("~") && entry) {
    report.Broken(list.front(), "`exportTo` names nobody and single namespaces",
                  "cannot export service entry to no one (~) and someone");
  }
}

void CheckLabels(const yaml::Node* labels, Report& report) {
  if (labels == nullptr) return;
  for (const yaml::Node::Entry& entry : labels->entries) {
    if (!IsLabelKey(entry.key)) {
      report.Broken(entry.value, "`" + entry.key + "` is no name of a label", "invalid tag key");
    }
    if (!IsLabelValue(entry.value.text)) {
      report.Broken(entry.value, "`" + entry.value.text + "` is no value of a label",
                    "invalid tag value");
    }
  }
}

bool Has(const yaml::Node& node, std::string_view field) {
  const yaml::Node* found = node.Find(field);
  return found != nullptr && !found->IsNull();
}

std::string Text(const yaml::Node& node, std::string_view field) {
  const yaml::Node* found = node.Find(field);
  return found == nullptr ? "" : found->text;
}

const std::vector<yaml::Node>& Items(const yaml::Node& node, std::string_view field) {
  static const std::vector<yaml::Node> kNone;
  const yaml::Node* found = node.Find(field);
  return found == nullptr ? kNone : found->items;
}

const std::vector<yaml::Node::Entry>& Entries(const yaml::Node& node, std::string_view field) {
  static const std::vector<yaml::Node::Entry> kNone;
  const yaml::Node* found = node.Find(field);
  return found == nullptr ? kNone : found->entries;
}

std::int64_t Number(const yaml::Node& node, std::string_view field) {
  const yaml::Node* found = node.Find(field);
  return found == nullptr ? 0 : found->AsInt().value_or(0);
}

bool IsTrue(const yaml::Node& node, std::string_view field) {
  const yaml::Node* found = node.Find(field);
  return found != nullptr && found->AsBool() == true;
}

}  // namespace weft::emit::check
