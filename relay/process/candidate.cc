#include "relay/process/candidate.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "emit/emit.h"
#include "engine/lower.h"
#include "relay/codes.h"
#include "relay/compile/findings.h"
#include "relay/compile/inputs.h"
#include "relay/files/manifests.h"
#include "verifier/verify.h"

namespace weft::relay {
namespace {

using Json = nlohmann::ordered_json;

std::string DigestOf(const Inputs& inputs) {
  FieldHasher hasher("weft.policy.v1");
  for (const auto* sources : {&inputs.policy, &inputs.yaml}) {
    for (const Source* source : *sources) hasher.Add(source->name).Add(source->text);
  }
  return ToHex(hasher.Finish());
}

// The clusters that have to report: the declared ones.
std::vector<std::string> Declared(const dsl::Program& program) {
  std::vector<std::string> names;
  for (const dsl::ClusterDecl& cluster : program.clusters)
    names.push_back(cluster.header.name.value);
  std::sort(names.begin(), names.end());
  return names;
}

// Warns about every declared cluster that is missing, and about the lack of any.
bool Complete(const dsl::Program& program, const server::Compile& compile,
              Diagnostics& diagnostics) {
  bool complete = true;
  for (const dsl::ClusterDecl& cluster : program.clusters) {
    if (compile.inputs.contains(cluster.header.name.value)) continue;
    diagnostics.Warning(codes::kWaiting, cluster.header.span,
                        "cluster `" + cluster.header.name.value + "` has not reported yet");
    complete = false;
  }
  if (program.clusters.empty() && compile.inputs.empty()) {
    diagnostics.Warning(codes::kWaiting, {}, "no cluster has reported yet");
    complete = false;
  }
  return complete;
}

// A violation counts whatever its severity; a warning of the language does not hold a release.
Verdict Judge(const Diagnostics& diagnostics, const verifier::Report& report) {
  if (diagnostics.HasErrors()) return Verdict::kInvalid;
  const bool violated =
      std::any_of(report.findings.begin(), report.findings.end(),
                  [](const auto& f) { return f.diagnostic.severity == Severity::kError; });
  if (violated) return Verdict::kViolated;
  return report.Count(verifier::PropertyVerdict::kUndecided) > 0 ? Verdict::kUndecided
                                                                 : Verdict::kProved;
}

}  // namespace

Result<std::string> PolicyDigest(const std::string& directory) {
  Inputs inputs;
  Diagnostics diagnostics;
  ReadInputs({.paths = {directory}, .inventory_folders = false}, inputs, diagnostics);
  if (inputs.unreadable) return Error{diagnostics.all().front().message};
  return DigestOf(inputs);
}

server::Candidate MakeCandidate(const std::string& directory, const server::Compile& compile) {
  server::Candidate candidate{.serial = compile.serial};
  Inputs inputs;
  Diagnostics diagnostics;
  ReadInputs({.paths = {directory}, .inventory_folders = false}, inputs, diagnostics);
  candidate.policy = DigestOf(inputs);
  for (const auto& [cluster, snapshot] : compile.inputs) {
    const FileId id =
        inputs.sources.Add(cluster + ".yaml", InventoryText(*snapshot), SourceKind::kYaml);
    engine::ReadInventory(cluster, inputs.sources.Get(id), inputs.inventory, diagnostics);
  }
  engine::FinishInventory(inputs.inventory);
  const dsl::Program program = LoadProgram(inputs, diagnostics);
  candidate.declared = Declared(program);
  verifier::Report report;
  engine::Model model;
  const bool typed = !diagnostics.HasErrors() && !inputs.unreadable;
  if (typed && !Complete(program, compile, diagnostics)) {
    candidate.verdict = Verdict::kUndecided;
    candidate.findings = FindingsJson(diagnostics, inputs.sources).dump();
    return candidate;
  }
  const auto place = [&](Span span) { return inputs.sources.FileLine(span); };
  model = engine::Lower(program, inputs.inventory, diagnostics);
  std::map<std::string, std::vector<emit::Object>> emitted;
  if (typed && !diagnostics.HasErrors()) {
    report = verifier::Verify(model, {.place = place});
    if (Judge(diagnostics, report) == Verdict::kProved) {
      emitted = emit::EmitIstio(model, {.place = place}, diagnostics);
    }
  }
  candidate.verdict = typed ? Judge(diagnostics, report) : Verdict::kInvalid;
  Json findings = FindingsJson(diagnostics, inputs.sources);
  for (Json& finding : ProofFindingsJson(report, model, inputs.sources)) {
    findings.push_back(std::move(finding));
  }
  candidate.findings = findings.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (candidate.verdict != Verdict::kProved) return candidate;
  for (const auto& [cluster, objects] : emitted) {
    std::map<ObjectKey, ObjectPtr> set;
    for (const emit::Object& object : objects) {
      ObjectPtr one = FromEmitted(object);
      set[one->key] = std::move(one);
    }
    candidate.outputs[cluster] = MakeSnapshot(std::move(set));
  }
  return candidate;
}

}  // namespace weft::relay
