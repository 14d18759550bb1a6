#include "relay/store/records.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace weft::relay {
namespace {

using Json = nlohmann::json;

const std::string kRoot = "/weft/v1/";

std::string Key(const std::string& name) { return kRoot + name; }
std::string SetKey(const Digest& root) { return Key("set/" + ToHex(root)); }
std::string BlobKey(const Digest& digest) { return Key("blob/" + ToHex(digest)); }
std::string ReleaseKey(std::uint64_t generation) {
  return Key(fmt::format("rel/{:020}", generation));
}
std::string AuditKey(std::uint64_t number) { return Key(fmt::format("audit/{:020}", number)); }

std::uint64_t RandomNumber() {
  std::uint64_t number = 0;
  const int ok = RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number);
  Check(ok == 1, "OpenSSL has no randomness");
  return number;
}

std::string ToText(const Version& version) {
  return fmt::format("{}.{}", version.term, version.generation);
}

Version ToVersion(const std::string& text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string::npos) return {};
  return {std::stoull(text.substr(0, dot)), std::stoull(text.substr(dot + 1))};
}

Json ToJson(const ObjectKey& key) { return Json::array({key.kind, key.ns, key.name}); }
ObjectKey ToKey(const Json& json) { return {json.at(0), json.at(1), json.at(2)}; }
Digest ToDigest(const Json& json) { return FromHex(json.get<std::string>()).value_or(Digest{}); }

std::string ToText(const Snapshot& set) {
  Json json = Json::array();
  for (const auto& [key, object] : set.objects) {
    json.push_back({ToJson(key), ToHex(object->digest)});
  }
  return json.dump();
}

