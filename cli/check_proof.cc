// `weft check-proof`: the checker of certificates, as a command.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "checker/checker.h"
#include "cli/codes.h"
#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "relay/core/digest.h"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

struct CheckProofOptions {
  std::string file;
  std::string key;
  std::vector<std::string> inputs;
};

const Code& CodeOf(checker::Refusal::Why why) {
  switch (why) {
    case checker::Refusal::Why::kUnreadable:
      return codes::kProofUnreadable;
    case checker::Refusal::Why::kAltered:
      return codes::kProofAltered;
    case checker::Refusal::Why::kDoesNotFollow:
      break;
  }
  return codes::kProofDoesNotFollow;
}

std::string Counted(const std::map<std::string, std::size_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
  }
  return text.empty() ? "nothing" : text;
}

// False when the file cannot be read, which is printed.
bool Read(const std::string& path, std::string& text) {
  Result<std::string> read = ReadFile(path);
  if (read.ok()) {
    text = std::move(read).value();
    return true;
  }
  std::fprintf(stderr, "weft: `%s` %s\n", path.c_str(), read.error().c_str());
  return false;
}

void Refuse(const std::string& file, const Code& code, const std::string& why) {
  std::fprintf(stderr, "%s: error[%s %s]: %s\n", file.c_str(), CodeText(code.number).c_str(),
               std::string(code.name).c_str(), why.c_str());
}

bool IsPolicy(const fs::path& path) {
  return path.extension() == ".weft" || path.extension() == ".yaml" || path.extension() == ".yml";
}

// Which of the inputs is not as it was, "" for none. Files are compared by name and content, so
// that it does not matter from where weft was run.
std::string Difference(const std::map<std::string, std::string>& inputs,
                       const std::vector<std::string>& places) {
  std::map<std::pair<std::string, std::string>, std::string> missing;
  for (const auto& [path, digest] : inputs) missing[{fs::path(path).filename(), digest}] = path;
  const auto known = missing;
  std::string other;
  const auto compare = [&](const fs::path& path, bool named) {
    std::string text;
    if (!Read(path, text)) {
      other = "`" + path.string() + "` cannot be read";
      return;
    }
    const std::pair found(path.filename().string(), relay::ToHex(relay::Sha256(text)));
    missing.erase(found);
    if (known.contains(found) || !(named || IsPolicy(path)) || !other.empty()) return;
    other = "`" + path.string() + "` is not what was proved";
  };
  for (const std::string& place : places) {
    if (!fs::is_directory(place)) {
      compare(place, true);
      continue;
    }
    for (auto at = fs::recursive_directory_iterator(place); at != fs::end(at); ++at) {
      if (at->path().filename().string().starts_with('.')) at.disable_recursion_pending();
      if (at->is_regular_file()) compare(at->path(), false);
    }
  }
  if (!other.empty() || missing.empty()) return other;
  return "`" + missing.begin()->second + "` is not there as it was proved";
}

void Print(const checker::Accepted& accepted, bool compared) {
  PrintText(fmt::format(
      "accepted: {}\n"
      "  established   {}, by {} with {}\n"
      "  taken         {}, on the word of who made it\n"
      "  made by       weft {}, {}\n"
      "  inputs        {}",
      Counted(accepted.verdicts), Counted(accepted.established),
      CountText(accepted.arguments, "argument"), CountText(accepted.cells, "cell"),
      Counted(accepted.taken), accepted.version,
      accepted.signer.empty() ? "not signed: anyone can have written it"
                              : "signed with the key of SHA-256 " + accepted.signer,
      compared ? CountText(accepted.inputs.size(), "file") + ", as they were when it was made"
               : "not compared; --inputs says where they are"));
}

int CheckProof(const CheckProofOptions& options) {
  std::string text;
  std::string key;
  if (!Read(options.file, text) || (!options.key.empty() && !Read(options.key, key))) {
    return kExitCannot;
  }
  const auto outcome = checker::Check(text, key);
  if (const auto* refusal = std::get_if<checker::Refusal>(&outcome)) {
    Refuse(options.file, CodeOf(refusal->why), refusal->where + " " + refusal->what);
    return refusal->why == checker::Refusal::Why::kUnreadable ? kExitCannot : kExitFindings;
  }
  const auto& accepted = std::get<checker::Accepted>(outcome);
  if (!options.inputs.empty()) {
    const std::string difference = Difference(accepted.inputs, options.inputs);
    if (!difference.empty()) {
      Refuse(options.file, codes::kProofOfOtherInputs, difference);
      return kExitFindings;
    }
  }
  Print(accepted, !options.inputs.empty());
  return kExitClean;
}

}  // namespace

void AddCheckProof(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<CheckProofOptions>();
  CLI::App* command =
      app.add_subcommand("check-proof", "check a certificate of `weft verify --certificate`");
  command->footer("Example:\n  weft check-proof proof.json --key ci.pub --inputs policies");
  command->add_option("file", options->file, "the certificate")->required()->type_name("FILE");
  command->add_option("--key", options->key, "public key, PEM, that must have signed it")
      ->type_name("FILE");
  command->add_option("--inputs", options->inputs, "where the policy and the inventory are now")
      ->type_name("PATH")
      ->check(CLI::ExistingPath);
  command->callback([options, &exit_code] { exit_code = CheckProof(*options); });
}

}  // namespace weft::cli
