// reader_check: the reader of Istio objects (emit/check) against what Istio says of the objects.
//
//   reader_check [--reasons exact] FILES|DIRS…
//                                             cases: `# expect:` lines, or Istio's tests with their
//                                             expected.tsv; `exact`: the stated reason is given too
//   reader_check --seed N --count N --write DIR FILES|DIRS…
//                                             writes mutants of the accepted objects, one per file
//   reader_check --verdicts FILE              compares with what `judge validate` said of them
//
// Exit codes: 0 all agree, 1 some do not, 2 nothing could be compared.
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "emit/check/objects.h"
#include "tests/conformance/reader/mutate.h"

namespace weft::conformance {
namespace {

struct Case {
  std::string file, text;
  std::string want;  // part of the error; "" = accepted
};

// What the reader says of one document, all messages and notes joined; "" when it accepts it.
std::string Ask(const std::string& text) {
  SourceMap sources;
  Diagnostics diagnostics;
  const FileId id = sources.Add("case.yaml", text, SourceKind::kYaml);
  (void)emit::check::ReadIstio(sources.Get(id), diagnostics);
  std::string said;
  for (const Diagnostic& d : diagnostics.Sorted()) {
    said += d.message + "\n";
    for (const std::string& note : d.notes) said += note + "\n";
  }
  return said;
}

std::optional<std::string> Slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> Documents(const std::string& text) {
  std::vector<std::string> documents(1);
  std::stringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line == "---") {
      documents.emplace_back();
    } else {
      documents.back() += line + "\n";
    }
  }
  return documents;
}

// Documents with a line `# expect: accepted` or `# expect: refused: PART`.
void AddMarked(const std::string& file, const std::string& text, std::vector<Case>& cases) {
  constexpr std::string_view kMark = "# expect: ", kRefused = "refused: ";
  for (const std::string& document : Documents(text)) {
    const std::size_t mark = document.find(kMark);
    if (mark == std::string::npos) continue;
    const std::size_t begin = mark + kMark.size();
    std::string want = document.substr(begin, document.find('\n', begin) - begin);
    want = want.starts_with(kRefused) ? want.substr(kRefused.size()) : "";
    cases.push_back({file, document, want});
  }
}

// Istio's own layout: documents of the kinds we read, the error in a field `_err`.
void AddCorpus(const std::filesystem::path& directory, std::vector<Case>& cases) {
  std::ifstream in(directory / "expected.tsv");
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::stringstream columns(line);
    std::string file, number, kind, name, want;
    std::getline(columns, file, '\t');
    std::getline(columns, number, '\t');
    std::getline(columns, kind, '\t');
    std::getline(columns, name, '\t');
    std::getline(columns, want);
    const std::vector<std::string> documents =
        Documents(Slurp(directory / file).value_or(std::string()));
    std::vector<std::string> objects;
    for (const std::string& document : documents) {
      if (document.find("kind:") != std::string::npos) objects.push_back(document);
    }
    const std::size_t index = std::strtoul(number.c_str(), nullptr, 10);
    if (index >= objects.size()) continue;
    std::string text;
    std::stringstream object(objects[index]);
    for (std::string each; std::getline(object, each);) {
      if (!each.starts_with("_err")) text += each + "\n";
    }
    const std::string said = Ask(text);
    if (said.find("is no kind that is read here") != std::string::npos) continue;
    cases.push_back({file + " " + number, text, want});
  }
}

std::vector<Case> ReadCases(const std::vector<std::filesystem::path>& inputs) {
  std::vector<Case> cases;
  for (const std::filesystem::path& input : inputs) {
    if (std::filesystem::exists(input / "expected.tsv")) {
      AddCorpus(input, cases);
      continue;
    }
    std::vector<std::filesystem::path> files{input};
    if (std::filesystem::is_directory(input)) {
      files.clear();
      for (const auto& entry : std::filesystem::directory_iterator(input)) {
        if (entry.path().extension() == ".yaml") files.push_back(entry.path());
      }
      std::sort(files.begin(), files.end());
    }
    for (const std::filesystem::path& file : files) {
      AddMarked(file.filename().string(), Slurp(file).value_or(std::string()), cases);
    }
  }
  return cases;
}

