#include "tests/cross/pipeline.h"

#include "dsl/parse.h"
#include "dsl/render.h"
#include "emit/check/objects.h"
#include "emit/emit.h"
#include "emit/mesh_config.h"
#include "engine/lower.h"

namespace weft::cross {

std::unique_ptr<Case> MakeCase(const std::string& text) {
  auto one = std::make_unique<Case>();
  one->text = text;
  const FileId id = one->sources.Add("random.weft", one->text, SourceKind::kWeft);
  const dsl::Program program = dsl::Load(
      {&one->sources.Get(id)}, [](const std::string&) { return nullptr; }, one->diagnostics);
  one->model = engine::Lower(program, {}, one->diagnostics);
  if (!one->diagnostics.HasErrors()) {
    one->objects = emit::EmitIstio(one->model, {}, one->diagnostics);
  }
  one->usable = !one->diagnostics.HasErrors();
  return one;
}

std::unique_ptr<Case> MakeCase(Random& random) { return MakeCase(RandomPolicy(random)); }

emit::check::Mesh ReadBack(const Case& one, SourceMap& texts, Diagnostics& diagnostics) {
  emit::check::Mesh mesh{.world = one.model, .objects = {}, .config = {}};
  for (const auto& [cluster, text] : emit::MeshConfigs(one.model)) {
    const FileId id = texts.Add(cluster + "/meshconfig.yaml", text, SourceKind::kYaml);
    for (auto& document : yaml::Parse(texts.Get(id), diagnostics)) {
      mesh.config[cluster] = std::move(document.root);
    }
  }
  for (const auto& [cluster, objects] : one.objects) {
    for (const emit::Object& object : objects) {
      const FileId id =
          texts.Add(cluster + "/" + emit::PathOf(object), emit::ToYaml(object), SourceKind::kYaml);
      for (auto& read : emit::check::ReadIstio(texts.Get(id), diagnostics)) {
        mesh.objects[cluster].push_back(std::move(read));
      }
    }
  }
  return mesh;
}

std::string Errors(const Case& one) {
  std::string text;
  for (const Diagnostic& d : one.diagnostics.Sorted()) {
    if (d.severity == Severity::kError) text += RenderHuman(d, one.sources, {});
  }
  return text;
}

bool Drop(Objects& objects, const std::string& kind, const std::string& field) {
  return InKind(objects, kind, [&](emit::Value& spec) {
    return AtField(spec, field, [&](emit::Value& at) {
      at.erase(field);
      return true;
    });
  });
}

bool RemoveObjects(Objects& clusters, const std::string& kind, const std::string& action) {
  std::size_t removed = 0;
  for (auto& [cluster, objects] : clusters) {
    removed += std::erase_if(objects, [&](const emit::Object& object) {
      return object.kind == kind && (action.empty() || object.spec.value("action", "") == action);
    });
  }
  return removed > 0;
}

bool ReplaceWord(Objects& objects, const std::string& kind, const std::string& field,
                 const std::string& from, const std::string& to) {
  return InKind(objects, kind, [&](emit::Value& spec) {
    return AtField(spec, field, [&](emit::Value& at) {
      if (at[field] != from) return false;
      at[field] = to;
      return true;
    });
  });
}

}  // namespace weft::cross
