#include <iterator>
#include <tuple>
#include <utility>

#include "dsl/parse.h"

namespace weft::dsl {
namespace {

template <typename T>
void Move(std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// Every list of a program.
constexpr std::tuple kLists{
    &Program::meshes,     &Program::clusters,    &Program::workspaces,   &Program::gateways,
    &Program::services,   &Program::externals,   &Program::destinations, &Program::routes,
    &Program::accesses,   &Program::limits,      &Program::predicates,   &Program::policies,
    &Program::uses,       &Program::applies,     &Program::jwts,         &Program::authorizers,
    &Program::limiters,   &Program::limit_trees, &Program::counters,     &Program::trusts,
    &Program::lifecycles, &Program::workloads,   &Program::raws,         &Program::tests,
    &Program::proves,
};

}  // namespace

void Append(Program& program, Program more) {
  std::apply([&](auto... list) { (Move(more.*list, program.*list), ...); }, kLists);
}

bool IsEmpty(const Program& program) {
  return std::apply([&](auto... list) { return ((program.*list).empty() && ...); }, kLists);
}

}  // namespace weft::dsl
