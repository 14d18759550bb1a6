// What authorizers read themselves: a ConfigMap beside each, one file for each configuration that
// something is checked by. The check names it: context extension `config`.
#include <map>

#include "emit/codes.h"
#include "emit/istio/external_authorization.h"

namespace weft::emit::istio {
namespace {

struct Settings {
  std::string text;
  Span span;
};

class Collector {
 public:
  explicit Collector(Emitter& e) : e_(e) {}

  void Add(const engine::ExternalAuthorization& asked) {
    if (asked.settings.empty()) return;
    auto& of_provider = found_[asked.provider];
    const auto [at, fresh] =
        of_provider.try_emplace(asked.config, Settings{asked.settings, asked.span});
    if (fresh || at->second.text == asked.settings) return;
    e_.Refuse(codes::kInexpressible, asked.span,
              "configuration `" + asked.config + "` of authorizer `" +
                  e_.model[asked.provider].name + "` has other settings elsewhere");
  }

  void Emit() {
    for (const auto& [id, configurations] : found_) {
      const engine::Authorizer& authorizer = e_.model[id];
      if (authorizer.service.IsNone() || e_.model[authorizer.service].In(e_.cluster) == nullptr) {
        continue;
      }
      const engine::Service& service = e_.model[authorizer.service];
      Object& object = e_.Add("v1", "ConfigMap", service.ns, "weft-settings-" + authorizer.name,
                              service.workspace, authorizer.span);
      for (const auto& [config, settings] : configurations) {
        object.data[NameOf(config) + ".yaml"] = Written(settings.text);
        object.sources.push_back(settings.span);
      }
    }
  }

 private:
  // JSON is written as YAML is read best; anything else as it stands.
  static std::string Written(const std::string& text) {
    const Value value = Value::parse(text, nullptr, false);
    return value.is_discarded() ? text : YamlText(value);
  }

  Emitter& e_;
  std::map<engine::AuthorizerId, std::map<std::string, Settings>> found_;
};

}  // namespace

void EmitAuthorizerSettings(Emitter& e) {
  Collector collector(e);
  for (const engine::Guard& guard : e.model.guards) {
    for (const auto& asked : guard.authorization) collector.Add(asked);
  }
  for (const engine::Table& table : e.model.tables) {
    for (const engine::RouteRule& rule : table.rules) {
      for (const auto& asked : rule.modifiers.authorization) collector.Add(asked);
    }
  }
  collector.Emit();
}

}  // namespace weft::emit::istio
