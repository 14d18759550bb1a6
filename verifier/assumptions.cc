// What the proofs take for granted: objects in `raw istio`, of which nobody here knows what they
// do.
#include <algorithm>
#include <set>
#include <string>

#include "dsl/source.h"
#include "dsl/yaml.h"
#include "verifier/codes.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

struct RawObject {
  std::string kind;
  std::string text;  // "EnvoyFilter `x`"
};

std::vector<RawObject> ObjectsIn(const engine::RawObjects& raw) {
  Source source{.id = raw.span.file, .name = "", .text = raw.text, .path = ""};
  source.kind = SourceKind::kYaml;
  Diagnostics unused;  // emission reports what is wrong with them
  std::vector<RawObject> found;
  for (const yaml::Document& document : yaml::Parse(source, unused)) {
    const yaml::Node* metadata = document.root.Find("metadata");
    const std::string kind = document.root.StringOr("kind", "");
    const std::string name = metadata == nullptr ? "" : metadata->StringOr("name", "");
    if (!kind.empty()) found.push_back({kind, kind + " `" + name + "`"});
  }
  return found;
}

// Whether an object of the kind can change what the property says. Kinds that are not listed can
// change anything.
bool CanTouch(const std::string& kind, const std::string& property) {
  static const std::set<std::string> kHarmless = {"Telemetry", "ConfigMap", "Secret"};
  static const std::set<std::string> kOfServers = {"AuthorizationPolicy", "PeerAuthentication",
                                                   "RequestAuthentication"};
  static const std::set<std::string> kOfCallers = {
      "VirtualService", "DestinationRule", "ServiceEntry", "WorkloadEntry",
      "WorkloadGroup",  "Gateway",         "Sidecar"};
  static const std::set<std::string> kAboutServers = {"isolation", "routes",      "access", "mtls",
                                                      "limits",    "authorizers", "prove"};
  if (kHarmless.contains(kind)) return false;
  if (kOfServers.contains(kind)) return kAboutServers.contains(property);
  if (kOfCallers.contains(kind)) return property != "access" && property != "limits";
  return true;
}

std::string Listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

void NameAssumptions(Work& work) {
  for (const engine::RawObjects& raw : work.model.raws) {
    const std::vector<RawObject> objects = ObjectsIn(raw);
    std::set<std::string> touched;
    for (Property& property : work.report.properties) {
      const bool any = std::any_of(objects.begin(), objects.end(), [&](const RawObject& object) {
        return CanTouch(object.kind, property.name);
      });
      if (!any) continue;
      property.assumes.push_back(raw.span);
      touched.insert(property.name);
    }
    if (touched.empty()) continue;
    std::set<std::string> names;
    for (const RawObject& object : objects) names.insert(object.text);
    Diagnostics one;
    Diagnostic& d = one.Warning(codes::kAssumed, raw.span,
                                "nothing is known of what " + Listed(names) +
                                    " will do; taken for granted by: " + Listed(touched));
    for (const engine::ClusterId id : raw.clusters) d.clusters.push_back(work.model[id].name);
    d.help = "say it in weft, or look at it yourself: the proofs hold if it leaves them true";
    work.report.findings.push_back(
        {.diagnostic = d, .property = "assumptions", .witness = {}, .to = {}});
  }
}

}  // namespace weft::verifier
