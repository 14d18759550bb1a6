// Reading of files and policy, by the names the commands use; see relay/compile/inputs.h.
#pragma once

#include "relay/compile/inputs.h"

namespace weft::cli {

using relay::InputOptions;
using relay::Inputs;
using relay::LoadProgram;
using relay::ReadFile;
using relay::ReadInputs;
using relay::WriteFile;

}  // namespace weft::cli
