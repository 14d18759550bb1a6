// Parts of the Model as a certificate has them; docs/certificates.md says what each means.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/model.h"
#include "engine/request.h"

namespace weft::prove {

// Writes what a server decides with. Spans become `file:line` by `place`. Not thread-safe.
class PolicyWriter {
 public:
  using Json = nlohmann::json;

  PolicyWriter(const engine::Model& model, const std::function<std::string(Span)>& place)
      : model_(model), place_(place) {}

  // How a server sees requests.
  struct Seen {
    bool identities = true;  // false: callers have none
  };
  // Of a Boolean combination of literals {axis, name, is: patterns}.
  [[nodiscard]] Json Of(const engine::Condition& condition, const Seen& seen) const;
  [[nodiscard]] static Json Of(const std::vector<engine::CallerSet>& sets, const Seen& seen);
  [[nodiscard]] static Json Of(const Pattern& pattern);
  // 32 digits.
  [[nodiscard]] static std::string Hex(const engine::Ip& ip);
  // The caller has an identity.
  [[nodiscard]] static Json HasIdentity(const Seen& seen);
  // What the guard (may be null: nothing) demands at a port, in the order of the guard.
  [[nodiscard]] Json Of(const engine::Guard* guard, const engine::ServicePort& port) const;

  // Names; no two of a kind are equal.
  [[nodiscard]] std::string Name(engine::JwtId id) const { return Unique(model_.jwts, id); }
  [[nodiscard]] std::string Name(engine::AuthorizerId id) const {
    return Unique(model_.authorizers, id);
  }
  [[nodiscard]] std::string Name(engine::LimitId id) const { return Unique(model_.limits, id); }
  [[nodiscard]] std::string Name(engine::LimiterId id) const { return Unique(model_.limiters, id); }
  // "ledger.pay"
  [[nodiscard]] std::string Name(engine::ServiceId id) const {
    return model_[id].name + "." + model_[id].ns;
  }
  // null for none.
  [[nodiscard]] Json Name(engine::WorkspaceId id) const {
    return id.IsNone() ? Json() : Json(model_[id].name);
  }
  [[nodiscard]] std::string Claim(engine::JwtId provider, const std::string& path) const {
    return Name(provider) + "/" + path;
  }
  [[nodiscard]] Json Places(const std::vector<Span>& spans) const;
  [[nodiscard]] std::string Place(Span span) const { return span.IsKnown() ? place_(span) : ""; }

 private:
  // The name, with the number of the thing where several have it.
  template <typename Things, typename Id>
  static std::string Unique(const Things& things, Id id) {
    std::size_t same = 0;
    for (const auto& thing : things) same += thing.name == things[id.index()].name ? 1 : 0;
    const std::string& name = things[id.index()].name;
    return same == 1 ? name : name + "#" + std::to_string(id.value);
  }

  [[nodiscard]] Json Of(const engine::Matcher& matcher, const Seen& seen) const;
  [[nodiscard]] Json Rule(engine::AccessRuleId id, bool http, const Seen& seen) const;
  [[nodiscard]] Json Authorizer(const engine::ExternalAuthorization& asked, const Seen& seen) const;
  [[nodiscard]] Json Limit(engine::LimitId id, const Seen& seen) const;
  [[nodiscard]] Json Tokens(const std::vector<engine::Authentication>& tokens) const;

  const engine::Model& model_;
  const std::function<std::string(Span)>& place_;
};

}  // namespace weft::prove
