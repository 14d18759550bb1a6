// `weft explain-code W####` and `weft version`.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/codes.h"
#include "cli/commands.h"
#include "cli/import_istio/codes.h"
#include "cli/output.h"
#include "dsl/codes.h"
#include "dsl/gloo/codes.h"
#include "emit/codes.h"
#include "engine/codes.h"
#include "prove/codes.h"
#include "relay/codes.h"
#include "verifier/codes.h"

namespace weft::cli {
namespace {

std::vector<Code> AllCodes() {
  std::vector<Code> all;
  for (const Code& code : dsl::codes::kDslCodes) all.push_back(code);
  for (const Code& code : engine::codes::kEngineCodes) all.push_back(code);
  for (const Code& code : verifier::codes::kVerifierCodes) all.push_back(code);
  for (const Code& code : emit::codes::kEmitCodes) all.push_back(code);
  for (const Code& code : prove::codes::kProveCodes) all.push_back(code);
  for (const Code& code : gloo::codes::kGlooCodes) all.push_back(code);
  for (const Code& code : istio::codes::kIstioImportCodes) all.push_back(code);
  for (const Code& code : relay::codes::kRelayCodes) all.push_back(code);
  for (const Code& code : codes::kCommandCodes) all.push_back(code);
  return all;
}

// The error reference: docs/errors.md is this text.
void PrintAll() {
  std::puts("# Error reference\n");
  std::puts("Made by `weft explain-code --all`; `weft explain-code W####` prints one section.");
  for (const Code& code : AllCodes()) {
    std::printf("\n## W%04u %s\n\n%s\n", static_cast<unsigned>(code.number),
                std::string(code.name).c_str(), std::string(code.help).c_str());
  }
}

int Explain(const std::string& text) {
  const bool lettered = text.starts_with('W') || text.starts_with('w');
  const std::string digits = lettered ? text.substr(1) : text;
  unsigned number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, number);
  const bool is_number = error == std::errc() && at == end;
  std::vector<std::string> names;
  for (const Code& code : AllCodes()) {
    names.emplace_back(code.name);
    if (is_number ? code.number != number : text != code.name) continue;
    std::printf("W%04u %s\n\n%s\n", static_cast<unsigned>(code.number),
                std::string(code.name).c_str(), std::string(code.help).c_str());
    return kExitClean;
  }
  if (is_number) names.clear();
  std::fprintf(stderr, "weft: there is no code `%s`%s\n", text.c_str(),
               DidYouMean(text, names, "; `weft explain-code --all` lists them").c_str());
  return kExitCannot;
}

}  // namespace

void AddExplainCode(CLI::App& app, int& exit_code) {
  auto code = std::make_shared<std::string>();
  auto all = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("explain-code", "what a message code means; offline");
  command->footer("Example:\n  weft explain-code W1022");
  CLI::Option* one = command->add_option("code", *code, "W#### or the code's name");
  command->add_flag("--all", *all, "the whole error reference")->excludes(one);
  command->callback([code, all, &exit_code] {
    if (*all) {
      PrintAll();
      exit_code = kExitClean;
    } else if (code->empty()) {
      std::fputs("weft: write a code, as in `weft explain-code W1022`, or --all\n", stderr);
      exit_code = kExitCannot;
    } else {
      exit_code = Explain(*code);
    }
  });
}

void AddVersion(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("version", "print the version");
  command->callback([&exit_code] {
    std::puts("weft " WEFT_VERSION);
    exit_code = kExitClean;
  });
}

}  // namespace weft::cli
