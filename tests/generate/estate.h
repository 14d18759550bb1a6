// Synthetic estates: policy and inventory of any size, the same for the same seed. Rules are drawn
// as a service mesh has them: ten access clauses a service, one to three callers, one to three
// paths of which some are exact, whole segments, templates or suffixes, an eighth of them denials;
// every workspace isolated, with exports to its neighbour.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace weft::generate {

struct Size {
  unsigned rules = 1000;
  unsigned services = 0;    // 0: a tenth of the rules
  unsigned workspaces = 0;  // 0: one for 200 rules, between 4 and 50
  unsigned clusters = 2;
  unsigned seed = 1;
  unsigned holes = 0;           // clauses that break isolation; without any nothing is wrong
  unsigned gateway_routes = 0;  // rules of one route table, none shadowed
};

struct Estate {
  std::map<std::string, std::string> policy;     // file name -> text
  std::map<std::string, std::string> inventory;  // cluster -> YAML
  std::vector<std::string> planted;  // "allow-past-export FILE:LINE FROM TO" for each hole
};

[[nodiscard]] Estate Generate(Size size);

// ---- shared by the formats
[[nodiscard]] Size WithDefaults(Size size);  // nothing is 0 that must not be
// What runs in a cluster of the estate.
[[nodiscard]] std::string InventoryText(const Size& size);

}  // namespace weft::generate
