// `weft verify`: every built-in property and every `prove`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>

#include "cli/baseline.h"
#include "cli/certificate.h"
#include "cli/choice.h"
#include "cli/codes.h"
#include "cli/commands.h"
#include "cli/emitted.h"
#include "cli/policy.h"
#include "cli/verify_output.h"
#include "prove/prove.h"
#include "relay/compile/repair.h"
#include "verifier/verify.h"

namespace weft::cli {
namespace {

enum class VerifyFormat { kHuman, kPlain, kJson, kSarif, kJunit, kGithub };

struct Options {
  PolicyOptions policy;
  VerifyFormat format = VerifyFormat::kHuman;
  std::string property;
  std::string fail_on = "error";
  std::string baseline;  // "" = none
  bool write_baseline = false;
  std::string until;  // of what is written
  bool fix = false;
  bool dry_run = false;
  bool may_widen = false;
  bool emitted = false;
  std::string emitted_in;   // "" = what weft would emit
  std::string certificate;  // "" = none
  std::string sign_key;     // "" = not signed
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

// Takes the accepted out; what is left of the baseline was mended.
class Acceptor {
 public:
  Acceptor(const Baseline& baseline, const std::string& today, VerifyResult& result)
      : baseline_(baseline), today_(today), result_(result) {}

  // Whether the finding is accepted. One whose day is over says so.
  bool Take(Diagnostic& finding, const std::string& fingerprint) {
    const auto entry = baseline_.find(fingerprint);
    if (entry == baseline_.end()) return false;
    used_.insert(fingerprint);
    const auto& [until, reason, span] = entry->second;
    if (until < today_) {
      finding.notes.push_back("it was accepted until " + until +
                              (reason.empty() ? "" : ": " + reason));
      return false;
    }
    result_.accepted.push_back({finding, fingerprint, until, reason});
    return true;
  }

  [[nodiscard]] std::vector<Diagnostic> Stale() const {
    Diagnostics stale;
    for (const auto& [fingerprint, entry] : baseline_) {
      if (used_.contains(fingerprint) || !entry.span.IsKnown()) continue;
      stale.Add({.severity = Severity::kNote,
                 .number = codes::kStaleAcceptance.number,
                 .name = codes::kStaleAcceptance.name,
                 .message = "nothing is found of `" + fingerprint + "` any more",
                 .span = entry.span,
                 .help = "remove the entry"});
    }
    return stale.Sorted();
  }

 private:
  const Baseline& baseline_;
  const std::string& today_;
  VerifyResult& result_;
  std::set<std::string> used_;
};

void Accept(const Baseline& baseline, const std::string& today, verifier::Report& report,
            VerifyResult& result) {
  const SourceMap& sources = result.policy.inputs.sources;
  Acceptor acceptor(baseline, today, result);
  const std::vector<std::string> known = Fingerprints(result.language, sources);
  std::vector<Diagnostic> language;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!acceptor.Take(result.language[i], known[i])) language.push_back(result.language[i]);
  }
  std::vector<Diagnostic> proved;
  for (const verifier::Finding& finding : report.findings) proved.push_back(finding.diagnostic);
  const std::vector<std::string> fingerprints = Fingerprints(proved, sources);
  std::vector<verifier::Finding> findings;
  for (std::size_t i = 0; i < fingerprints.size(); ++i) {
    verifier::Finding& finding = report.findings[i];
    if (!acceptor.Take(finding.diagnostic, fingerprints[i])) findings.push_back(std::move(finding));
  }
  report.findings = std::move(findings);
  for (Diagnostic& stale : acceptor.Stale()) language.push_back(std::move(stale));
  result.language = std::move(language);
}

void SortByPlace(std::vector<Diagnostic>& diagnostics) {
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.span, a.number) < std::tie(b.span, b.number);
                   });
}

