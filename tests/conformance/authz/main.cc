// authz_check: the interpreter of AuthorizationPolicies against an evaluator of the Envoy filters
// that istiod makes of them, over sampled calls.
//
//   authz_check [--seed N] [--calls N] FILES|DIRS…   DIR: cases, or Istio's tests with a cases.tsv
//   authz_check --seed N --write DIR --count N       writes cases that still lack their filters
//
// Exit codes: 0 all agree, 1 some do not, 2 nothing could be compared.
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/conformance/authz/cases.h"
#include "tests/conformance/authz/policies.h"
#include "tests/conformance/authz/rbac.h"
#include "tests/conformance/authz/samples.h"

namespace weft::conformance {
namespace {

using emit::check::Call;
using emit::check::Verdict;

struct Flags {
  std::uint64_t seed = 1;
  std::size_t calls = 2000, count = 0;
  std::filesystem::path write;
  std::vector<std::filesystem::path> inputs;
};

// nullopt on a flag without a value.
std::optional<Flags> ReadFlags(const std::vector<std::string>& arguments) {
  Flags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& flag = arguments[i];
    if (!flag.starts_with("--")) {
      flags.inputs.emplace_back(flag);
      continue;
    }
    if (++i == arguments.size()) return std::nullopt;
    if (flag == "--write") {
      flags.write = arguments[i];
    } else if (flag == "--seed") {
      flags.seed = std::strtoull(arguments[i].c_str(), nullptr, 10);
    } else if (flag == "--calls") {
      flags.calls = std::strtoull(arguments[i].c_str(), nullptr, 10);
    } else if (flag == "--count") {
      flags.count = std::strtoull(arguments[i].c_str(), nullptr, 10);
    } else {
      return std::nullopt;
    }
  }
  return flags;
}

std::string Text(const Verdict& verdict) {
  static const std::map<Verdict::Kind, std::string> names = {
      {Verdict::Kind::kAllowed, "allowed"},
      {Verdict::Kind::kDenied, "denied"},
      {Verdict::Kind::kNotAllowed, "not allowed"}};
  std::string text = names.at(verdict.kind);
  if (verdict.audited) text += ", audited";
  if (verdict.dry_denied) text += ", denied in the dry run";
  if (verdict.dry_allowed) text += ", allowed in the dry run";
  for (const std::string& name : verdict.asked) text += ", asks " + name;
  return text;
}

std::string Text(const Call& call) {
  std::string text =
      fmt::format("  peer `{}` from {} (originally {}) to {}:{} sni `{}`\n  {} {}{}\n", call.peer,
                  call.source_ip, call.remote_ip, call.destination_ip, call.port, call.sni,
                  call.method, call.host, call.path);
  for (const auto& [name, value] : call.headers) text += "  " + name + ": " + value + "\n";
  for (const auto& token : call.tokens) text += "  token " + token.dump() + "\n";
  for (const auto& [name, value] : call.metadata) text += "  " + name + " " + value.dump() + "\n";
  return text;
}

struct Tally {
  std::size_t calls = 0, different = 0;
  std::map<std::string, std::size_t> verdicts;
};

// Compares both sides over the case's calls; prints the first call they differ on.
void Compare(const Case& test, const Flags& flags, Tally& tally) {
  std::vector<const emit::check::IstioObject*> policies;
  for (const auto& policy : test.policies) policies.push_back(&policy);
  const Sampler sampler(test);
  std::mt19937_64 random(flags.seed);
  bool shown = false;
  for (std::size_t i = 0; i < flags.calls; ++i) {
    const Call call = sampler.Draw(random);
    const Verdict ours = emit::check::Authorize(policies, call, test.context);
    const Verdict theirs = Evaluate(test.filters, call);
    ++tally.calls;
    ++tally.verdicts[Text(theirs)];
    if (ours == theirs) continue;
    ++tally.different;
    if (shown) continue;
    shown = true;
    fmt::print("{}: policies say {}, filters say {}\n{}", test.name, Text(ours), Text(theirs),
               Text(call));
  }
}

Status ReadInputs(const Flags& flags, std::vector<Case>& cases) {
  for (const std::filesystem::path& input : flags.inputs) {
    if (std::filesystem::exists(input / "cases.tsv")) {
      Result<std::vector<Case>> corpus = ReadCorpus(input);
      if (!corpus) return Error{corpus.error()};
      for (Case& test : corpus.value()) cases.push_back(std::move(test));
      continue;
    }
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_directory(input)) {
      for (const auto& entry : std::filesystem::directory_iterator(input)) {
        if (entry.path().extension() == ".yaml") files.push_back(entry.path());
      }
      std::sort(files.begin(), files.end());
    } else {
      files.push_back(input);
    }
    for (const std::filesystem::path& file : files) {
      Result<Case> test = ReadCase(file);
      if (!test) return Error{test.error()};
      cases.push_back(std::move(test.value()));
    }
  }
  return Unit{};
}

int WriteCases(const Flags& flags) {
  std::filesystem::create_directories(flags.write);
  std::mt19937_64 random(flags.seed);
  for (std::size_t i = 0; i < flags.count; ++i) {
    std::ofstream out(flags.write / fmt::format("random-{:04}.yaml", i));
    out << RandomCase(random);
    if (!out.flush()) return 2;
  }
  return 0;
}

int Run(const Flags& flags) {
  if (!flags.write.empty()) return WriteCases(flags);
  std::vector<Case> cases;
  const Status status = ReadInputs(flags, cases);
  if (!status || cases.empty()) {
    fmt::print(stderr, "authz_check: {}\n", status ? "no case found" : status.error());
    return 2;
  }
  Tally tally;
  for (const Case& test : cases) {
    try {
      Compare(test, flags, tally);
    } catch (const Unknown& unknown) {
      fmt::print(stderr, "authz_check: {}: {}\n", test.name, unknown.what());
      return 2;
    }
  }
  fmt::print("{} cases, {} calls with seed {}: {} differ\n", cases.size(), tally.calls, flags.seed,
             tally.different);
  for (const auto& [verdict, count] : tally.verdicts) fmt::print("{:9} {}\n", count, verdict);
  return tally.different == 0 ? 0 : 1;
}

}  // namespace
}  // namespace weft::conformance

int main(int argc, char** argv) {
  const auto flags = weft::conformance::ReadFlags({argv + 1, argv + argc});
  if (!flags) {
    fmt::print(stderr,
               "usage: authz_check [--seed N] [--calls N] FILES|DIRS…\n"
               "       authz_check --seed N --write DIR --count N\n");
    return 2;
  }
  return weft::conformance::Run(*flags);
}
