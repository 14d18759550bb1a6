#include "cli/verify_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/baseline.h"
#include "cli/output.h"
#include "cli/request_json.h"
#include "dsl/render.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;
using engine::Model;
using verifier::PropertyVerdict;

std::string Xml(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string VerifyJson(const VerifyResult& result) {
  const verifier::Report& report = result.report;
  const SourceMap& sources = result.policy.inputs.sources;
  const Totals totals = TotalsOf(result.diagnostics);
  Json json;
  json["formatVersion"] = "1";
  json["summary"] = {{"errors", totals.errors},
                     {"warnings", totals.warnings},
                     {"proved", report.Count(PropertyVerdict::kProved)},
                     {"violated", report.Count(PropertyVerdict::kViolated)},
                     {"undecided", report.Count(PropertyVerdict::kUndecided)},
                     {"empty", report.Count(PropertyVerdict::kEmpty)},
                     {"accepted", result.accepted.size()},
                     {"rules", result.policy.model.rules},
                     {"seconds", result.seconds}};
  json["findings"] = Json::array();
  const std::vector<std::string> known = Fingerprints(result.language, sources);
  for (std::size_t i = 0; i < result.language.size(); ++i) {
    json["findings"].push_back(FindingJson(result.language[i], sources));
    json["findings"].back()["fingerprint"] = known[i];
  }
  std::vector<Diagnostic> proved;
  for (const verifier::Finding& finding : report.findings) proved.push_back(finding.diagnostic);
  const std::vector<std::string> fingerprints = Fingerprints(proved, sources);
  const Model& model = result.policy.model;
  std::vector<Json> proofs = relay::ProofFindingsJson(report, model, sources);
  for (std::size_t i = 0; i < proofs.size(); ++i) {
    if (const auto& witness = report.findings[i].witness) {
      proofs[i]["request"] = RequestJson(model, *witness);
      proofs[i]["result"] = ResultJson(model, *witness, engine::Evaluate(model, *witness));
    }
    proofs[i]["fingerprint"] = fingerprints[i];
    json["findings"].push_back(std::move(proofs[i]));
  }
  json["accepted"] = Json::array();
  for (const AcceptedFinding& finding : result.accepted) {
    Json one = FindingJson(finding.diagnostic, sources);
    one["fingerprint"] = finding.fingerprint;
    one["until"] = finding.until;
    one["reason"] = finding.reason;
    json["accepted"].push_back(std::move(one));
  }
  json["properties"] = Json::array();
  for (const verifier::Property& property : report.properties) {
    Json one = {{"name", property.name},
                {"subject", property.subject},
                {"verdict", verifier::VerdictName(property.verdict)},
                {"seconds", property.seconds}};
    one["restsOn"] = Json::array();
    for (const Span& span : property.rests_on) one["restsOn"].push_back(PlaceJson(span, sources));
    one["assumes"] = Json::array();
    for (const Span& span : property.assumes) one["assumes"].push_back(PlaceJson(span, sources));
    json["properties"].push_back(std::move(one));
  }
  return Dump(json);
}

namespace {

// Results of a SARIF run and the rules they name.
class SarifRun {
 public:
  explicit SarifRun(const SourceMap& sources) : sources_(sources) {}

  void Add(const Diagnostic& d, const std::string& fingerprint, const AcceptedFinding* accepted) {
    AddRule(d);
    Json one;
    one["ruleId"] = CodeText(d.number);
    one["ruleIndex"] = known_[d.number];
    one["level"] = SeverityName(d.severity);
    std::string text = d.message;
    for (const std::string& note : d.notes) text += "\n" + note;
    one["message"] = {{"text", text}};
    one["locations"] = Json::array();
    if (d.span.IsKnown()) one["locations"].push_back(Location(d.span, ""));
    one["relatedLocations"] = Json::array();
    for (const Label& label : d.related) {
      if (label.span.IsKnown()) {
        one["relatedLocations"].push_back(Location(label.span, label.message));
      }
    }
    one["partialFingerprints"] = {{"weft/v1", fingerprint}};
    if (accepted != nullptr) {
      one["suppressions"] =
          Json::array({{{"kind", "external"},
                        {"justification", accepted->reason + " (until " + accepted->until + ")"}}});
    }
    results_.push_back(std::move(one));
  }

  [[nodiscard]] std::string Text() const {
    Json run;
    run["tool"]["driver"] = {{"name", "weft"}, {"version", WEFT_VERSION}, {"rules", rules_}};
    run["columnKind"] = "unicodeCodePoints";
    run["results"] = results_;
    Json json;
    json["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json";
    json["version"] = "2.1.0";
    json["runs"] = Json::array({run});
    return Dump(json);
  }

 private:
  void AddRule(const Diagnostic& d) {
    if (!known_.emplace(d.number, rules_.size()).second) return;
    rules_.push_back({{"id", CodeText(d.number)},
                      {"name", d.name},
                      {"shortDescription", {{"text", d.name}}},
                      {"help", {{"text", "weft explain-code " + CodeText(d.number)}}}});
  }

  [[nodiscard]] Json Location(Span span, const std::string& message) const {
    const LineColumn at = sources_.Locate(span.file, span.begin);
    Json place;
    place["physicalLocation"] = {{"artifactLocation", {{"uri", FilePath(sources_.Get(span.file))}}},
                                 {"region", {{"startLine", at.line}, {"startColumn", at.column}}}};
    if (!message.empty()) place["message"] = {{"text", message}};
    return place;
  }

  const SourceMap& sources_;
  std::map<std::uint16_t, std::size_t> known_;  // index of the rule
  Json rules_ = Json::array();
  Json results_ = Json::array();
};

}  // namespace

std::string VerifySarif(const VerifyResult& result) {
  const SourceMap& sources = result.policy.inputs.sources;
  SarifRun run(sources);
  const std::vector<std::string> fingerprints = Fingerprints(result.diagnostics, sources);
  for (std::size_t i = 0; i < result.diagnostics.size(); ++i) {
    run.Add(result.diagnostics[i], fingerprints[i], nullptr);
  }
  for (const AcceptedFinding& finding : result.accepted) {
    run.Add(finding.diagnostic, finding.fingerprint, &finding);
  }
  return run.Text();
}

std::string VerifyJunit(const VerifyResult& result) {
  const verifier::Report& report = result.report;
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  const Diagnostics& policy = result.policy.diagnostics;
  const bool broken = policy.HasErrors();
  const auto broke = [](const verifier::Property& property) {
    return property.verdict == PropertyVerdict::kViolated ||
           property.verdict == PropertyVerdict::kEmpty;
  };
  // What the baseline accepts is no failure.
  const auto fails = [&](const verifier::Property& property) {
    return broke(property) &&
           std::any_of(report.findings.begin(), report.findings.end(),
                       [&](const auto& finding) { return finding.property == property.name; });
  };
  const auto failures = static_cast<std::size_t>(
      std::count_if(report.properties.begin(), report.properties.end(), fails));
  xml +=
      fmt::format("<testsuite name=\"weft verify\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
                  report.properties.size() + (broken ? 1 : 0), failures + (broken ? 1 : 0),
                  report.Count(PropertyVerdict::kViolated) + report.Count(PropertyVerdict::kEmpty) -
                      failures + report.Count(PropertyVerdict::kUndecided));
  // Nothing is proved of a policy that does not type: that is a failure, not an empty suite.
  if (broken) {
    xml += "  <testcase classname=\"policy\" name=\"types\">\n";
    for (const Diagnostic& d : policy.Sorted()) {
      if (d.severity != Severity::kError) continue;
      xml += fmt::format("    <failure message=\"{}\">{}</failure>\n", Xml(d.message),
                         Xml(result.policy.inputs.sources.FileLine(d.span)));
    }
    xml += "  </testcase>\n";
  }
  for (const verifier::Property& property : report.properties) {
    xml += fmt::format("  <testcase classname=\"{}\" name=\"{}\"", Xml(property.name),
                       Xml(property.subject));
    if (property.verdict == PropertyVerdict::kProved) {
      xml += "/>\n";
      continue;
    }
    xml += ">\n";
    if (property.verdict == PropertyVerdict::kUndecided)
      xml += "    <skipped message=\"undecided\"/>\n";
    if (broke(property) && !fails(property)) {
      xml += "    <skipped message=\"accepted by the baseline\"/>\n";
    }
    for (const verifier::Finding& finding : report.findings) {
      if (!broke(property) || finding.property != property.name) continue;
      xml +=
          fmt::format("    <failure message=\"{}\">{}</failure>\n", Xml(finding.diagnostic.message),
                      Xml(result.policy.inputs.sources.FileLine(finding.diagnostic.span)));
    }
    xml += "  </testcase>\n";
  }
  return xml + "</testsuite>";
}

std::string VerifyGithub(const VerifyResult& result) {
  std::string text;
  const SourceMap& sources = result.policy.inputs.sources;
  const auto escape = [](const std::string& raw) {
    std::string escaped;
    for (const char c : raw) {
      if (c == '%') {
        escaped += "%25";
      } else if (c == '\n') {
        escaped += "%0A";
      } else {
        escaped += c;
      }
    }
    return escaped;
  };
  for (const Diagnostic& d : result.diagnostics) {
    const std::string_view level = d.severity == Severity::kError     ? "error"
                                   : d.severity == Severity::kWarning ? "warning"
                                                                      : "notice";
    std::string place;
    if (d.span.IsKnown()) {
      const LineColumn at = sources.Locate(d.span.file, d.span.begin);
      place = fmt::format("file={},line={},col={},", FilePath(sources.Get(d.span.file)), at.line,
                          at.column);
    }
    std::string message = d.message;
    for (const std::string& note : d.notes) message += "\n" + note;
    text += fmt::format("::{} {}title={} {}::{}\n", level, place, CodeText(d.number), d.name,
                        escape(message));
  }
  if (!text.empty()) text.pop_back();
  return text;
}

std::string VerifyHuman(const VerifyResult& result, bool color) {
  const auto paint = [&](PropertyVerdict verdict) -> std::string {
    const std::string_view name = verifier::VerdictName(verdict);
    if (!color) return fmt::format("{:<9}", name);
    const int code = verdict == PropertyVerdict::kProved     ? 32
                     : verdict == PropertyVerdict::kViolated ? 31
                                                             : 33;
    return fmt::format("\x1b[{}m{:<9}\x1b[0m", code, name);
  };
  std::string text;
  std::map<std::string, std::map<PropertyVerdict, std::vector<std::string>>> groups;
  std::vector<std::string> order;
  for (const verifier::Property& property : result.report.properties) {
    if (property.name == "prove") continue;
    if (!groups.contains(property.name)) order.push_back(property.name);
    groups[property.name][property.verdict].push_back(property.subject);
  }
  for (const std::string& name : order) {
    for (const auto& [verdict, subjects] : groups[name]) {
      std::string who;
      for (std::size_t i = 0; i < subjects.size() && i < 6; ++i) {
        who += (i ? ", " : "") + subjects[i];
      }
      if (subjects.size() > 6) who += fmt::format(" and {} more", subjects.size() - 6);
      text += fmt::format("{} {:<11} {}\n", paint(verdict), name, who);
    }
  }
  for (const verifier::Property& property : result.report.properties) {
    if (property.name != "prove") continue;
    text += fmt::format("{} {:<11} \"{}\"", paint(property.verdict), "prove", property.subject);
    if (!property.rests_on.empty()) {
      text += fmt::format("  rests on {} line{}", property.rests_on.size(),
                          property.rests_on.size() == 1 ? "" : "s");
    }
    if (!property.assumes.empty()) text += "  assumes `raw istio`";
    text += "\n";
  }
  const verifier::Report& report = result.report;
  const std::size_t empty = report.Count(PropertyVerdict::kEmpty);
  text += fmt::format(
      "{} proved, {} violated, {} undecided{}; {} rules, {:.3f} s",
      report.Count(PropertyVerdict::kProved), report.Count(PropertyVerdict::kViolated),
      report.Count(PropertyVerdict::kUndecided), empty == 0 ? "" : fmt::format(", {} empty", empty),
      result.policy.model.rules, result.seconds);
  if (!result.accepted.empty()) {
    text += "\n" + CountText(result.accepted.size(), "finding") + " accepted by the baseline";
  }
  return text;
}

}  // namespace weft::cli
