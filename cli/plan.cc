// `weft plan`: what a change of the policy does, before it is made.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/plan_output.h"
#include "cli/policy.h"
#include "dsl/edited_lines.h"
#include "emit/emit.h"
#include "relay/core/order.h"
#include "relay/files/git_tree.h"
#include "relay/files/manifests.h"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

enum class PlanFormat { kHuman, kPlain, kJson, kMarkdown };

struct Options {
  PolicyOptions policy;
  PlanFormat format = PlanFormat::kHuman;
  std::string against;
  bool detailed = false;
};

// Exit codes of Terraform's plan, which wrappers of CI systems know.
constexpr int kNoDifference = 0;
constexpr int kFailed = 1;
constexpr int kDifferences = 2;

bool IsDirectory(const std::string& path) {
  return relay::Disk().KindOf(path) == relay::Tree::Kind::kDirectory;
}

// The inputs, and the directories modules are looked up in.
relay::RevisionPaths PathsOf(const InputOptions& inputs) {
  relay::RevisionPaths paths{inputs.paths, {}};
  for (const std::string& path : inputs.paths) {
    if (IsDirectory(path)) continue;
    const std::string parent = fs::path(path).parent_path().string();
    paths.paths.push_back(parent.empty() ? "." : parent);
  }
  for (const std::string& argument : inputs.inventory) {
    paths.shared.push_back(argument.substr(argument.find('=') + 1));
  }
  return paths;
}

// The directory stands for all inputs. One without inventory is compared with that of the inputs.
PolicyOptions InDirectory(const Options& options) {
  PolicyOptions there = options.policy;
  there.inputs.paths = {options.against};
  if (!there.inputs.inventory.empty() || IsDirectory(options.against + "/inventory")) return there;
  for (const std::string& path : options.policy.inputs.paths) {
    if (IsDirectory(path + "/inventory")) there.inputs.inventory.push_back(path + "/inventory");
  }
  return there;
}

struct Before {
  std::unique_ptr<const relay::Tree> tree;  // of a revision
  std::unique_ptr<Policy> policy;
};

Result<Before> LoadBefore(const Options& options) {
  Before before;
  if (IsDirectory(options.against)) {
    before.policy = LoadPolicy(InDirectory(options));
    return before;
  }
  auto tree = relay::ReadRevision(options.against, PathsOf(options.policy.inputs));
  if (!tree.ok()) return Error{tree.error()};
  before.tree = std::move(tree).value();
  before.policy = LoadPolicyFrom(*before.tree, options.policy);
  return before;
}

emit::ClusterObjects ObjectsOf(Policy& policy) {
  return emit::EmitIstio(policy.model,
                         {.place = [&](Span span) { return policy.inputs.sources.FileLine(span); }},
                         policy.diagnostics);
}

// Of the objects, those that change: the others have no place in the order.
relay::SnapshotPtr SnapshotOf(const emit::ClusterObjects& objects, const std::string& cluster,
                              const std::vector<emit::ObjectChange>& changes) {
  std::set<std::tuple<std::string, std::string, std::string>> changed;
  for (const emit::ObjectChange& change : changes) {
    changed.emplace(change.object_kind, change.ns, change.name);
  }
  std::map<relay::ObjectKey, relay::ObjectPtr> set;
  const auto at = objects.find(cluster);
  if (at != objects.end()) {
    for (const emit::Object& object : at->second) {
      if (!changed.contains({object.kind, object.ns, object.name})) continue;
      relay::ObjectPtr one = relay::FromEmitted(object);
      set[one->key] = std::move(one);
    }
  }
  return relay::MakeSnapshot(std::move(set));
}

// What each step of make-before-break puts in place.
std::vector<RolloutStep> RolloutOf(relay::SnapshotPtr at, const relay::SnapshotPtr& to) {
  std::vector<RolloutStep> steps;
  for (const relay::SnapshotPtr& next : relay::ApplicationSteps(*at, *to)) {
    const relay::Delta delta = relay::Diff(*at, *next);
    RolloutStep step{.removed = delta.removed};
    for (const relay::ObjectPtr& object : delta.changed) step.applied.push_back(object->key);
    steps.push_back(std::move(step));
    at = next;
  }
  return steps;
}

