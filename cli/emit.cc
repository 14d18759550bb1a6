// `weft emit`: Istio objects for every cluster.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "cli/commands.h"
#include "cli/policy.h"
#include "emit/emit.h"
#include "emit/mesh_config.h"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  PolicyOptions policy;
  std::string cluster;
  std::string out;
};

// Files of an earlier run that this run does not make; only ones weft itself wrote.
void RemoveStale(const fs::path& directory, const std::map<std::string, std::string>& files) {
  std::error_code error;
  std::vector<fs::path> stale;
  for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    if (!it->is_regular_file(error) || it->path().extension() != ".yaml") continue;
    if (files.contains(it->path().string())) continue;
    const Result<std::string> text = ReadFile(it->path().string());
    if (text.ok() && text.value().find("app.kubernetes.io/managed-by: weft") != std::string::npos) {
      stale.push_back(it->path());
    }
  }
  for (const fs::path& path : stale) fs::remove(path, error);
}

// What is emitted into an input directory would be read as policy the next time.
const std::string* InputAround(const Options& options) {
  std::error_code error;
  const fs::path out = fs::weakly_canonical(options.out, error);
  for (const std::string& input : options.policy.inputs.paths) {
    const fs::path below = out.lexically_relative(fs::weakly_canonical(input, error));
    if (below.empty() || *below.begin() == "..") continue;
    // Hidden directories are not read.
    const bool hidden = std::any_of(below.begin(), below.end(), [](const fs::path& part) {
      return part.string().starts_with('.') && part != ".";
    });
    if (!hidden) return &input;
  }
  return nullptr;
}

int Emit(const Options& options) {
  if (const std::string* input = InputAround(options)) {
    std::fprintf(stderr, "weft: `%s` is inside of the input `%s`; choose a directory beside it\n",
                 options.out.c_str(), input->c_str());
    return kExitCannot;
  }
  const std::unique_ptr<Policy> policy = LoadPolicy(options.policy);
  std::map<std::string, std::vector<emit::Object>> clusters;
  if (policy->ExitCode() == kExitClean) {
    clusters = emit::EmitIstio(
        policy->model, {.place = [&](Span span) { return policy->inputs.sources.FileLine(span); }},
        policy->diagnostics);
    emit::WarnOfAssumedTrust(policy->model, clusters, policy->diagnostics);
  }
  if (!options.cluster.empty() && policy->ExitCode() == kExitClean &&
      !clusters.contains(options.cluster)) {
    std::fprintf(stderr, "weft: there is no cluster `%s`\n", options.cluster.c_str());
    return kExitCannot;
  }
  PrintDiagnostics(policy->diagnostics, policy->inputs.sources, Format::kHuman);
  if (policy->ExitCode() != kExitClean) return policy->ExitCode();

  std::map<std::string, std::string> files;
  for (const auto& [cluster, text] : emit::MeshConfigs(policy->model)) {
    if (!options.cluster.empty() && cluster != options.cluster) continue;
    files[(fs::path(options.out) / cluster / "meshconfig.yaml").string()] = text;
  }
  std::size_t count = 0;
  for (const auto& [cluster, objects] : clusters) {
    if (!options.cluster.empty() && cluster != options.cluster) continue;
    for (const emit::Object& object : objects) {
      files[(fs::path(options.out) / cluster / emit::PathOf(object)).string()] =
          emit::ToYaml(object);
      ++count;
    }
  }
  std::error_code error;
  fs::create_directories(options.out, error);
  if (error) {
    std::fprintf(stderr, "weft: `%s`: %s\n", options.out.c_str(), error.message().c_str());
    return kExitCannot;
  }
  for (const auto& [path, text] : files) {
    const Status written = WriteFile(path, text);
    if (!written.ok()) {
      std::fprintf(stderr, "weft: %s\n", written.error().c_str());
      return kExitCannot;
    }
  }
  for (const auto& [cluster, objects] : clusters) {
    if (options.cluster.empty() || cluster == options.cluster) {
      RemoveStale(fs::path(options.out) / cluster, files);
    }
  }
  PrintText(CountText(count, "object") + " for " +
            CountText(options.cluster.empty() ? clusters.size() : 1, "cluster") + " in " +
            options.out);
  return kExitClean;
}

}  // namespace

void AddEmit(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("emit", "write the Istio objects of every cluster");
  command->footer("Example:\n  weft emit policies/ -o build/istio");
  AddInputOptions(*command, options->policy);
  command->add_option("--cluster", options->cluster, "only this cluster");
  command->add_option("-o,--output", options->out, "directory; created when missing")->required();
  command->callback([options, &exit_code] { exit_code = Emit(*options); });
}

}  // namespace weft::cli