// Kubernetes' own kinds are not read.
bool IsKubernetes(const std::string& text) {
  return text.find("\napiVersion: v1\n") != std::string::npos;
}

int CompareCases(const std::vector<std::filesystem::path>& inputs, bool reasons) {
  std::size_t judged = 0, wrong = 0;
  for (const Case& test : ReadCases(inputs)) {
    if (IsKubernetes(test.text)) continue;
    ++judged;
    const std::string said = Ask(test.text);
    const bool same = !reasons || said.find(test.want) != std::string::npos;
    const bool fits = test.want.empty() ? said.empty() : !said.empty() && same;
    if (fits) continue;
    ++wrong;
    fmt::print("{}: wanted `{}`, said `{}` of\n{}\n", test.file, test.want, said, test.text);
  }
  fmt::print("{} objects: {} wrong\n", judged, wrong);
  return judged == 0 ? 2 : wrong == 0 ? 0 : 1;
}

int WriteMutants(const std::filesystem::path& directory, std::uint64_t seed, std::size_t count,
                 const std::vector<std::filesystem::path>& inputs) {
  std::vector<nlohmann::json> seeds;
  for (const Case& test : ReadCases(inputs)) {
    if (!test.want.empty() || IsKubernetes(test.text)) continue;
    SourceMap sources;
    Diagnostics diagnostics;
    const FileId id = sources.Add(test.file, test.text, SourceKind::kYaml);
    for (const yaml::Document& document : yaml::Parse(sources.Get(id), diagnostics)) {
      seeds.push_back(ToJson(document.root));
    }
  }
  if (seeds.empty()) return 2;
  std::filesystem::create_directories(directory);
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < count; ++i) {
    nlohmann::json object = seeds[random() % seeds.size()];
    Mutate(object, random);
    // As an API server does; without it some of Istio's rules about namespaces misfire.
    if (object["metadata"].is_object() && !object["metadata"].contains("namespace")) {
      object["metadata"]["namespace"] = "default";
    }
    std::ofstream out(directory / fmt::format("mutant-{:05}.yaml", i));
    out << object.dump(1) << "\n";
    if (!out.flush()) return 2;
  }
  return 0;
}

int CompareVerdicts(const std::filesystem::path& verdicts) {
  std::ifstream in(verdicts);
  std::size_t judged = 0, wrong = 0, refused = 0;
  for (std::string line; std::getline(in, line);) {
    const nlohmann::json verdict = nlohmann::json::parse(line, nullptr, false);
    if (!verdict.is_object()) return 2;
    const std::string file = verdict["file"], error = verdict["error"];
    const std::string text = Slurp(file).value_or(std::string());
    const std::string said = Ask(text);
    ++judged;
    refused += error.empty() ? 0 : 1;
    if (said.empty() == error.empty()) continue;
    ++wrong;
    fmt::print("{}: Istio says `{}`, we say `{}` of\n{}\n", file, error, said,
               nlohmann::json::parse(text).dump());
  }
  fmt::print("{} objects, {} refused by Istio: {} judged otherwise\n", judged, refused, wrong);
  return judged == 0 ? 2 : wrong == 0 ? 0 : 1;
}

int Run(const std::vector<std::string>& arguments) {
  std::map<std::string, std::string> flags = {{"--seed", "1"}, {"--count", "0"}};
  std::vector<std::filesystem::path> inputs;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with("--")) {
      inputs.emplace_back(arguments[i]);
    } else if (i + 1 < arguments.size()) {
      flags[arguments[i]] = arguments[i + 1];
      ++i;
    }
  }
  if (flags.contains("--verdicts")) return CompareVerdicts(flags["--verdicts"]);
  if (!flags.contains("--write")) return CompareCases(inputs, flags.contains("--reasons"));
  return WriteMutants(flags["--write"], std::strtoull(flags["--seed"].c_str(), nullptr, 10),
                      std::strtoul(flags["--count"].c_str(), nullptr, 10), inputs);
}

}  // namespace
}  // namespace weft::conformance

int main(int argc, char** argv) { return weft::conformance::Run({argv + 1, argv + argc}); }
