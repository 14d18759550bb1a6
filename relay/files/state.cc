#include "relay/files/state.h"

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "relay/files/files.h"

namespace weft::relay {
namespace {

using Json = nlohmann::json;

constexpr std::array kGenerations = {"/last-good-a.json", "/last-good-b.json"};

Json ToJson(const Version& version) { return Json::array({version.term, version.generation}); }
Version ToVersion(const Json& json) { return {json.at(0), json.at(1)}; }

}  // namespace

// First line: digest of everything after it.
std::string ToText(const AgentRecord& record) {
  Json json = {{"store", record.store_id},
               {"applied", ToJson(record.applied)},
               {"highest", ToJson(record.highest)},
               {"reign", record.reign},
               {"root", ToHex(record.release->root)},
               {"spent", record.spent},
               {"leaving", Json::array()},
               {"objects", Json::array()}};
  for (const ObjectKey& key : record.leaving) {
    json["leaving"].push_back({key.kind, key.ns, key.name});
  }
  for (const auto& [key, object] : record.release->objects) {
    json["objects"].push_back({key.kind, key.ns, key.name, object->content, object->annotations});
  }
  const std::string body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return ToHex(Sha256(body)) + "\n" + body;
}

Result<AgentRecord> ParseRecord(const std::string& text) {
  const Error broken{"the record is not whole"};
  if (text.size() < 65 || text[64] != '\n') return broken;
  const std::string body = text.substr(65);
  if (ToHex(Sha256(body)) != text.substr(0, 64)) return broken;
  try {
    const Json json = Json::parse(body);
    AgentRecord record{.store_id = json.at("store"),
                       .applied = ToVersion(json.at("applied")),
                       .highest = ToVersion(json.at("highest")),
                       .reign = json.at("reign")};
    record.spent = json.at("spent").get<std::map<std::string, std::uint64_t>>();
    for (const Json& key : json.value("leaving", Json::array())) {
      record.leaving.insert({key.at(0), key.at(1), key.at(2)});
    }
    std::map<ObjectKey, ObjectPtr> objects;
    for (const Json& object : json.at("objects")) {
      const ObjectKey key{object.at(0), object.at(1), object.at(2)};
      objects[key] = MakeObject(key, object.at(3), object.at(4));
    }
    record.release = MakeSnapshot(std::move(objects));
    if (ToHex(record.release->root) != json.at("root").get<std::string>()) return broken;
    return record;
  } catch (const Json::exception&) {
    return broken;
  }
}

Result<std::optional<AgentRecord>> StateDirectory::LoadRecord() const {
  std::optional<AgentRecord> newest;
  bool any = false;
  for (const char* name : kGenerations) {
    std::error_code error;
    if (!std::filesystem::exists(path_ + name, error)) continue;
    any = true;
    const Result<std::string> text = ReadWhole(path_ + name);
    if (!text.ok()) continue;
    Result<AgentRecord> record = ParseRecord(text.value());
    if (!record.ok()) continue;
    if (!newest || newest->highest < record.value().highest) newest = std::move(record).value();
  }
  if (any && !newest) {
    return Error{"`" + path_ +
                 "`: no generation of last known good is whole; what the target holds "
                 "was left as it is. Remove last-good-*.json to begin from the target"};
  }
  return newest;
}

Status StateDirectory::SaveRecord(const AgentRecord& record) {
  // The older, or the broken, is replaced.
  std::size_t oldest = 0;
  std::optional<Version> lowest;
  for (std::size_t i = 0; i < kGenerations.size(); ++i) {
    const Result<std::string> text = ReadWhole(path_ + kGenerations[i]);
    const Result<AgentRecord> found = text.ok() ? ParseRecord(text.value()) : Error{""};
    const Version version = found.ok() ? found.value().highest : Version{};
    if (lowest && *lowest <= version) continue;
    lowest = version;
    oldest = i;
  }
  return WriteDurably(path_ + kGenerations[oldest], ToText(record), 0600);
}

std::optional<Credentials> StateDirectory::LoadCredentials() const {
  const Result<std::string> text = ReadWhole(path_ + "/identity.json");
  if (!text.ok()) return std::nullopt;
  const Json json = Json::parse(text.value(), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return Credentials{json.value("key", ""), json.value("chain", ""), json.value("roots", "")};
}

Status StateDirectory::SaveCredentials(const Credentials& credentials) const {
  return WriteDurably(
      path_ + "/identity.json",
      Json{{"key", credentials.key}, {"chain", credentials.chain}, {"roots", credentials.roots}}
          .dump(1),
      0600);
}

std::string StateDirectory::UsedToken() const {
  const Result<std::string> text = ReadWhole(path_ + "/used-token");
  return text.ok() ? text.value() : "";
}

Status StateDirectory::SaveUsedToken(const std::string& digest) const {
  return WriteDurably(path_ + "/used-token", digest, 0600);
}

}  // namespace weft::relay