// What the baseline accepts is taken out of the report and of the result's own diagnostics. False
// when the baseline is wrong or cannot be written, which is printed.
bool UseBaseline(const Options& options, Policy& policy, verifier::Report& report,
                 VerifyResult& result) {
  SourceMap& sources = policy.inputs.sources;
  Baseline baseline;
  const bool exists = relay::Disk().KindOf(options.baseline) != relay::Tree::Kind::kNothing;
  if (exists || !options.write_baseline) {
    Result<std::string> text = ReadFile(options.baseline);
    if (!text.ok()) {
      std::fprintf(stderr, "weft: `%s` %s\n", options.baseline.c_str(), text.error().c_str());
      return false;
    }
    const FileId id =
        sources.Add(options.baseline, std::move(text).value(), SourceKind::kYaml, options.baseline);
    Diagnostics wrong;
    baseline = ReadBaseline(sources.Get(id), wrong);
    if (wrong.HasErrors()) {
      PrintHuman(wrong.Sorted(), sources, options.format != VerifyFormat::kHuman);
      return false;
    }
  }
  const std::string today = DayFromNow(0);
  if (options.write_baseline) {
    std::vector<Diagnostic> all = result.language;
    for (const verifier::Finding& finding : report.findings) all.push_back(finding.diagnostic);
    SortByPlace(all);
    const std::string until = options.until.empty() ? DayFromNow(90) : options.until;
    const Status written =
        WriteFile(options.baseline, BaselineText(all, sources, baseline, today, until));
    if (!written.ok()) {
      std::fprintf(stderr, "weft: %s\n", written.error().c_str());
      return false;
    }
    std::fprintf(stderr, "weft: %s accepted in `%s`\n", CountText(all.size(), "finding").c_str(),
                 options.baseline.c_str());
    for (const std::string& fingerprint : Fingerprints(all, sources)) {
      baseline[fingerprint] = {until, "", {}};
    }
  }
  Accept(baseline, today, report, result);
  return true;
}

void Show(const relay::Repair& repair, const std::string& verb) {
  std::string text = verb + " " + repair.finding + "\n  " + repair.what;
  if (repair.mended > 1) text += " (mends " + CountText(repair.mended, "finding") + ")";
  for (const std::string& other : repair.otherwise) text += "\n  or: " + other;
  std::fprintf(stderr, "%s\n%s\n", text.c_str(), repair.difference.c_str());
}

// Shows every repair and makes it, unless that is not wanted. False when a file cannot be written.
bool Fix(const Options& options) {
  const relay::Repairs repairs = relay::FindRepairs(options.policy.inputs, options.may_widen);
  for (const relay::Repair& repair : repairs.repairs) {
    Show(repair, "fix");
    if (options.dry_run) continue;
    for (const auto& [path, text] : repair.files) {
      const Status written = WriteFile(path, text);
      if (written.ok()) continue;
      std::fprintf(stderr, "weft: %s\n", written.error().c_str());
      return false;
    }
  }
  for (const relay::Repair& offer : repairs.offers) {
    Show(offer, "not made, since it lets more in (--may-widen makes it):");
  }
  std::fprintf(stderr, "weft: %s%s, %s left\n", CountText(repairs.repairs.size(), "edit").c_str(),
               options.dry_run ? " found, none made" : " made",
               CountText(repairs.left, "finding").c_str());
  return true;
}

// What is emitted against the policy; nullopt when it cannot be read, which is printed.
std::optional<verifier::Report> ProveEmitted(const Options& options, Policy& policy,
                                             const std::function<double()>& seconds) {
  const std::optional<emit::check::Mesh> mesh = LoadEmitted(options.emitted_in, policy);
  if (!mesh) return std::nullopt;
  const bool on_disk = !options.emitted_in.empty();
  std::optional<emit::check::Mesh> reference;
  if (on_disk) reference.emplace(EmitAndRead(policy));
  if (policy.diagnostics.HasErrors()) return verifier::Report{};
  return prove::ProveEmitted(
      policy.model, *mesh,
      {.on_disk = on_disk,
       .reference = reference ? &*reference : nullptr,
       .place = [&](Span span) { return policy.inputs.sources.FileLine(span); },
       .seconds = seconds});
}

// Writes the certificate. False when it cannot be, which is printed.
bool Certify(const Options& options, const Policy& policy, const verifier::Report& report) {
  const auto complain = [](const std::string& path, const std::string& why) {
    std::fprintf(stderr, "weft: `%s` %s\n", path.c_str(), why.c_str());
    return false;
  };
  std::string key;
  if (!options.sign_key.empty()) {
    Result<std::string> read = ReadFile(options.sign_key);
    if (!read.ok()) return complain(options.sign_key, read.error());
    key = std::move(read).value();
    if (key.empty()) return complain(options.sign_key, "is empty");
  }
  const Result<std::string> text = CertificateText(policy, report, key);
  if (!text.ok()) return complain(options.sign_key, text.error());
  const Status written = WriteFile(options.certificate, text.value());
  if (!written.ok()) std::fprintf(stderr, "weft: %s\n", written.error().c_str());
  return written.ok();
}

