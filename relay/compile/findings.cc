#include "relay/compile/findings.h"

#include <nlohmann/json.hpp>

#include "dsl/overloaded.h"
#include "dsl/render.h"

namespace weft::relay {
namespace {

using Json = nlohmann::ordered_json;
using engine::Model;

Json CallerJson(const Model& model, const engine::Request& request) {
  Json from;
  const bool known = !request.source.IsNone();
  from["cluster"] = request.cluster.IsNone() ? Json() : Json(model[request.cluster].name);
  from["namespace"] = nullptr;
  from["serviceAccount"] = nullptr;
  from["workspace"] = nullptr;
  if (known) {
    const engine::Workload& w = model[request.source];
    from["namespace"] = w.ns;
    from["serviceAccount"] = w.account;
    if (!w.workspace.IsNone()) from["workspace"] = model[w.workspace].name;
  } else if (request.identity) {
    from["namespace"] = request.identity->ns;
    from["serviceAccount"] = request.identity->account;
    const engine::WorkspaceId owner = request.cluster.IsNone()
                                          ? engine::WorkspaceId{}
                                          : model.OwnerOf(request.cluster, request.identity->ns);
    if (!owner.IsNone()) from["workspace"] = model[owner].name;
  }
  return from;
}

Json TargetJson(const Model& model, const engine::TargetRef& target, std::uint16_t port) {
  Json to;
  std::visit(Overloaded{
                 [&](engine::ServiceId id) {
                   to["namespace"] = model[id].ns;
                   to["service"] = model[id].name;
                 },
                 [&](auto id) {
                   to["namespace"] = nullptr;
                   to["service"] = model[id].name;
                 },
             },
             target);
  const engine::WorkspaceId owner =
      std::visit([&](auto id) { return model[id].workspace; }, target);
  to["workspace"] = owner.IsNone() ? Json() : Json(model[owner].name);
  to["port"] = port;
  return to;
}

Json WitnessJson(const Model& model, const verifier::Finding& finding) {
  const engine::Request& request = *finding.witness;
  Json witness;
  witness["from"] = CallerJson(model, request);
  witness["to"] = finding.to ? TargetJson(model, *finding.to, request.port) : Json();
  witness["method"] = request.method;
  witness["host"] = request.host;
  witness["path"] = request.path;
  witness["headers"] = Json(request.headers);
  witness["query"] = Json(request.query);
  witness["jwt"] = nullptr;
  for (const engine::Token& token : request.tokens) {
    if (witness["jwt"].is_null()) witness["jwt"] = Json::object();
    witness["jwt"][model[token.provider].name] = {{"valid", token.valid}, {"claims", token.claims}};
  }
  witness["mtls"] = !request.plaintext;
  witness["gateway"] = request.gateway.IsNone() ? Json() : Json(model[request.gateway].name);
  return witness;
}

}  // namespace

Json PlaceJson(Span span, const SourceMap& sources) {
  Json place;
  place["file"] = nullptr;
  place["line"] = nullptr;
  if (!span.IsKnown() || !sources.Contains(span.file)) return place;
  const LineColumn at = sources.Locate(span.file, span.begin);
  place["file"] = sources.Get(span.file).name;
  place["line"] = at.line;
  place["column"] = at.column;
  return place;
}

std::string CodeText(std::uint16_t number) {
  std::string digits = std::to_string(number);
  return "W" + std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

Json FindingJson(const Diagnostic& diagnostic, const SourceMap& sources) {
  Json json;
  json["code"] = CodeText(diagnostic.number);
  json["name"] = diagnostic.name;
  json["severity"] = SeverityName(diagnostic.severity);
  json["message"] = diagnostic.message;
  json.update(PlaceJson(diagnostic.span, sources));
  json["related"] = Json::array();
  for (const Label& label : diagnostic.related) {
    Json related = PlaceJson(label.span, sources);
    related["message"] = label.message;
    json["related"].push_back(std::move(related));
  }
  json["clusters"] = diagnostic.clusters;
  json["help"] = diagnostic.help;
  return json;
}

Json FindingsJson(const Diagnostics& diagnostics, const SourceMap& sources) {
  Json findings = Json::array();
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    findings.push_back(FindingJson(diagnostic, sources));
  }
  return findings;
}

std::vector<Json> ProofFindingsJson(const verifier::Report& report, const Model& model,
                                    const SourceMap& sources) {
  std::vector<Json> findings;
  for (const verifier::Finding& finding : report.findings) {
    Json one = FindingJson(finding.diagnostic, sources);
    one["property"] = finding.property;
    one["witness"] = nullptr;
    if (finding.witness) {
      one["witness"] = WitnessJson(model, finding);
      one["verdict"] = finding.allowed ? "allowed" : "blocked";
      one["expected"] = finding.expected ? "allowed" : "blocked";
      one["replayed"] = finding.replayed;
    }
    findings.push_back(std::move(one));
  }
  return findings;
}

}  // namespace weft::relay
