// `weft import gloo`: objects of another system as weft text, and the proof that both mean the
// same.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <set>

#include "cli/commands.h"
#include "cli/import_istio/import.h"
#include "cli/policy.h"
#include "dsl/gloo/read.h"
#include "dsl/print.h"
#include "emit/emit.h"
#include "emit/object.h"
#include "engine/model_text.h"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  PolicyOptions policy;
  std::string out;
  bool fields = false;
};

// Comment lines right above a place in YAML, without `#`; those that only tell a cluster are gone.
class Comments {
 public:
  explicit Comments(const SourceMap& sources) : sources_(sources) {}

  std::vector<std::string> Above(Span span) {
    if (!span.IsKnown() || !sources_.Contains(span.file)) return {};
    const std::uint32_t line = sources_.Locate(span.file, span.begin).line;
    std::vector<std::string> lines = Block(span.file, line);
    // Above an object the comment stands over its first line.
    if (lines.empty()) lines = Block(span.file, ObjectBegin(span.file, line));
    return lines;
  }

 private:
  std::vector<std::string> Block(FileId file, std::uint32_t line) {
    std::vector<std::string> lines;
    for (std::uint32_t at = line; at-- > 1;) {
      std::string_view text = sources_.Line(file, at);
      const std::size_t begin = text.find_first_not_of(" \t");
      if (begin == std::string_view::npos || text[begin] != '#') break;
      if (!used_.insert({file, at}).second) break;
      text.remove_prefix(begin + 1);
      while (!text.empty() && (text.back() == '\r' || text.back() == '#')) text.remove_suffix(1);
      if (text.find("applied to cluster:") != std::string_view::npos || text.empty()) continue;
      lines.insert(lines.begin(), std::string(text));
    }
    return lines;
  }

  // The line of `apiVersion` or the first key of the document that holds the line.
  std::uint32_t ObjectBegin(FileId file, std::uint32_t line) {
    while (line > 1) {
      const std::string_view above = sources_.Line(file, line - 1);
      if (above.starts_with("---") || above.starts_with("#") || above.empty()) break;
      --line;
    }
    return line;
  }

  const SourceMap& sources_;
  std::set<std::pair<FileId, std::uint32_t>> used_;
};

// What the emitted objects say, without where they come from.
std::string EmittedText(const engine::Model& model) {
  Diagnostics unused;
  std::string text;
  for (const auto& [cluster, objects] : emit::EmitIstio(model, {}, unused)) {
    for (const emit::Object& object : objects) text += cluster + "\n" + emit::ToYaml(object);
  }
  return text;
}

// The first line that stands in one text only; "" when there is none.
std::string FirstDifference(const std::string& a, const std::string& b) {
  std::size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
  if (at == a.size() && at == b.size()) return "";
  const auto line = [at](const std::string& text) {
    const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return text.substr(begin, std::min(text.find('\n', at), text.size()) - begin);
  };
  return "  read     " + line(a) + "\n  written  " + line(b) + "\n";
}

// Reads the written text back and compares what both mean for the inventory.
Status Prove(const Policy& policy, const std::map<std::string, std::string>& files) {
  SourceMap sources;
  std::vector<const Source*> written;
  for (const auto& [path, text] : files) {
    written.push_back(&sources.Get(sources.Add(path, text, SourceKind::kWeft)));
  }
  Diagnostics diagnostics;
  const dsl::Program program = dsl::Load(
      written, [](const std::string&) { return nullptr; }, diagnostics);
  const engine::Model model = engine::Lower(program, policy.inputs.inventory, diagnostics);
  if (diagnostics.HasErrors()) {
    PrintHuman(diagnostics.Sorted(), sources, true);
    return Error{"the written text is not understood; this is a fault of weft"};
  }
  std::string difference =
      FirstDifference(engine::MeaningText(policy.model), engine::MeaningText(model));
  if (difference.empty())
    difference = FirstDifference(EmittedText(policy.model), EmittedText(model));
  if (difference.empty()) return Unit{};
  return Error{"the written text means something else; this is a fault of weft\n" + difference};
}

int ImportGloo(const Options& options) {
  if (options.fields) {
    PrintText(gloo::CoverageText());
    return kExitClean;
  }
  const std::unique_ptr<Policy> policy = LoadPolicy(options.policy);
  if (!policy->inputs.unreadable && policy->inputs.yaml.empty()) {
    std::fprintf(stderr, "weft: the input holds no objects of Gloo Mesh (`.yaml` files)%s\n",
                 policy->inputs.policy.empty() ? "" : "; weft text is policy already");
    return kExitCannot;
  }
  PrintDiagnostics(policy->diagnostics, policy->inputs.sources, Format::kPlain);
  if (policy->ExitCode() != kExitClean) return policy->ExitCode();
  Comments comments(policy->inputs.sources);
  const std::map<std::string, std::string> files =
      dsl::Print(policy->program, {.comments = [&](Span span) { return comments.Above(span); }});
  for (const auto& [path, text] : files) {
    const Status status = WriteFile((fs::path(options.out) / path).string(), text);
    if (status.ok()) continue;
    std::fprintf(stderr, "weft: %s\n", status.error().c_str());
    return kExitCannot;
  }
  const Status same = Prove(*policy, files);
  if (!same.ok()) {
    std::fprintf(stderr, "weft: %s\n", same.error().c_str());
    return kExitFindings;
  }
  PrintText(CountText(files.size(), "file") + " in " + options.out +
            (files.size() == 1 ? " means" : " mean") +
            " the same as the objects: same model, same Istio objects");
  return kExitClean;
}

}  // namespace

void AddImport(CLI::App& app, int& exit_code) {
  CLI::App* import =
      app.add_subcommand("import", "write the objects of another system as weft text");
  import->require_subcommand(1);
  AddImportIstio(*import, exit_code);
  auto options = std::make_shared<Options>();
  CLI::App* gloo = import->add_subcommand("gloo", "objects of Gloo Mesh Enterprise v2");
  gloo->footer("Example:\n  weft import gloo objects/ --inventory dump/ -o policies");
  AddInputOptions(*gloo, options->policy);
  gloo->get_option("inputs")->required(false);
  gloo->add_option("-o,--output", options->out, "directory; created when missing");
  gloo->add_flag("--fields", options->fields, "what becomes of every field of every kind");
  gloo->callback([options, &exit_code] {
    if (!options->fields && (options->policy.inputs.paths.empty() || options->out.empty())) {
      std::fprintf(stderr, "weft: `import gloo` needs files and `-o DIR`\n");
      exit_code = kExitCannot;
      return;
    }
    exit_code = ImportGloo(*options);
  });
}

}  // namespace weft::cli