int Verify(const Options& options) {
  // A policy with errors is not mended: they are printed below.
  const bool fix = options.fix && LoadPolicy(options.policy)->ExitCode() == kExitClean;
  if (fix && !Fix(options)) return kExitCannot;
  if (options.fix && !fix) {
    std::fputs("weft: nothing is mended by `--fix` before the policy has no errors\n", stderr);
  }
  const auto start = std::chrono::steady_clock::now();
  const std::unique_ptr<Policy> policy = LoadPolicy(options.policy);
  const auto seconds = [start] {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start;
    return since.count();
  };
  verifier::Report report;
  // A policy that does not type has no meaning to prove things about.
  if (policy->ExitCode() == kExitClean && options.emitted) {
    std::optional<verifier::Report> proved = ProveEmitted(options, *policy, seconds);
    if (!proved) return kExitCannot;
    report = std::move(*proved);
  } else if (policy->ExitCode() == kExitClean) {
    Progress progress(options.format == VerifyFormat::kHuman && UseColor(stderr));
    report = verifier::Verify(
        policy->model, {.only = options.property,
                        .place = [&](Span span) { return policy->inputs.sources.FileLine(span); },
                        .began = [&](const std::string& property) { progress.Began(property); },
                        .seconds = seconds});
  }
  if (policy->ExitCode() == kExitClean && !options.certificate.empty() &&
      !Certify(options, *policy, report)) {
    return kExitCannot;
  }
  VerifyResult result{*policy, report, policy->diagnostics.Sorted(), {}, {}, 0};
  if (policy->ExitCode() == kExitClean && !options.baseline.empty() &&
      !UseBaseline(options, *policy, report, result)) {
    return kExitCannot;
  }
  result.diagnostics = result.language;
  for (const verifier::Finding& finding : report.findings) {
    result.diagnostics.push_back(finding.diagnostic);
  }
  SortByPlace(result.diagnostics);
  result.seconds = seconds();
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
  static const std::vector<std::pair<std::string, VerifyFormat>> formats = {
      {"human", VerifyFormat::kHuman}, {"plain", VerifyFormat::kPlain},
      {"json", VerifyFormat::kJson},   {"sarif", VerifyFormat::kSarif},
      {"junit", VerifyFormat::kJunit}, {"github", VerifyFormat::kGithub}};
  command->add_option("-o,--output", options->format, "human, plain, json, sarif, junit or github")
      ->transform(Choice(formats))
      ->type_name("FORMAT");
  CLI::Option* property =
      command->add_option("--property", options->property, "prove only this property")
          ->check(Choice(verifier::PropertyNames()));
  command->add_option("--fail-on", options->fail_on, "error or warning: what exit code 1 means")
      ->check(Choice(std::vector<std::string>{"error", "warning"}));
  CLI::Option* baseline = command->add_option("--baseline", options->baseline,
                                              "findings accepted for now, each until a day");
  baseline->type_name("FILE");
  CLI::Option* write = command->add_flag("--write-baseline", options->write_baseline,
                                         "accept everything that is found now");
  write->needs(baseline);
  command->add_option("--until", options->until, "day until which it is accepted; 90 days from now")
      ->needs(write)
      ->type_name("YYYY-MM-DD")
      ->check(
          CLI::Validator([](std::string& day) { return IsDay(day) ? "" : "is no such day"; }, ""));
  CLI::Option* fix =
      command->add_flag("--fix", options->fix, "make the fewest edits that mend what is found");
  command->add_flag("--dry-run", options->dry_run, "show the edits only")->needs(fix);
  command->add_flag("--may-widen", options->may_widen, "also edits that let more requests in")
      ->needs(fix);
  CLI::Option* emitted =
      command
          ->add_option("--emitted", options->emitted_in,
                       "prove instead that the Istio objects mean what the policy means: those "
                       "weft would emit, or those in DIR/<cluster>/")
          ->type_name("[DIR]")
          ->expected(0, 1)
          ->excludes(fix);
  CLI::Option* certificate =
      command
          ->add_option("--certificate", options->certificate,
                       "write what is found with its proofs, for check-proof")
          ->type_name("FILE")
          ->excludes(property)
          ->excludes(emitted);
  command->add_option("--sign-key", options->sign_key, "sign it: private key, Ed25519 or P-256")
      ->type_name("FILE")
      ->needs(certificate);
  command->callback([options, emitted, &exit_code] {
    options->emitted = emitted->count() > 0;
    exit_code = Verify(*options);
  });
}

}  // namespace weft::cli