void PrintFindings(const PlanResult& result, PlanFormat format) {
  const bool plain = format != PlanFormat::kHuman;
  const auto print = [&](const Policy& policy, const std::string& which) {
    if (policy.diagnostics.all().empty()) return;
    std::fprintf(stderr, "weft: in %s:\n", which.c_str());
    PrintHuman(policy.diagnostics.Sorted(), policy.inputs.sources, plain);
  };
  if (result.before.ExitCode() != kExitClean) print(result.before, "`" + result.against + "`");
  if (result.after.ExitCode() != kExitClean) print(result.after, "the policy as it is now");
}

void Print(const PlanResult& result, PlanFormat format) {
  switch (format) {
    case PlanFormat::kHuman:
    case PlanFormat::kPlain:
      PrintText(PlanHuman(result, format == PlanFormat::kHuman && UseColor(stdout)));
      return;
    case PlanFormat::kJson:
      PrintText(PlanJson(result));
      return;
    case PlanFormat::kMarkdown:
      PrintText(PlanMarkdown(result));
      return;
  }
}

int ExitCode(const PlanResult& result, bool detailed) {
  const int cannot = std::max(result.before.ExitCode(), result.after.ExitCode());
  if (cannot != kExitClean) return detailed ? kFailed : cannot;
  const bool decided = result.report.undecided.empty() && result.report.unconfirmed == 0;
  if (!detailed) return decided ? kExitClean : kExitUndecided;
  if (!decided) return kFailed;
  return result.IsEmpty() ? kNoDifference : kDifferences;
}

int Plan(const Options& options) {
  Result<Before> before = LoadBefore(options);
  if (!before.ok()) {
    std::fprintf(stderr, "weft: %s\n", before.error().c_str());
    return options.detailed ? kFailed : kExitCannot;
  }
  Policy& old = *before.value().policy;
  const std::unique_ptr<Policy> policy = LoadPolicy(options.policy);
  PlanResult result{options.against, old, *policy, {}, {}, {}, false};
  if (old.ExitCode() == kExitClean && policy->ExitCode() == kExitClean) {
    EditedLines lines(old.inputs.sources, policy->inputs.sources);
    result.report = verifier::Compare(
        old.model, policy->model,
        {.edited = [&](bool after, Span span) { return lines.Within(after, span); },
         .opposite = [&](bool after, Span line) { return lines.Opposite(after, line); },
         .all = [&](bool after) { return lines.All(after); }});
    const emit::ClusterObjects objects_before = ObjectsOf(old);
    const emit::ClusterObjects objects = ObjectsOf(*policy);
    result.emitted = old.ExitCode() == kExitClean && policy->ExitCode() == kExitClean;
    if (result.emitted) {
      result.objects = emit::DiffObjects(objects_before, objects);
    }
    for (const auto& [cluster, changes] : result.objects) {
      result.rollout[cluster] = RolloutOf(SnapshotOf(objects_before, cluster, changes),
                                          SnapshotOf(objects, cluster, changes));
    }
  }
  PrintFindings(result, options.format);
  const bool compared = result.report.versions != nullptr;
  if (compared || options.format == PlanFormat::kJson) Print(result, options.format);
  return ExitCode(result, options.detailed);
}

}  // namespace

void AddPlan(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("plan", "what a change does: which requests are treated differently");
  command->footer(
      "Examples:\n"
      "  weft plan policies/ --against main\n"
      "  weft plan policies/ --against HEAD~1 -o markdown > comment.md\n"
      "  weft plan policies/ --against ../released --detailed-exitcode");
  AddInputOptions(*command, options->policy);
  command
      ->add_option("--against", options->against,
                   "what to compare with: a git revision, or a directory")
      ->required()
      ->type_name("REV|DIR");
  static const std::vector<std::pair<std::string, PlanFormat>> formats = {
      {"human", PlanFormat::kHuman},
      {"plain", PlanFormat::kPlain},
      {"json", PlanFormat::kJson},
      {"markdown", PlanFormat::kMarkdown}};
  command->add_option("-o,--output", options->format, "human, plain, json or markdown")
      ->transform(Choice(formats))
      ->type_name("FORMAT");
  command->add_flag("--detailed-exitcode", options->detailed,
                    "exit with 0: no difference, 1: error, 2: differences");
  command->callback([options, &exit_code] { exit_code = Plan(*options); });
}

}  // namespace weft::cli
