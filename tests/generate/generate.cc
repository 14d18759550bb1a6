// weft-generate: writes a synthetic estate as files; see tests/generate/estate.h.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/generate/estate.h"
#include "tests/generate/estate_gloo.h"

namespace {

using weft::generate::Estate;
using weft::generate::Size;

int Usage() {
  std::fputs(
      "usage: weft-generate [--rules N] [--services S] [--workspaces W] [--clusters C] [--seed K]\n"
      "                     [--holes H] [--gateway-routes N] [--format weft|gloo] -o DIR\n",
      stderr);
  return 2;
}

bool Save(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return true;
  std::fprintf(stderr, "weft-generate: `%s` cannot be written\n", path.c_str());
  return false;
}

int Write(const Estate& estate, const std::filesystem::path& out) {
  std::error_code error;
  std::filesystem::create_directories(out / "inventory", error);
  if (error) {
    std::fprintf(stderr, "weft-generate: `%s`: %s\n", out.c_str(), error.message().c_str());
    return 2;
  }
  for (const auto& [name, text] : estate.policy) {
    if (!Save(out / name, text)) return 2;
  }
  for (const auto& [cluster, text] : estate.inventory) {
    if (!Save(out / "inventory" / (cluster + ".yaml"), text)) return 2;
  }
  for (const std::string& hole : estate.planted) std::puts(hole.c_str());
  return 0;
}

// Digits only; false on anything else.
bool ReadNumber(const char* text, unsigned& number) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || value > 10'000'000) return false;
  number = static_cast<unsigned>(value);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Size size;
  std::string out;
  bool gloo = false;
  const std::map<std::string, unsigned*> numbers = {{"--rules", &size.rules},
                                                    {"--services", &size.services},
                                                    {"--workspaces", &size.workspaces},
                                                    {"--clusters", &size.clusters},
                                                    {"--seed", &size.seed},
                                                    {"--holes", &size.holes},
                                                    {"--gateway-routes", &size.gateway_routes}};
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (i + 1 >= argc) return Usage();
    if (flag == "-o") {
      out = argv[i + 1];
    } else if (flag == "--format") {
      const std::string format = argv[i + 1];
      if (format != "weft" && format != "gloo") {
        std::fputs("weft-generate: the formats are `weft` and `gloo`\n", stderr);
        return 2;
      }
      gloo = format == "gloo";
    } else if (!numbers.contains(flag) || !ReadNumber(argv[i + 1], *numbers.at(flag))) {
      return Usage();
    }
  }
  if (out.empty() || size.clusters == 0) return Usage();
  if (gloo && size.gateway_routes > 0) {
    std::fputs("weft-generate: routes of a gateway are written as `weft` only\n", stderr);
    return 2;
  }
  return Write(gloo ? weft::generate::GenerateGloo(size) : weft::generate::Generate(size), out);
}
