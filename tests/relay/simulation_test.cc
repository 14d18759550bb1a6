// Thousands of seeded runs under faults; each of the invariants I1-I13 (checker.h, ring_checker.h)
// holds in every one.
#include "tests/relay/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace weft::relay::sim {
namespace {

// WEFT_SEEDS=FROM:COUNT runs another range, WEFT_SEEDS=SEED:1 one failing seed again;
// WEFT_VERBOSE=1 tells what happens in it.
std::pair<std::uint64_t, std::uint64_t> Seeds(std::uint64_t from, std::uint64_t count) {
  const char* given = std::getenv("WEFT_SEEDS");
  if (given == nullptr) return {from, count};
  char* rest = nullptr;
  const std::uint64_t first = std::strtoull(given, &rest, 10);
  return {first, *rest == ':' ? std::strtoull(rest + 1, nullptr, 10) : 1};
}

void RunSeeds(std::uint64_t from, std::uint64_t count) {
  const auto [first, number] = Seeds(from, count);
  Report total;
  for (std::uint64_t seed = first; seed < first + number; ++seed) {
    const Report report = Simulate(seed, {}, std::getenv("WEFT_VERBOSE") != nullptr);
    ASSERT_EQ(report.violation, "") << "seed " << seed;
    total.releases += report.releases;
    total.writes += report.writes;
    total.events += report.events;
    total.crashes += report.crashes;
    total.holds_approved += report.holds_approved;
    total.rollbacks += report.rollbacks;
  }
  std::printf(
      "%llu seeds from %llu: %llu events, %llu crashes, %llu releases, %llu writes, %llu "
      "holds approved, %llu rings rolled back\n",
      static_cast<unsigned long long>(number), static_cast<unsigned long long>(first),
      static_cast<unsigned long long>(total.events), static_cast<unsigned long long>(total.crashes),
      static_cast<unsigned long long>(total.releases),
      static_cast<unsigned long long>(total.writes),
      static_cast<unsigned long long>(total.holds_approved),
      static_cast<unsigned long long>(total.rollbacks));
}

// In parts, which run side by side.
TEST(Simulation, InvariantsHoldFrom0) { RunSeeds(0, 2500); }
TEST(Simulation, InvariantsHoldFrom2500) { RunSeeds(2500, 2500); }
TEST(Simulation, InvariantsHoldFrom5000) { RunSeeds(5000, 2500); }
TEST(Simulation, InvariantsHoldFrom7500) { RunSeeds(7500, 2500); }

TEST(Simulation, ASeedReplaysBitForBit) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Report first = Simulate(seed);
    const Report second = Simulate(seed);
    ASSERT_EQ(first.trace, second.trace) << "seed " << seed;
    ASSERT_EQ(first.events, second.events);
  }
}

}  // namespace
}  // namespace weft::relay::sim
