#include <iterator>
#include <utility>

#include "dsl/parse.h"

namespace weft::dsl {
namespace {

template <typename T>
void Move(std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void Append(Program& program, Program more) {
  Move(more.meshes, program.meshes);
  Move(more.clusters, program.clusters);
  Move(more.workspaces, program.workspaces);
  Move(more.gateways, program.gateways);
  Move(more.services, program.services);
  Move(more.externals, program.externals);
  Move(more.destinations, program.destinations);
  Move(more.routes, program.routes);
  Move(more.accesses, program.accesses);
  Move(more.limits, program.limits);
  Move(more.predicates, program.predicates);
  Move(more.policies, program.policies);
  Move(more.uses, program.uses);
  Move(more.applies, program.applies);
  Move(more.jwts, program.jwts);
  Move(more.authorizers, program.authorizers);
  Move(more.limiters, program.limiters);
  Move(more.limit_trees, program.limit_trees);
  Move(more.counters, program.counters);
  Move(more.trusts, program.trusts);
  Move(more.lifecycles, program.lifecycles);
  Move(more.workloads, program.workloads);
  Move(more.raws, program.raws);
  Move(more.tests, program.tests);
  Move(more.proves, program.proves);
}

}  // namespace weft::dsl
