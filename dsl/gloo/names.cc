// Gloo names objects by cluster, namespace and name; weft names things within a workspace. Names
// are given in an order that does not depend on files: the first object of a name keeps it, a
// second one gets its namespace, cluster or kind behind it.
#include <algorithm>
#include <tuple>

#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

// Things of one scope must have different names within a workspace.
std::string_view ScopeOf(const std::string& kind) {
  if (kind == "RouteTable") return "route";
  if (kind == "VirtualGateway") return "gateway";
  if (kind == "VirtualDestination" || kind == "ExternalService") return "target";
  if (kind == "ExtAuthServer") return "authorizer";
  if (kind == "RateLimitServerSettings") return "limiter";
  if (kind == "RateLimitServerConfig") return "limits";
  if (kind == "RateLimitClientConfig") return "counter";
  return "policy";
}

// Names of the whole mesh rather than of a workspace.
bool IsGlobalScope(std::string_view scope) {
  return scope == "authorizer" || scope == "limiter" || scope == "limits" || scope == "counter";
}

}  // namespace

void NameObjects(Reading& r) {
  std::vector<const Object*> ordered;
  for (const Object& object : r.objects.all) {
    if (!object.ignored) ordered.push_back(&object);
  }
  std::sort(ordered.begin(), ordered.end(), [](const Object* a, const Object* b) {
    return std::tie(a->kind->kind, a->name, a->owner, a->ns, a->cluster) <
           std::tie(b->kind->kind, b->name, b->owner, b->ns, b->cluster);
  });
  for (const Object* object : ordered) {
    const std::string_view scope = ScopeOf(object->kind->kind);
    const std::string workspace = IsGlobalScope(scope) ? "" : object->owner;
    const bool named_before =
        r.taken[{std::string(scope), workspace}].contains(Identifier(object->name));
    std::string suffix;
    if (named_before) suffix = scope == "policy" ? KebabCase(object->kind->kind) : object->ns;
    r.names[object] = {r.Name(std::string(scope), workspace, object->name, suffix)};
  }
}

}  // namespace weft::gloo
