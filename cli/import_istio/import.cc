// `weft import istio`: the Istio objects of one cluster as weft text. Both are put before the
// interpreter of emitted objects, which knows nothing of the language: what it answers differently
// is not said in weft but stays as it is.
#include "cli/import_istio/import.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "cli/commands.h"
#include "cli/import_istio/codes.h"
#include "cli/import_istio/translate.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "cli/policy.h"
#include "dsl/print.h"
#include "emit/check/same.h"
#include "emit/documents.h"
#include "emit/emit.h"
#include "engine/lower.h"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;
using istio::Object;

constexpr std::size_t kRequests = 4'000;

struct IstioOptions {
  InputOptions inputs;
  std::string out;
  std::string cluster;
};

struct Attempt {
  std::map<std::string, std::string> files;
  std::vector<istio::Kept> kept;
  std::string fault;                     // why it is not the same; "" when it is
  std::size_t compared = 0, wanted = 0;  // requests, and how many more there are to compare
};

class Importer {
 public:
  Importer(const std::vector<Object>& objects, const engine::Inventory& inventory,
           const engine::KubeCluster& cluster)
      : objects_(objects),
        inventory_(inventory),
        world_{.cluster = cluster,
               .trust_domain = cluster.trust_domain.empty() ? cluster.name : cluster.trust_domain} {
  }

  // Everything that can be said; an object that would mean something else is left as it is.
  Attempt Import() {
    Attempt whole = Try({});
    if (whole.fault.empty()) return whole;
    std::vector<const Object*> open;
    for (const Object& object : objects_) open.push_back(&object);
    for (const istio::Kept& kept : whole.kept) std::erase(open, kept.object);
    leave_.insert(open.begin(), open.end());
    Attempt best = Try(leave_);
    if (!best.fault.empty()) return best;
    Add(open, best);
    // Once more: some name what was said only after them.
    std::erase_if(open, [&](const Object* object) { return !leave_.contains(object); });
    Add(open, best);
    for (istio::Kept& kept : best.kept) {
      if (const auto at = faults_.find(kept.object); at != faults_.end()) kept.why += at->second;
    }
    return best;
  }

 private:
  // Says the objects of the list as far as the meaning stays: all at once, else in halves.
  void Add(const std::vector<const Object*>& some, Attempt& best) {
    if (some.empty()) return;
    std::set<const Object*> leave = leave_;
    for (const Object* object : some) leave.erase(object);
    Attempt attempt = Try(leave);
    if (attempt.fault.empty()) {
      leave_ = std::move(leave);
      best = std::move(attempt);
      return;
    }
    if (some.size() == 1) {
      faults_[some.front()] = ": " + OneLine(std::move(attempt.fault));
      return;
    }
    const auto middle = some.begin() + static_cast<std::ptrdiff_t>(some.size() / 2);
    Add({some.begin(), middle}, best);
    Add({middle, some.end()}, best);
  }

  Attempt Try(const std::set<const Object*>& leave) {
    istio::Translation said = istio::Translate(objects_, world_, leave);
    Attempt attempt{.files = dsl::Print(said.program, {.comments = {}}),
                    .kept = std::move(said.kept),
                    .fault = ""};
    attempt.fault = Check(attempt);
    return attempt;
  }

  static std::string OneLine(std::string text) {
    for (std::size_t at = text.find("\n  "); at != std::string::npos; at = text.find("\n  ")) {
      text.replace(at, 3, "; ");
    }
    return text;
  }

  // The written text is read back, lowered and emitted, and compared with the objects.
  std::string Check(Attempt& attempt) const {
    SourceMap sources;
    std::vector<const Source*> written;
    for (const auto& [path, text] : attempt.files) {
      written.push_back(&sources.Get(sources.Add(path, text, SourceKind::kWeft)));
    }
    Diagnostics diagnostics;
    const dsl::Program program = dsl::Load(
        written, [](const std::string&) { return nullptr; }, diagnostics);
    const engine::Model model = engine::Lower(program, inventory_, diagnostics);
    if (diagnostics.HasErrors()) return FirstError(diagnostics, sources);
    Diagnostics refused;
    const auto emitted = emit::EmitIstio(model, {}, refused);
    if (refused.HasErrors()) return FirstError(refused, sources);
    emit::check::Mesh after{.world = model, .objects = {}, .config = {}};
    for (const auto& [cluster, list] : emitted) {
      std::vector<emit::check::IstioObject>& into = after.objects[cluster];
      for (const emit::Object& object : list) {
        Source source{.id = {},
                      .name = "",
                      .text = emit::ToYaml(object),
                      .kind = SourceKind::kYaml,
                      .path = ""};
        for (auto& one : emit::check::ReadIstio(source, refused)) into.push_back(std::move(one));
      }
    }
    emit::check::Mesh before{.world = model, .objects = {}, .config = {}};
    for (const Object& object : objects_) {
      before.objects[world_.cluster.name].push_back(object.istio);
    }
    const emit::check::Sample sample = emit::check::RequestsAbout(before, kRequests);
    attempt.compared = sample.requests.size();
    attempt.wanted = sample.wanted;
    return emit::check::FirstDifference(before, after, sample.requests).value_or("");
  }

