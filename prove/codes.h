// Codes of the proofs over emitted objects: 5200-5299. Every constant must be listed in
// kProveCodes.
#pragma once

#include <array>

#include "dsl/diagnostic.h"

namespace weft::prove::codes {

inline constexpr Code kEmittedDiffers{
    5201, "emitted-differs",
    "The Istio objects of a cluster do not mean what the policy means. The message says where, the "
    "request shows it: both the evaluator of the policy and the interpreter of the objects were "
    "asked about it. If the objects are on disk or were found in the cluster, someone changed them "
    "or added one; emit them again, or remove what was added. If they are what weft emits, it is a "
    "fault of weft; please report it with the policy."};
inline constexpr Code kEmittedUndecided{
    5202, "emitted-undecided",
    "A part of the Istio objects is outside of what weft can reason about, so it is not known "
    "whether they mean what the policy means. The message names the object and the part. It counts "
    "as not proved."};

inline constexpr std::array kProveCodes = {kEmittedDiffers, kEmittedUndecided};

}  // namespace weft::prove::codes
