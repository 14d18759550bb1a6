#include "tests/conformance/reader/mutate.h"

#include <cstdlib>
#include <string>
#include <vector>

namespace weft::conformance {
namespace {

using nlohmann::json;
using Random = std::mt19937_64;

std::size_t Below(std::size_t bound, Random& random) { return random() % bound; }

// Every value below, with the container that holds it.
void Collect(json& node, std::vector<std::pair<json*, std::string>>& places) {
  if (node.is_object()) {
    for (auto& [key, value] : node.items()) {
      places.emplace_back(&node, key);
      Collect(value, places);
    }
  } else if (node.is_array()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      places.emplace_back(&node, std::to_string(i));
      Collect(node[i], places);
    }
  }
}

json OddText(Random& random) {
  static const std::vector<std::string> texts = {
      "",
      "*",
      "x",
      "X_y",
      "a.b",
      "*.a.b",
      "*a.b",
      "a b",
      "10.0.0.1",
      "10.0.0.0/8",
      "300.1.1.1",
      "80",
      "0",
      "99999",
      "1s",
      "0s",
      "1.5ms",
      "-1s",
      "1h2m",
      "five",
      "DISABLE",
      "SIMPLE",
      "MUTUAL",
      "ISTIO_MUTUAL",
      "ALLOW",
      "CUSTOM",
      "HTTP",
      "TCP",
      "TLS",
      "HTTPS",
      "UDP",
      "NONE",
      "DNS",
      "STATIC",
      "DYNAMIC_DNS",
      "ns/host.a",
      "*/*",
      "./*",
      "~/*",
      "ns/name",
      "a/b/c",
      "unix:///a/b",
      "unix://@a",
      "unix:///a/",
      "(",
      "/path/{*}",
      "/{**}/{*}",
      "/a{b}",
      "source.ip",
      "request.headers[x]",
      "request.headers",
      "no.such",
      "%START_TIME%",
      "100%",
      "5xx,reset",
      "503",
      "a-very-long-label-that-is-longer-than-sixty-three-characters-in-all",
      "https://a/b",
      "ftp://a",
      "x-h!",
      ":authority",
      "host",
      "-a",
      "a-",
      "a..b",
      "a.",
      "1.2",
      "topology.kubernetes.io/region",
      "us/*",
      "us/a/*/b"};
  return texts[Below(texts.size(), random)];
}

json OddNumber(Random& random) {
  static const std::vector<std::int64_t> numbers = {
      0,   1,   -1,  80,  99,    100,   101,   150,        199,        200,       301,
      400, 599, 600, 601, 65535, 65536, 65537, 2147483647, 4294967295, 4294967296};
  if (Below(8, random) == 0) return 0.5;
  return numbers[Below(numbers.size(), random)];
}

json OddValue(const json& old, Random& random) {
  if (Below(10, random) != 0) {
    if (old.is_string()) return OddText(random);
    if (old.is_number()) return OddNumber(random);
    if (old.is_boolean()) return !old.get<bool>();
  }
  switch (Below(6, random)) {
    case 0:
      return json::array();
    case 1:
      return json::object();
    case 2:
      return Below(2, random) == 0;
    case 3:
      return OddNumber(random);
    default:
      return OddText(random);
  }
}

void Erase(json& container, const std::string& key) {
  if (container.is_object()) {
    container.erase(key);
  } else {
    container.erase(std::strtoul(key.c_str(), nullptr, 10));
  }
}

json& At(json& container, const std::string& key) {
  return container.is_object() ? container[key] : container[std::strtoul(key.c_str(), nullptr, 10)];
}

void Change(json& root, Random& random) {
  std::vector<std::pair<json*, std::string>> places;
  Collect(root, places);
  if (places.empty()) return;
  const auto [container, key] = places[Below(places.size(), random)];
  switch (Below(8, random)) {
    case 0:
      Erase(*container, key);
      break;
    case 1:
      if (container->is_array()) container->push_back(json(At(*container, key)));
      break;
    case 2: {
      if (!container->is_object()) break;
      const json value = (*container)[key];
      // Under another name, perhaps one from elsewhere in the object.
      const std::string& other = places[Below(places.size(), random)].second;
      container->erase(key);
      (*container)[Below(3, random) == 0 ? key + "s" : other] = value;
      break;
    }
    case 3: {
      json copy = At(*places[Below(places.size(), random)].first,
                     places[Below(places.size(), random)].second);
      if (!copy.is_null()) At(*container, key) = copy;
      break;
    }
    default: {
      json& value = At(*container, key);
      value = OddValue(value, random);
    }
  }
}

// A place that is asked for and not there becomes null; nulls are pruned by an API server.
void DropNulls(json& node) {
  if (node.is_object()) {
    for (auto at = node.begin(); at != node.end();) {
      if (at->is_null()) {
        at = node.erase(at);
      } else {
        DropNulls(*at++);
      }
    }
  } else if (node.is_array()) {
    for (json& item : node) DropNulls(item);
  }
}

}  // namespace

json ToJson(const yaml::Node& node) {
  switch (node.kind) {
    case yaml::Kind::kNull:
      return nullptr;
    case yaml::Kind::kBool:
      return node.AsBool() == true;
    case yaml::Kind::kInt:
      return node.AsInt().value_or(0);
    case yaml::Kind::kFloat:
      return std::strtod(node.text.c_str(), nullptr);
    case yaml::Kind::kString:
      return node.text;
    case yaml::Kind::kSequence: {
      json list = json::array();
      for (const yaml::Node& item : node.items) list.push_back(ToJson(item));
      return list;
    }
    case yaml::Kind::kMapping: {
      json map = json::object();
      for (const yaml::Node::Entry& entry : node.entries) map[entry.key] = ToJson(entry.value);
      return map;
    }
  }
  return nullptr;
}

void Mutate(json& object, Random& random) {
  for (std::size_t changes = 1 + Below(2, random); changes > 0; --changes) {
    const char* part = Below(12, random) == 0 ? "metadata" : "spec";
    if (object.contains(part)) Change(object[part], random);
  }
  DropNulls(object);
}

}  // namespace weft::conformance
