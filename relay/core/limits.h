// Bounds of what one peer may send; checked before the rest of a message is looked at.
#pragma once

#include <cstddef>

namespace weft::relay {

inline constexpr std::size_t kMaxMessageBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxObjectBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxObjects = 200'000;                    // of one cluster, either way
inline constexpr std::size_t kMaxInputBytes = std::size_t{256} << 20;  // discovery of one cluster
inline constexpr std::size_t kMaxDrifted = 100;  // objects of one report, or told of one cluster
inline constexpr std::size_t kPartBytes = std::size_t{1} << 20;  // an upload is cut into such parts
inline constexpr std::size_t kInlineBytes = std::size_t{1} << 20;  // content inside one offer

}  // namespace weft::relay