std::string ToText(const ClusterRecord& record) {
  Json json = {{"version", ToText(record.version)},
               {"desired", ToHex(record.desired->root)},
               {"input", ToHex(record.input->root)},
               {"reported", record.reported},
               {"pinned", record.pinned_policy},
               {"pinnedWhy", record.pinned_why},
               {"admitted", record.admitted},
               {"good", record.good ? Json(ToHex(record.good->root)) : Json()},
               {"goodPolicy", record.good_policy},
               {"rebase", record.rebase},
               {"adopt", record.adopt},
               {"spent", record.spent},
               {"permits", Json::array()},
               {"refused", Json::array()}};
  for (const Permit& permit : record.permits) {
    json["permits"].push_back({ToHex(permit.removals), permit.approver});
  }
  for (const auto& [key, refusals] : record.refused) {
    for (const auto& [digest, refusal] : refusals) {
      json["refused"].push_back({ToJson(key), ToHex(digest), refusal.detail,
                                 refusal.instead ? Json(ToHex(refusal.instead->digest)) : Json(),
                                 refusal.needs ? ToJson(*refusal.needs) : Json()});
    }
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Status Records::Prefetch() {
  Result<std::map<std::string, std::string>> sets = store_.Range(Key("set/"));
  if (!sets.ok()) return Error{sets.error()};
  Result<std::map<std::string, std::string>> blobs = store_.Range(Key("blob/"));
  if (!blobs.ok()) return Error{blobs.error()};
  prefetched_ = std::move(sets).value();
  prefetched_->merge(blobs.value());
  return Unit{};
}

Result<std::optional<std::string>> Records::Text(const std::string& key) {
  if (!prefetched_) return store_.Get(key);
  const auto at = prefetched_->find(key);
  return at == prefetched_->end() ? std::nullopt : std::optional(at->second);
}

Result<SnapshotPtr> Records::ReadSet(const Digest& root) {
  if (root == EmptySnapshot()->root) return EmptySnapshot();
  const Result<std::optional<std::string>> text = Text(SetKey(root));
  if (!text.ok()) return Error{text.error()};
  if (!text.value()) return Error{"the store lacks set " + ToHex(root)};
  std::map<ObjectKey, ObjectPtr> objects;
  for (const Json& entry : Json::parse(*text.value())) {
    const ObjectKey key = ToKey(entry.at(0));
    const Digest digest = ToDigest(entry.at(1));
    const Result<ObjectPtr> object = ReadObject(key, digest);
    if (!object.ok()) return Error{object.error()};
    objects[key] = object.value();
  }
  SnapshotPtr set = MakeSnapshot(std::move(objects));
  if (set->root != root) return Error{"the store's set " + ToHex(root) + " is damaged"};
  stored_.insert(root);
  return set;
}

Result<ObjectPtr> Records::ReadObject(const ObjectKey& key, const Digest& digest) {
  ObjectPtr& known = blobs_[digest];
  if (known) return known;
  const Result<std::optional<std::string>> blob = Text(BlobKey(digest));
  if (!blob.ok()) return Error{blob.error()};
  if (blob.value()) {
    const Json json = Json::parse(*blob.value());
    known = MakeObject(key, json.at(0), json.at(1));
    if (known->digest != digest) {
      return Error{"the store's object " + ToHex(digest) + " is damaged"};
    }
    stored_.insert(digest);
  } else {
    auto named = std::make_shared<Object>();  // an agent named it; its content never was here
    named->key = key;
    named->digest = digest;
    known = std::move(named);
  }
  return known;
}

void Records::AddSet(const SnapshotPtr& set, std::vector<Write>& writes) {
  if (set->objects.empty() || !stored_.insert(set->root).second) return;
  writes.push_back({SetKey(set->root), ToText(*set)});
  for (const auto& [key, object] : set->objects) AddObject(*object, writes);
}

void Records::AddObject(const Object& object, std::vector<Write>& writes) {
  if (object.content.empty() || !stored_.insert(object.digest).second) return;
  writes.push_back(
      {BlobKey(object.digest), Json::array({object.content, object.annotations})
                                   .dump(-1, ' ', false, Json::error_handler_t::replace)});
}

Result<ServerImage> Records::Lead(std::uint64_t least_term) {
  try {
    const Status prefetched = Prefetch();
    if (!prefetched.ok()) return Error{prefetched.error()};
    const Result<std::map<std::string, std::string>> all = store_.Range(Key("out/"));
    const Result<std::map<std::string, std::string>> reigns = store_.Range(Key("reign/"));
    std::map<std::string, std::optional<std::string>> single;
    for (const char* name : {"store_id", "term", "head", "policy"}) {
      const Result<std::optional<std::string>> value = store_.Get(Key(name));
      if (!value.ok()) return Error{value.error()};
      single[name] = value.value();
    }
    if (!all.ok()) return Error{all.error()};
    if (!reigns.ok()) return Error{reigns.error()};
    ServerImage image;
    image.store_id = single["store_id"].value_or(fmt::format("{:016x}", RandomNumber()));
    image.term = std::max(least_term, std::uint64_t{std::stoull(single["term"].value_or("0"))} + 1);
    image.head = ToVersion(single["head"].value_or(""));
    image.head_policy = single["policy"].value_or("");
    for (const auto& [key, value] : reigns.value()) {
      const Json json = Json::parse(value);
      image.reigns[std::stoull(key.substr(Key("reign/").size()))] = {json.at(0), json.at(1)};
    }
    image.reigns[image.term] = {RandomNumber(), image.head.generation};
    for (const auto& [key, value] : all.value()) {
      const Json json = Json::parse(value);
      ClusterRecord& record = image.clusters[key.substr(Key("out/").size())];
      const Result<SnapshotPtr> desired = ReadSet(ToDigest(json.at("desired")));
      if (!desired.ok()) return Error{desired.error()};
      const Result<SnapshotPtr> input = ReadSet(ToDigest(json.at("input")));
      if (!input.ok()) return Error{input.error()};
      record.version = ToVersion(json.at("version"));
      record.desired = desired.value();
      record.input = input.value();
      record.reported = json.at("reported");
      record.pinned_policy = json.at("pinned");
      record.pinned_why = json.value("pinnedWhy", "");
      record.admitted = json.value("admitted", "");
      record.good_policy = json.value("goodPolicy", "");
      const Json good = json.value("good", Json());
      if (good.is_string()) {
        const Result<SnapshotPtr> set = ReadSet(ToDigest(good));
        if (!set.ok()) return Error{set.error()};
        record.good = set.value();
      }
      record.rebase = json.at("rebase");
      record.adopt = json.at("adopt");
      record.spent = json.at("spent").get<std::map<std::string, std::uint64_t>>();
      for (const Json& permit : json.at("permits")) {
        record.permits.push_back({ToDigest(permit.at(0)), permit.at(1)});
      }
      for (const Json& refused : json.at("refused")) {
        const ObjectKey key_of = ToKey(refused.at(0));
        Refusal& refusal = record.refused[key_of][ToDigest(refused.at(1))];
        refusal.detail = refused.at(2);
        if (refused.size() > 4 && !refused.at(4).is_null()) refusal.needs = ToKey(refused.at(4));
        if (refused.at(3).is_null()) continue;
        const Result<ObjectPtr> instead = ReadObject(key_of, ToDigest(refused.at(3)));
        if (!instead.ok()) return Error{instead.error()};
        refusal.instead = instead.value();
      }
    }
    const Reign& reign = image.reigns[image.term];
    const Result<bool> led =
        store_.Transact({{Key("term"), single["term"]}, {Key("store_id"), single["store_id"]}},
                        {{Key("store_id"), image.store_id},
                         {Key("term"), std::to_string(image.term)},
                         {Key("reign/" + std::to_string(image.term)),
                          Json::array({reign.number, reign.last_generation}).dump()}});
    if (!led.ok()) return Error{led.error()};
    if (!led.value()) return Error{"another server became leader at the same moment"};
    blobs_.clear();
    prefetched_.reset();
    const Status head = ReadAuditHead();
    if (!head.ok()) return Error{head.error()};
    const Status collected = Collect();
    if (!collected.ok()) return Error{collected.error()};
    return image;
  } catch (const std::exception& error) {
    return Error{std::string("the store is damaged: ") + error.what()};
  }
}

Result<bool> Records::StillLeads(std::uint64_t term) {
  const Result<std::optional<std::string>> found = store_.Get(Key("term"));
  if (!found.ok()) return Error{found.error()};
  return found.value() == std::to_string(term);
}

server::Committed Records::Save(const server::Commit& commit, std::int64_t unix_seconds) {
  using Outcome = server::Committed::Outcome;
  const std::set<Digest> stored = stored_;
  const std::optional<std::string> parent =
      commit.parent == Version{} ? std::nullopt : std::optional(ToText(commit.parent));
  std::vector<Compare> compares = {{Key("term"), std::to_string(commit.term)},
                                   {Key("head"), parent}};
  std::vector<Write> writes;
  Json roots = Json::object();
  for (const auto& [name, record] : commit.records) {
    AddSet(record.desired, writes);
    AddSet(record.input, writes);
    if (record.good) AddSet(record.good, writes);
    for (const auto& [key, refusals] : record.refused) {
      for (const auto& [digest, refusal] : refusals) {
        if (refusal.instead) AddObject(*refusal.instead, writes);
      }
    }
    writes.push_back({Key("out/" + name), ToText(record)});
    if (record.version == commit.head) roots[name] = ToHex(record.desired->root);
  }
  if (commit.new_term != commit.term) {
    writes.push_back({Key("term"), std::to_string(commit.new_term)});
  }
  writes.push_back({Key("reign/" + std::to_string(commit.new_term)),
                    Json::array({commit.reign.number, commit.reign.last_generation}).dump()});
  if (commit.head != commit.parent) {
    writes.push_back({Key("head"), ToText(commit.head)});
    writes.push_back({Key("policy"), commit.policy});
    writes.push_back({ReleaseKey(commit.head.generation),
                      Json{{"version", ToText(commit.head)},
                           {"parent", ToText(commit.parent)},
                           {"policy", commit.policy},
                           {"actor", commit.actor},
                           {"what", commit.what},
                           {"clusters", roots}}
                          .dump(-1, ' ', false, Json::error_handler_t::replace)});
    for (Write& write : AuditWrites(
             commit.actor, "release " + ToText(commit.head) + ": " + commit.what, unix_seconds)) {
      writes.push_back(std::move(write));
    }
  }
  const Result<bool> done = store_.Transact(compares, writes);
  if (done.ok() && done.value()) {
    if (commit.head != commit.parent) {
      audit_number_ = next_audit_number_;
      audit_digest_ = next_audit_digest_;
    }
    return {Outcome::kDone, ""};
  }
  stored_ = stored;
  if (!done.ok()) return {Outcome::kFailed, done.error()};
  return {Outcome::kFenced, "another server leads"};
}

Result<std::map<std::string, SnapshotPtr>> Records::Release(std::uint64_t generation) {
  try {
    // What a release did not change is what the one before it left.
    const Result<std::map<std::string, std::string>> all = store_.Range(Key("rel/"));
    if (!all.ok()) return Error{all.error()};
    if (!all.value().contains(ReleaseKey(generation))) {
      return Error{fmt::format("there is no release {} to go back to", generation)};
    }
    std::map<std::string, Digest> roots;
    for (const auto& [key, value] : all.value()) {
      if (key > ReleaseKey(generation)) break;
      const Json release = Json::parse(value);
      for (const auto& [name, root] : release.at("clusters").items()) {
        roots[name] = ToDigest(root);
      }
    }
    std::map<std::string, SnapshotPtr> sets;
    for (const auto& [name, root] : roots) {
      const Result<SnapshotPtr> set = ReadSet(root);
      if (!set.ok()) return Error{set.error()};
      sets[name] = set.value();
    }
    blobs_.clear();
    return sets;
  } catch (const std::exception& error) {
    return Error{std::string("the store is damaged: ") + error.what()};
  }
}

Result<std::string> Records::Releases() {
  const Result<std::map<std::string, std::string>> all = store_.Range(Key("rel/"));
  if (!all.ok()) return Error{all.error()};
  Json releases = Json::array();
  for (const auto& [key, value] : all.value()) {
    Json release = Json::parse(value, nullptr, false);
    if (!release.is_object()) return Error{"the store's `" + key + "` is damaged"};
    release["generation"] = std::stoull(key.substr(key.rfind('/') + 1));
    releases.push_back(std::move(release));
  }
  return releases.dump(2, ' ', false, Json::error_handler_t::replace);
}

// ---- what is no longer needed

Status Records::Collect() {
  const Result<std::map<std::string, std::string>> releases = store_.Range(Key("rel/"));
  const Result<std::map<std::string, std::string>> records = store_.Range(Key("out/"));
  const Result<std::map<std::string, std::string>> sets = store_.Range(Key("set/"));
  const Result<std::map<std::string, std::string>> blobs = store_.Range(Key("blob/"));
  for (const auto* range : {&releases, &records, &sets, &blobs}) {
    if (!range->ok()) return Error{range->error()};
  }
  std::vector<Write> writes;
  std::set<std::string> needed;
  std::size_t left = releases.value().size();
  std::map<std::string, std::string> oldest;  // roots that the oldest kept release builds on
  for (const auto& [key, value] : releases.value()) {
    const bool drop = left-- > kKeptReleases;
    Json release = Json::parse(value);
    for (const auto& [name, root] : release.at("clusters").items()) {
      if (drop) {
        oldest[name] = root;
      } else {
        needed.insert("set/" + root.get<std::string>());
      }
    }
    if (drop) writes.push_back({key, std::nullopt});
    if (drop || oldest.empty()) continue;
    // The first that is kept takes over what those before it left.
    for (const auto& [name, root] : oldest) {
      if (!release["clusters"].contains(name)) release["clusters"][name] = root;
      needed.insert("set/" + root);
    }
    writes.push_back({key, release.dump()});
    oldest.clear();
  }
  for (const auto& [key, value] : records.value()) {
    const Json record = Json::parse(value);
    needed.insert("set/" + record.at("desired").get<std::string>());
    needed.insert("set/" + record.at("input").get<std::string>());
    const Json good = record.value("good", Json());
    if (good.is_string()) needed.insert("set/" + good.get<std::string>());
    for (const Json& refused : record.at("refused")) {
      if (!refused.at(3).is_null()) needed.insert("blob/" + refused.at(3).get<std::string>());
    }
  }
  for (const auto& [key, value] : sets.value()) {
    if (!needed.contains(key.substr(kRoot.size()))) {
      writes.push_back({key, std::nullopt});
      stored_.erase(ToDigest(key.substr(Key("set/").size())));
      continue;
    }
    for (const Json& entry : Json::parse(value)) {
      needed.insert("blob/" + entry.at(1).get<std::string>());
    }
  }
  for (const auto& [key, value] : blobs.value()) {
    if (needed.contains(key.substr(kRoot.size()))) continue;
    writes.push_back({key, std::nullopt});
    stored_.erase(ToDigest(key.substr(Key("blob/").size())));
  }
  if (writes.empty()) return Unit{};
  const Result<bool> done = store_.Transact({}, writes);
  if (!done.ok()) return Error{done.error()};
  return Unit{};
}

// ---- audit

Status Records::ReadAuditHead() {
  const Result<std::optional<std::string>> head = store_.Get(Key("audit_head"));
  if (!head.ok()) return Error{head.error()};
  if (!head.value()) return Unit{};
  const Json json = Json::parse(*head.value());
  audit_number_ = json.at(0);
  audit_digest_ = json.at(1);
  return Unit{};
}

std::vector<Write> Records::AuditWrites(const std::string& actor, const std::string& what,
                                        std::int64_t unix_seconds) {
  next_audit_number_ = audit_number_ + 1;
  const std::string entry = Json{
      {"before", audit_digest_},
      {"time", unix_seconds},
      {"actor", actor},
      {"what", what}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  next_audit_digest_ = ToHex(Sha256(entry));
  return {{AuditKey(next_audit_number_), entry},
          {Key("audit_head"), Json::array({next_audit_number_, next_audit_digest_}).dump()}};
}

Status Records::Log(const server::Audit& audit, std::int64_t unix_seconds) {
  const Result<bool> done = store_.Transact({}, AuditWrites(audit.actor, audit.what, unix_seconds));
  if (!done.ok()) return Error{done.error()};
  audit_number_ = next_audit_number_;
  audit_digest_ = next_audit_digest_;
  return Unit{};
}

Result<std::string> AuditText(Store& store) {
  const Result<std::map<std::string, std::string>> entries = store.Range(Key("audit/"));
  const Result<std::optional<std::string>> head = store.Get(Key("audit_head"));
  if (!entries.ok()) return Error{entries.error()};
  if (!head.ok()) return Error{head.error()};
  std::string text;
  for (const auto& [key, value] : entries.value()) text += value + "\n";
  return text + "{\"head\":" + head.value().value_or("[0,\"\"]") + "}\n";
}

Result<std::uint64_t> VerifyAuditText(const std::string& text) {
  std::uint64_t number = 0;
  std::string before;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const Json entry = Json::parse(line, nullptr, false);
    if (!entry.is_object()) return Error{fmt::format("line {} is no entry", number + 1)};
    if (entry.contains("head")) {
      const bool whole = entry["head"] == Json::array({number, before}) && begin == text.size();
      return whole ? Result<std::uint64_t>(number) : Error{"the end of the log was changed"};
    }
    ++number;
    if (!entry.contains("before") || entry["before"] != before) {
      return Error{fmt::format("entry {} or the one before it was changed or is missing", number)};
    }
    before = ToHex(Sha256(line));
  }
  return Error{"the end of the log is missing"};
}

Result<std::uint64_t> VerifyAudit(Store& store) {
  const Result<std::string> text = AuditText(store);
  if (!text.ok()) return Error{text.error()};
  return VerifyAuditText(text.value());
}

}  // namespace weft::relay
