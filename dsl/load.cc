// `Load`: files and modules to one program.
#include <map>
#include <set>
#include <utility>

#include "dsl/codes.h"
#include "dsl/expand.h"
#include "dsl/items_check.h"
#include "dsl/modules.h"
#include "dsl/parse.h"

namespace weft::dsl {
namespace {

template <typename T>
void CheckDuplicates(const std::vector<T>& declarations, std::string_view kind,
                     Diagnostics& diagnostics) {
  std::map<std::pair<std::string, std::string>, Span> seen;
  for (const T& declaration : declarations) {
    const Header& header = declaration.header;
    const auto [first, inserted] =
        seen.try_emplace({header.owner, header.name.value}, header.name.span);
    if (inserted) continue;
    Diagnostic& d =
        diagnostics.Error(codes::kDuplicate, header.name.span,
                          std::string(kind) + " `" + header.name.value + "` is declared twice");
    d.related.push_back({first->second, "first declared here"});
  }
}

// Titles of proofs and tests tell their results apart. One may hold several requests or laws.
template <typename T>
void CheckTitles(const std::vector<T>& declarations, std::string_view kind,
                 Diagnostics& diagnostics) {
  std::map<std::pair<FileId, std::string>, Span> seen;
  for (const T& declaration : declarations) {
    const Name& title = declaration.header.name;
    const auto [first, inserted] = seen.try_emplace({title.span.file, title.value}, title.span);
    if (inserted || first->second == title.span) continue;
    diagnostics
        .Error(
            codes::kDuplicate, title.span,
            "another " + std::string(kind) + " of this file has the title \"" + title.value + "\"")
        .related.push_back({first->second, "the first one"});
  }
}

void CheckAllDuplicates(const Program& program, Diagnostics& diagnostics) {
  CheckDuplicates(program.clusters, "cluster", diagnostics);
  CheckDuplicates(program.workspaces, "workspace", diagnostics);
  CheckDuplicates(program.gateways, "gateway", diagnostics);
  CheckDuplicates(program.services, "service", diagnostics);
  CheckDuplicates(program.externals, "external", diagnostics);
  CheckDuplicates(program.destinations, "destination", diagnostics);
  CheckDuplicates(program.routes, "route", diagnostics);
  CheckDuplicates(program.predicates, "predicate", diagnostics);
  CheckDuplicates(program.policies, "policy", diagnostics);
  CheckDuplicates(program.jwts, "jwt", diagnostics);
  CheckDuplicates(program.authorizers, "authorizer", diagnostics);
  CheckDuplicates(program.limiters, "limiter", diagnostics);
  CheckDuplicates(program.limit_trees, "limits", diagnostics);
  CheckDuplicates(program.counters, "counter", diagnostics);
  CheckDuplicates(program.trusts, "trust root", diagnostics);
  CheckDuplicates(program.workloads, "workload", diagnostics);
  CheckTitles(program.proves, "`prove`", diagnostics);
  CheckTitles(program.tests, "`test`", diagnostics);
  std::set<std::string> names;
  Span first;
  for (const MeshDecl& mesh : program.meshes) {
    if (names.insert(mesh.header.name.value).second && names.size() > 1) {
      diagnostics
          .Error(codes::kDuplicate, mesh.header.name.span,
                 "mesh `" + mesh.header.name.value + "` stands beside another mesh")
          .related.push_back({first, "the other is named here"});
    }
    if (!first.IsKnown()) first = mesh.header.name.span;
  }
}

}  // namespace

void RequireMesh(const Program& program, Diagnostics& diagnostics) {
  if (!program.meshes.empty() || program.workspaces.empty()) return;
  const Header& header = program.workspaces.front().header;
  diagnostics.Warning(codes::kNoMesh, header.span, "no file declares the mesh").help =
      "begin one with `mesh NAME`; without it the mesh is called `mesh`, its root namespace is "
      "`istio-system`, paths are normalized as by `base`, and mTLS is permissive where nothing "
      "says "
      "otherwise";
}

Program Load(const std::vector<const Source*>& sources, const SourceLoader& loader,
             Diagnostics& diagnostics) {
  Program program;
  for (const Source* source : sources) Append(program, Parse(*source, diagnostics));
  Modules modules(loader, diagnostics);
  modules.Resolve(program.uses);
  ExpandProgram(program, modules, diagnostics);
  CheckAllDuplicates(program, diagnostics);
  for (JwtDecl& jwt : modules.ImportedProviders()) program.jwts.push_back(std::move(jwt));
  CheckItems(program, diagnostics);
  return program;
}

}  // namespace weft::dsl
