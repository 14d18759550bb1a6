// `weft verify`: every built-in property and every `prove`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <tuple>

#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/verify_output.h"
#include "verifier/verify.h"

namespace weft::cli {
namespace {

enum class VerifyFormat { kHuman, kPlain, kJson, kSarif, kJunit, kGithub };

struct Options {
  PolicyOptions policy;
  VerifyFormat format = VerifyFormat::kHuman;
  std::string property;
  std::string fail_on = "error";
};

// On a terminal, after a second, the name of the property that is being proved.
class Progress {
 public:
  explicit Progress(bool enabled) : enabled_(enabled) {}
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Began(const std::string& property) {
    const auto since = std::chrono::steady_clock::now() - start_;
    if (!enabled_ || since < std::chrono::seconds(1)) return;
    std::fprintf(stderr, "\r\x1b[Kproving %s ...", property.c_str());
    shown_ = true;
  }
  void Clear() {
    if (shown_) std::fprintf(stderr, "\r\x1b[K");
    shown_ = false;
  }

 private:
  bool enabled_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void Print(const VerifyResult& result, VerifyFormat format) {
  switch (format) {
    case VerifyFormat::kHuman:
    case VerifyFormat::kPlain:
      PrintHuman(result.diagnostics, result.policy.inputs.sources, format == VerifyFormat::kPlain);
      PrintText(VerifyHuman(result, format == VerifyFormat::kHuman && UseColor(stdout)));
      return;
    case VerifyFormat::kJson:
      PrintText(VerifyJson(result));
      return;
    case VerifyFormat::kSarif:
      PrintText(VerifySarif(result));
      return;
    case VerifyFormat::kJunit:
      PrintText(VerifyJunit(result));
      return;
    case VerifyFormat::kGithub:
      PrintText(VerifyGithub(result));
      return;
  }
}

int ExitCode(const VerifyResult& result, const std::string& fail_on) {
  if (result.policy.inputs.unreadable) return kExitCannot;
  const bool failed =
      std::any_of(result.diagnostics.begin(), result.diagnostics.end(), [&](const Diagnostic& d) {
        return d.severity == Severity::kError ||
               (fail_on == "warning" && d.severity == Severity::kWarning);
      });
  if (failed) return kExitFindings;
  return result.report.Count(verifier::PropertyVerdict::kUndecided) > 0 ? kExitUndecided
                                                                        : kExitClean;
}

int Verify(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const std::unique_ptr<Policy> policy = LoadPolicy(options.policy);
  verifier::Report report;
  // A policy that does not type has no meaning to prove things about.
  if (policy->ExitCode() == kExitClean) {
    Progress progress(options.format == VerifyFormat::kHuman && UseColor(stderr));
    report = verifier::Verify(
        policy->model, {.only = options.property,
                        .place = [&](Span span) { return policy->inputs.sources.FileLine(span); },
                        .began = [&](const std::string& property) { progress.Began(property); },
                        .seconds =
                            [start] {
                              const std::chrono::duration<double> since =
                                  std::chrono::steady_clock::now() - start;
                              return since.count();
                            }});
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  VerifyResult result{*policy, report, policy->diagnostics.Sorted(), took.count()};
  for (const verifier::Finding& finding : report.findings) {
    result.diagnostics.push_back(finding.diagnostic);
  }
  std::stable_sort(result.diagnostics.begin(), result.diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.span, a.number) < std::tie(b.span, b.number);
                   });
  Print(result, options.format);
  return ExitCode(result, options.fail_on);
}

}  // namespace

void AddVerify(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("verify", "prove isolation, absence of conflicts and every `prove`");
  command->footer("Example:\n  weft verify policies/ -o sarif > weft.sarif");
  AddInputOptions(*command, options->policy);
  static const std::map<std::string, VerifyFormat> formats = {
      {"human", VerifyFormat::kHuman}, {"plain", VerifyFormat::kPlain},
      {"json", VerifyFormat::kJson},   {"sarif", VerifyFormat::kSarif},
      {"junit", VerifyFormat::kJunit}, {"github", VerifyFormat::kGithub}};
  command->add_option("-o,--output", options->format, "human, plain, json, sarif, junit or github")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("FORMAT");
  command->add_option("--property", options->property, "prove only this property")
      ->check(CLI::IsMember(verifier::PropertyNames()));
  command->add_option("--fail-on", options->fail_on, "error or warning: what exit code 1 means")
      ->check(CLI::IsMember({"error", "warning"}));
  command->callback([options, &exit_code] { exit_code = Verify(*options); });
}

}  // namespace weft::cli
