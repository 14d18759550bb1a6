#include "engine/lower.h"

#include "engine/lowering.h"

namespace weft::engine {
namespace {

void LowerMesh(Lowering& l) {
  for (const dsl::MeshDecl& mesh : l.program.meshes) {
    if (!mesh.header.name.value.empty()) l.model.mesh = mesh.header.name.value;
    if (mesh.normalize) {
      l.model.normalization = static_cast<PathNormalization>(mesh.normalize->value);
    }
    if (mesh.root_namespace) l.model.root_namespace = mesh.root_namespace->value;
    if (mesh.mtls) {
      l.model.mtls = static_cast<MtlsMode>(mesh.mtls->value);
      l.model.mtls_span = mesh.mtls->span;
    }
  }
}

std::size_t CountRules(const Model& model) {
  std::size_t count = model.access_rules.size() + model.limits.size();
  for (const Table& table : model.tables) count += table.rules.size();
  return count;
}

}  // namespace

Model Lower(const dsl::Program& program, const Inventory& inventory, Diagnostics& diagnostics) {
  Model model;
  const Inventory declared = inventory.clusters.empty() ? DeclaredWorld(program) : Inventory{};
  Lowering l{.program = program,
             .inventory = inventory.clusters.empty() ? declared : inventory,
             .diagnostics = diagnostics,
             .model = model,
             .discovered = !inventory.clusters.empty()};
  LowerMesh(l);
  LowerClusters(l);
  LowerWorkspaces(l);
  LowerWorkloads(l);
  LowerServices(l);
  LowerExternals(l);
  LowerDestinations(l);
  LowerGateways(l);
  LowerProviders(l);
  LowerTables(l);
  LowerGrants(l);
  LowerRules(l);
  LowerEgress(l);
  LowerImporters(l);
  LowerGuards(l);
  LowerLaws(l);
  LowerFilters(l);
  LowerRaws(l);
  WarnIdlePolicies(l);
  ListUnemitted(l);
  model.rules = CountRules(model);
  return model;
}

}  // namespace weft::engine
