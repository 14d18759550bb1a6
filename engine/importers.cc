// Policies of a workspace for what others share with it: how its own callers call that. The owner's
// policy holds for everybody else.
#include <algorithm>

#include "dsl/items_check.h"
#include "engine/codes.h"
#include "engine/lowering.h"

namespace weft::engine {
namespace {

using On = dsl::PolicyDecl::On;

bool IsCallers(const dsl::Item& item) {
  return std::holds_alternative<dsl::BalanceItem>(item.value) ||
         std::holds_alternative<dsl::ConnectionsItem>(item.value);
}

// Objects of one kind and what the importers of each say, gathered before it is decided which of
// several policies counts.
template <typename Object>
class Importing {
 public:
  Importing(Lowering& l, std::vector<Object>& objects) : l_(l), objects_(objects) {}

  void Add(const dsl::PolicyDecl& policy, WorkspaceId importer) {
    std::vector<const dsl::Selection*> selections{&policy.selection};
    for (const dsl::Selection& more : policy.more) selections.push_back(&more);
    for (const dsl::Selection* selection : selections) {
      if (!selection->workspace || selection->workspace->value == l_.NameOf(importer)) continue;
      for (std::size_t i = 0; i < objects_.size(); ++i) {
        if (Selects(*selection, importer, objects_[i])) Take(policy, *selection, importer, i);
      }
    }
  }

  void Apply() {
    for (const auto& [key, items] : items_) {
      DestinationPolicy policy = objects_[key.first].policy;
      for (const dsl::Item* item : ChooseItems(l_, items)) ApplyDestinationItem(*item, policy);
      objects_[key.first].importers[key.second] = std::move(policy);
    }
  }

 private:
  bool Selects(const dsl::Selection& selection, WorkspaceId importer, const Object& object) const {
    const bool shared = std::any_of(object.grants.begin(), object.grants.end(),
                                    [&](const Grant& grant) { return grant.to == importer; });
    return shared && Matches(l_, selection, WorkspaceId{},
                             {object.name, object.workspace, NamespaceOf(object), object.labels});
  }

  static std::string NamespaceOf(const Object& object) {
    if constexpr (std::is_same_v<Object, Service>) return object.ns;
    return "";
  }

  void Take(const dsl::PolicyDecl& policy, const dsl::Selection& selection, WorkspaceId importer,
            std::size_t object) {
    l_.used_policies.insert(&policy);
    const int rank = selection.names.empty() ? kRankSelected : kRankNamed;
    for (const dsl::Item& item : policy.items) {
      if (IsCallers(item)) {
        items_[{object, importer}].push_back({&item, rank});
        continue;
      }
      Diagnostic& d = l_.diagnostics.Error(codes::kNotImportersToSay, item.span,
                                           "`" + std::string(dsl::ItemWord(item)) + "` of `" +
                                               objects_[object].name + "` is for its owner `" +
                                               l_.NameOf(objects_[object].workspace) + "` to say");
      d.related.push_back({objects_[object].span, "declared here"});
    }
  }

  Lowering& l_;
  std::vector<Object>& objects_;
  std::map<std::pair<std::size_t, WorkspaceId>, std::vector<RankedItem>> items_;
};

}  // namespace

void LowerImporters(Lowering& l) {
  Importing<Service> services(l, l.model.services);
  Importing<Destination> destinations(l, l.model.destinations);
  Importing<External> externals(l, l.model.externals);
  for (const dsl::PolicyDecl& policy : l.program.policies) {
    const WorkspaceId importer = l.Section(policy.header);
    if (importer.IsNone()) continue;
    if (policy.on == On::kServices) services.Add(policy, importer);
    if (policy.on == On::kDestinations) destinations.Add(policy, importer);
    if (policy.on == On::kExternals) externals.Add(policy, importer);
  }
  services.Apply();
  destinations.Apply();
  externals.Apply();
}

}  // namespace weft::engine
