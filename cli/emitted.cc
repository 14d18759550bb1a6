#include "cli/emitted.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "dsl/codes.h"
#include "emit/emit.h"
#include "emit/mesh_config.h"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;

class Loader {
 public:
  explicit Loader(Policy& policy)
      : policy_(policy), mesh_{.world = policy.model, .objects = {}, .config = {}} {}

  void Emit() {
    const auto place = [&](Span span) { return policy_.inputs.sources.FileLine(span); };
    const auto clusters = emit::EmitIstio(policy_.model, {.place = place}, policy_.diagnostics);
    if (policy_.diagnostics.HasErrors()) return;
    for (const auto& [cluster, text] : emit::MeshConfigs(policy_.model)) {
      TakeConfig(cluster, cluster + "/meshconfig.yaml", text, "");
    }
    for (const auto& [cluster, objects] : clusters) {
      for (const emit::Object& object : objects) {
        TakeObjects(cluster, cluster + "/" + emit::PathOf(object), emit::ToYaml(object), "");
      }
    }
  }

  bool Read(const std::string& directory) {
    for (const engine::Cluster& cluster : policy_.model.clusters) {
      const fs::path root = fs::path(directory) / cluster.name;
      std::error_code error;
      if (!fs::is_directory(root, error)) {
        std::fprintf(stderr, "weft: there is no directory `%s` for cluster `%s`\n",
                     root.string().c_str(), cluster.name.c_str());
        return false;
      }
      std::set<fs::path> files;
      for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
           it.increment(error)) {
        const std::string extension = it->path().extension().string();
        if (extension == ".yaml" || extension == ".yml") files.insert(it->path());
      }
      for (const fs::path& file : files) {
        if (!ReadOne(cluster.name, directory, file)) return false;
      }
    }
    return true;
  }

  // Objects of other hands, but for those that are among the files too.
  void AddForeign() {
    static const std::set<std::string> kKinds = {"Gateway",
                                                 "VirtualService",
                                                 "DestinationRule",
                                                 "ServiceEntry",
                                                 "WorkloadEntry",
                                                 "Sidecar",
                                                 "EnvoyFilter",
                                                 "AuthorizationPolicy",
                                                 "PeerAuthentication",
                                                 "RequestAuthentication"};
    for (const engine::KubeCluster& cluster : policy_.inputs.inventory.clusters) {
      auto& objects = mesh_.objects[cluster.name];
      std::set<std::tuple<std::string, std::string, std::string>> known;
      for (const auto& object : objects) known.insert({object.kind, object.ns, object.name});
      for (const engine::ForeignObject& foreign : cluster.foreign) {
        if (!kKinds.contains(foreign.kind) ||
            foreign.api_version.find("istio.io/") == std::string::npos) {
          continue;
        }
        if (!known.insert({foreign.kind, foreign.ns, foreign.name}).second) continue;
        objects.push_back(emit::check::PartsOf(foreign.body));
      }
    }
  }

  emit::check::Mesh Finish() { return std::move(mesh_); }

 private:
  bool ReadOne(const std::string& cluster, const std::string& directory, const fs::path& file) {
    const Result<std::string> text = ReadFile(file.string());
    if (!text.ok()) {
      std::fprintf(stderr, "weft: `%s` %s\n", file.string().c_str(), text.error().c_str());
      return false;
    }
    const std::string name = file.lexically_relative(directory).generic_string();
    if (file.filename() == "meshconfig.yaml") {
      TakeConfig(cluster, name, text.value(), file.string());
    } else {
      TakeObjects(cluster, name, text.value(), file.string());
    }
    return true;
  }

  const Source& AddSource(const std::string& name, const std::string& text,
                          const std::string& path) {
    SourceMap& sources = policy_.inputs.sources;
    return sources.Get(sources.Add(name, text, SourceKind::kYaml, path));
  }

  void TakeConfig(const std::string& cluster, const std::string& name, const std::string& text,
                  const std::string& path) {
    for (yaml::Document& document : yaml::Parse(AddSource(name, text, path), policy_.diagnostics)) {
      mesh_.config[cluster] = std::move(document.root);
    }
  }

  void TakeObjects(const std::string& cluster, const std::string& name, const std::string& text,
                   const std::string& path) {
    for (auto& object : emit::check::ReadIstio(AddSource(name, text, path), policy_.diagnostics)) {
      mesh_.objects[cluster].push_back(std::move(object));
    }
  }

  Policy& policy_;
  emit::check::Mesh mesh_;
};

}  // namespace

emit::check::Mesh EmitAndRead(Policy& policy) {
  Loader loader(policy);
  loader.Emit();
  return loader.Finish();
}

std::optional<emit::check::Mesh> LoadEmitted(const std::string& directory, Policy& policy) {
  Loader loader(policy);
  if (directory.empty()) {
    loader.Emit();
  } else if (!loader.Read(directory)) {
    return std::nullopt;
  }
  // A file that is no YAML is not there to be judged.
  const auto& told = policy.diagnostics.all();
  policy.inputs.unreadable = std::any_of(told.begin(), told.end(), [](const Diagnostic& d) {
    return d.number == dsl::codes::kYamlSyntax.number ||
           d.number == dsl::codes::kYamlDuplicateKey.number ||
           d.number == dsl::codes::kYamlLimit.number;
  });
  loader.AddForeign();
  return loader.Finish();
}

}  // namespace weft::cli
