// `weft import istio`.
#pragma once

namespace CLI {
class App;
}

namespace weft::cli {

void AddImportIstio(CLI::App& import, int& exit_code);

}  // namespace weft::cli
