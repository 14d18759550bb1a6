#include "verifier/atlas.h"

#include <algorithm>
#include <optional>

#include "dsl/overloaded.h"

namespace weft::verifier {
namespace {

// An automaton for the whole mesh may be larger than one for a question: it is made once.
constexpr AtomLimits kMeshLimits{.atoms = 60'000, .states = 120'000};

std::string Joined(const std::vector<std::string>& steps) {
  std::string path;
  for (const std::string& step : steps) path += (path.empty() ? "" : ".") + step;
  return path;
}

bool IsPlainValue(const Language& language) {
  return !language.mapping && std::holds_alternative<Exact>(language.pattern);
}

}  // namespace

Domain DomainOf(Field::Kind kind) {
  switch (kind) {
    case Field::Kind::kMethod:
      return Domain::kMethod;
    case Field::Kind::kPath:
      return Domain::kPath;
    case Field::Kind::kHost:
    case Field::Kind::kSni:
      return Domain::kHost;
    case Field::Kind::kHeader:
    case Field::Kind::kQuery:
    case Field::Kind::kClaim:
      return Domain::kText;
  }
  return Domain::kText;
}

Atlas::Atlas(const engine::Model& model) {
  for (const engine::AccessRule& rule : model.access_rules) Collect(rule.when);
  for (const engine::Law& law : model.laws) Collect(law.where);
  for (const engine::Limit& limit : model.limits) Collect(limit.when);
  for (const engine::Guard& guard : model.guards) {
    for (const auto& asked : guard.authorization) Collect(asked.when);
  }
  for (const engine::Table& table : model.tables) {
    for (const engine::RouteRule& rule : table.rules) {
      Collect(rule.match);
      if (const auto& tokens = rule.modifiers.authentication) Collect(tokens->require);
    }
  }
}

void Atlas::Add(const Field& field, const std::vector<Pattern>& patterns) {
  Sheet& sheet = sheets_[field];
  for (const Pattern& pattern : patterns) {
    sheet.patterns.emplace(pattern, static_cast<std::uint32_t>(sheet.patterns.size()));
  }
}

void Atlas::Collect(const engine::Condition& condition) {
  for (const engine::Condition& child : condition.children) Collect(child);
  if (!condition.matcher) return;
  std::visit(Overloaded{
                 [&](const engine::PathMatch& m) {
                   Add({Field::Kind::kPath, "", {}}, m.any_of);
                 },
                 [&](const engine::HostMatch& m) {
                   Add({Field::Kind::kHost, "", {}}, m.any_of);
                 },
                 [&](const engine::HeaderMatch& m) {
                   Add({Field::Kind::kHeader, m.name, {}}, m.any_of);
                 },
                 [&](const engine::QueryMatch& m) {
                   Add({Field::Kind::kQuery, m.name, {}}, m.any_of);
                 },
                 [&](const engine::ClaimMatch& m) {
                   Add({Field::Kind::kClaim, Joined(m.claim), m.provider}, m.any_of);
                 },
                 [](const auto&) {},
             },
             *condition.matcher);
}

std::shared_ptr<const AtomSet> Atlas::Make(Sheet& sheet, Domain domain,
                                           const std::vector<Language>& languages) {
  const auto own = [&]() -> std::shared_ptr<const AtomSet> {
    std::optional<AtomSet> atoms = BuildAtoms(languages, domain);
    return atoms ? std::make_shared<const AtomSet>(std::move(*atoms)) : nullptr;
  };
  if (std::all_of(languages.begin(), languages.end(), IsPlainValue)) return own();
  std::vector<std::uint32_t> chosen;
  for (const Language& language : languages) {
    const auto known = sheet.patterns.find(language.pattern);
    if (language.mapping || known == sheet.patterns.end()) return own();
    chosen.push_back(known->second);
  }
  if (!sheet.tried) {
    sheet.tried = true;
    std::vector<Language> all(sheet.patterns.size());
    for (const auto& [pattern, number] : sheet.patterns) all[number] = {pattern, {}};
    if (std::optional<AtomSet> atoms = BuildAtoms(all, domain, kMeshLimits)) {
      sheet.atoms = std::make_shared<const AtomSet>(std::move(*atoms));
    }
  }
  if (sheet.atoms == nullptr) return own();
  AtomSet atoms = Coarsen(*sheet.atoms, chosen);
  if (atoms.size() > AtomLimits{}.atoms) return nullptr;
  return std::make_shared<const AtomSet>(std::move(atoms));
}

std::shared_ptr<const AtomSet> Atlas::Atoms(const Field& field,
                                            const std::vector<Language>& languages) {
  Sheet& sheet = sheets_[field];
  const auto [answer, fresh] = sheet.answered.try_emplace(languages);
  if (fresh) answer->second = Make(sheet, DomainOf(field.kind), languages);
  return answer->second;
}

}  // namespace weft::verifier
