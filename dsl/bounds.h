// What the numbers of the language may be. Every place that reads a number names its bounds, so
// that no value reaches the mesh that a proxy would refuse, cut off or take for "unset".
#pragma once

#include <cstdint>

namespace weft::dsl {

// Both ends belong to it.
struct Bounds {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

// Counts are 32 bits wide where they are used; 0 means "not set" there, so it is never a count.
inline constexpr std::int64_t kMostCount = 2'147'483'647;
inline constexpr Bounds kCount{1, kMostCount};
inline constexpr Bounds kCountOrNone{0, kMostCount};
// Order among like things: priorities, weights of tables, order within a phase.
inline constexpr Bounds kRank{0, 1'000'000'000};
inline constexpr Bounds kStatus{200, 599};     // that weft makes a proxy answer
inline constexpr Bounds kAnyStatus{100, 599};  // that a server may answer
// Bytes that a proxy buffers.
inline constexpr Bounds kBytes{1, 4'294'967'295};
// Of a template's argument: the place where it is used says more.
inline constexpr Bounds kAnyNumber{0, 9'000'000'000'000'000'000};

// Whether a duration may be zero.
enum class Zero : std::uint8_t { kRefused, kAllowed };

// What a percentage may be, besides at most 100.
enum class Share : std::uint8_t {
  kAny,
  kSome,         // not zero, and at least the millionth part that a proxy can count
  kWhole,        // 1, 2, … 100: kept as an integer, and 0 there means "not set"
  kWholeOrNone,  // 0, 1, … 100
};

}  // namespace weft::dsl
