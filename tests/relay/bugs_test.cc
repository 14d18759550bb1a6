// The judge of the simulation judged: each planted bug is found within 1,000 seeds.
#include <gtest/gtest.h>

#include "tests/relay/bugs.h"

namespace weft::relay::sim {
namespace {

class PlantedBug : public testing::TestWithParam<std::size_t> {};

TEST_P(PlantedBug, IsFound) {
  const Bug& bug = PlantedBugs()[GetParam()];
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Report report = Simulate(seed, bug);
    if (report.violation.empty()) continue;
    std::printf("%s: seed %llu, %s\n", bug.name.c_str(), static_cast<unsigned long long>(seed),
                report.violation.c_str());
    return;
  }
  FAIL() << bug.name << " is not found within 1000 seeds";
}

INSTANTIATE_TEST_SUITE_P(Simulation, PlantedBug,
                         testing::Range<std::size_t>(0, PlantedBugs().size()),
                         [](const auto& tested) { return PlantedBugs()[tested.param].name; });

}  // namespace
}  // namespace weft::relay::sim
