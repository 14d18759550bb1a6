#include "emit/object.h"

#include <cctype>
#include <cstdint>

#include "dsl/yaml.h"

namespace weft::emit {
namespace {

void WriteValue(const Value& value, int indent, std::string& out);

void WriteScalar(const Value& value, std::string& out) {
  if (const auto* text = value.get_ptr<const std::string*>()) {
    yaml::AppendQuoted(*text, out);
  } else {
    out += value.dump();
  }
  out += '\n';
}

void Indent(int indent, std::string& out) { out.append(static_cast<std::size_t>(indent), ' '); }

void WriteMap(const Value& map, int indent, bool in_list, std::string& out) {
  bool first = true;
  for (const auto& [key, value] : map.items()) {
    if (!(first && in_list)) Indent(indent, out);
    first = false;
    yaml::AppendQuoted(key, out);
    out += ':';
    WriteValue(value, indent, out);
  }
}

void WriteList(const Value& list, int indent, std::string& out) {
  for (const Value& item : list) {
    Indent(indent, out);
    out += "- ";
    if (item.is_object() && !item.empty()) {
      WriteMap(item, indent + 2, true, out);
    } else if (item.is_object() || item.is_array()) {
      out += item.dump() + "\n";
    } else {
      WriteScalar(item, out);
    }
  }
}

void WriteValue(const Value& value, int indent, std::string& out) {
  if (value.is_object() && !value.empty()) {
    out += "\n";
    WriteMap(value, indent + 2, false, out);
  } else if (value.is_array() && !value.empty()) {
    out += "\n";
    WriteList(value, indent, out);
  } else if (value.is_object() || value.is_array()) {
    out += " " + value.dump() + "\n";
  } else {
    out += ' ';
    WriteScalar(value, out);
  }
}

}  // namespace

std::string Digest(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string digest;
  for (int i = 0; i < 16; ++i) digest += kDigits[(hash >> (4 * i)) & 15];
  return digest;
}

std::string YamlText(const Value& mapping) {
  std::string text;
  WriteMap(mapping, 0, false, text);
  return text;
}

std::string ToYaml(const Object& object) {
  Value head;
  head["apiVersion"] = object.api_version;
  head["kind"] = object.kind;
  head["metadata"]["name"] = object.name;
  head["metadata"]["namespace"] = object.ns;
  for (const auto& [key, value] : object.labels) head["metadata"]["labels"][key] = value;
  for (const auto& [key, value] : object.annotations) head["metadata"]["annotations"][key] = value;
  std::string text = YamlText(head);
  const bool map = object.kind == "ConfigMap";
  const Value& main = map ? object.data : object.spec;
  if (object.rest.empty() || !main.empty()) {
    text += map ? "data:" : "spec:";
    WriteValue(main, 0, text);
  }
  return object.rest.empty() ? text : text + YamlText(object.rest);
}

std::string PathOf(const Object& object) {
  std::string kind;
  for (const char c : object.kind) {
    kind += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return object.ns + "/" + kind + "-" + object.name + ".yaml";
}

std::string NameOf(const std::string& text) {
  static constexpr std::size_t kMax = 253;
  std::string name;
  bool changed = false;
  for (const char c : text) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    const bool upper = c >= 'A' && c <= 'Z';
    name += fine ? c : upper ? static_cast<char>(c - 'A' + 'a') : '-';
    changed = changed || !fine;
  }
  while (!name.empty() && (name.front() == '-' || name.front() == '.')) {
    name.erase(0, 1);
    changed = true;
  }
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) {
    name.pop_back();
    changed = true;
  }
  if (name.size() > kMax) {
    name.resize(kMax - 9);
    changed = true;
  }
  if (changed) name += (name.empty() ? "x" : "-") + Digest(text).substr(0, 8);
  return name;
}

}  // namespace weft::emit