  static std::string FirstError(const Diagnostics& diagnostics, const SourceMap& sources) {
    for (const Diagnostic& d : diagnostics.Sorted()) {
      if (d.severity == Severity::kError) return sources.FileLine(d.span) + ": " + d.message;
    }
    return "";
  }

  const std::vector<Object>& objects_;
  const engine::Inventory& inventory_;
  istio::World world_;
  std::set<const Object*> leave_;
  std::map<const Object*, std::string> faults_;  // what objects would mean else
};

// The Istio objects of the inputs; other Kubernetes kinds are not policy.
std::vector<Object> ReadObjects(const Inputs& inputs, Diagnostics& diagnostics) {
  std::vector<Object> objects;
  for (const Source* source : inputs.yaml) {
    for (const emit::DocumentText& document : emit::SplitDocuments(*source, diagnostics)) {
      const std::string version = document.root.StringOr("apiVersion", "");
      if (version.find(".istio.io/") == std::string::npos) continue;
      for (auto& object : emit::check::ReadIstio(document.source, diagnostics)) {
        objects.push_back({std::move(object), document.text, document.root.span});
      }
    }
  }
  return objects;
}

int Fail(const std::string& why, int code) {
  std::fprintf(stderr, "weft: %s\n", why.c_str());
  return code;
}

int ImportIstio(const IstioOptions& options) {
  Inputs inputs;
  Diagnostics diagnostics;
  ReadInputs(options.inputs, inputs, diagnostics);
  const std::vector<Object> objects = ReadObjects(inputs, diagnostics);
  PrintDiagnostics(diagnostics, inputs.sources, Format::kPlain);
  if (inputs.unreadable) return kExitCannot;
  if (diagnostics.HasErrors()) return kExitFindings;
  if (objects.empty()) return Fail("there are no Istio objects in these files", kExitCannot);
  const auto& clusters = inputs.inventory.clusters;
  if (clusters.size() != 1 && options.cluster.empty()) {
    return Fail("objects are of one cluster: name it, `--cluster NAME`, and give its inventory",
                kExitCannot);
  }
  const engine::KubeCluster* cluster =
      options.cluster.empty() ? &clusters.front() : inputs.inventory.Find(options.cluster);
  if (cluster == nullptr) {
    return Fail("there is no inventory of cluster `" + options.cluster + "`", kExitCannot);
  }
  engine::Inventory inventory;
  inventory.clusters.push_back(*cluster);
  const Attempt attempt = Importer(objects, inventory, inventory.clusters.front()).Import();
  if (!attempt.fault.empty()) {
    return Fail("the text means something else; this is a fault of weft\n  " + attempt.fault,
                kExitFindings);
  }
  Diagnostics kept;
  for (const istio::Kept& one : attempt.kept) {
    kept.Warning(istio::codes::kKeptRaw, one.object->span,
                 one.object->istio.kind + " `" + one.object->istio.ns + "/" +
                     one.object->istio.name + "` stays as it is: " + one.why);
  }
  PrintDiagnostics(kept, inputs.sources, Format::kPlain);
  for (const auto& [path, text] : attempt.files) {
    const Status status = WriteFile((fs::path(options.out) / path).string(), text);
    if (!status.ok()) return Fail(status.error(), kExitCannot);
  }
  PrintText(CountText(objects.size() - attempt.kept.size(), "object") + " of " +
            std::to_string(objects.size()) + " said in " + CountText(attempt.files.size(), "file") +
            " in " + options.out + ", the rest kept raw: requests are treated as before");
  if (attempt.compared < attempt.wanted) {
    PrintText("compared on " + std::to_string(attempt.compared) + " requests of " +
              std::to_string(attempt.wanted) +
              " that the objects' words make; import fewer objects at once to compare more");
  }
  return kExitClean;
}

}  // namespace

void AddImportIstio(CLI::App& import, int& exit_code) {
  auto options = std::make_shared<IstioOptions>();
  CLI::App* command = import.add_subcommand("istio", "Istio objects of one cluster");
  command->footer(
      "Example:\n  weft import istio east/ --inventory east=dump.yaml -o policies\n\n"
      "Every namespace becomes a workspace. What the language cannot say stays in `raw istio`.");
  command->add_option("inputs", options->inputs.paths, "files and directories of YAML")->required();
  command->add_option("--inventory", options->inputs.inventory,
                      "what runs in the cluster: FILE, DIRECTORY or NAME=PATH");
  command->add_option("--cluster", options->cluster, "which of the inventory's clusters it is");
  command->add_option("-o,--output", options->out, "directory; created when missing")->required();
  command->callback([options, &exit_code] { exit_code = ImportIstio(*options); });
}

}  // namespace weft::cli
