#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "relay/files/files.h"
#include "relay/files/manifests.h"
#include "relay/files/state.h"

namespace weft::relay {
namespace {

class Files : public testing::Test {
 protected:
  Files() : path_(testing::TempDir() + "/weft-files-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Files() override { std::filesystem::remove_all(path_); }
  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
  }
  const std::string path_;
};

emit::Object Route(const std::string& name) {
  emit::Object object{.api_version = "networking.istio.io/v1",
                      .kind = "VirtualService",
                      .ns = "shop",
                      .name = name,
                      .labels = {{"app.kubernetes.io/managed-by", "weft"}},
                      .annotations = {{"weft.dev/source", "a.weft:1"}}};
  object.spec["hosts"] = {"yes", "1.20", "a: b"};
  object.spec["http"] = {{{"timeout", "3s"}, {"route", {{{"destination", {{"host", "x"}}}}}}}};
  return object;
}

SnapshotPtr Routes() {
  std::map<ObjectKey, ObjectPtr> objects;
  for (const char* name : {"a", "b"}) {
    ObjectPtr object = FromEmitted(Route(name));
    objects[object->key] = object;
  }
  return MakeSnapshot(std::move(objects));
}

AgentRecord Record(std::uint64_t generation) {
  return {.store_id = "s",
          .applied = {1, generation},
          .highest = {1, generation},
          .reign = 7,
          .release = Routes(),
          .spent = {{"VirtualService.networking.istio.io", 1}}};
}

TEST_F(Files, AManifestReadsBackAsTheSetItWasMadeFrom) {
  const SnapshotPtr set = Routes();
  const Result<SnapshotPtr> found = FromManifest(ToManifest(*set, {3, 9}));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.value()->root, set->root);
  EXPECT_NE(ToManifest(*set, {3, 9}).find("weft.dev/generation: \"3.9\""), std::string::npos);
}

emit::Object Limits() {
  emit::Object object{.api_version = "v1",
                      .kind = "ConfigMap",
                      .ns = "shop",
                      .name = "weft-limits-edge",
                      .labels = {{"app.kubernetes.io/managed-by", "weft"}}};
  object.data["config.yaml"] = "domain: edge\ndescriptors:\n- key: \"yes\"\n";
  return object;
}

TEST_F(Files, AConfigMapKeepsItsData) {
  const ObjectPtr limits = FromEmitted(Limits());
  EXPECT_EQ(WrongWith(*limits), "");
  const SnapshotPtr set = MakeSnapshot({{limits->key, limits}});
  const std::string manifest = ToManifest(*set, {1, 1});
  EXPECT_NE(manifest.find("descriptors"), std::string::npos) << manifest;
  const Result<SnapshotPtr> found = FromManifest(manifest);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.value()->root, set->root);
}

TEST_F(Files, OnlyConfigMapsOfWeftsOwnAreTaken) {
  emit::Object other = Limits();
  other.name = "istio";
  EXPECT_NE(WrongWith(*FromEmitted(other)), "");
  other = Limits();
  other.data["config.yaml"] = 1;
  EXPECT_NE(WrongWith(*FromEmitted(other)), "");
  const std::string content = FromEmitted(Limits())->content;
  const ObjectPtr odd = MakeObject(FromEmitted(Limits())->key,
                                   content.substr(0, content.size() - 1) + ",\"binaryData\":{}}");
  EXPECT_NE(WrongWith(*odd).find("binaryData"), std::string::npos);
}

TEST_F(Files, WrongObjectsAreRefused) {
  const ObjectPtr good = FromEmitted(Route("a"));
  EXPECT_EQ(WrongWith(*good), "");
  EXPECT_NE(WrongWith(*MakeObject(good->key, "{")), "");
  EXPECT_NE(WrongWith(*MakeObject(good->key, std::string(100'000, '['))), "");
  EXPECT_NE(WrongWith(*MakeObject({"Pod", "shop", "a"}, good->content)), "");
  emit::Object other = Route("a");
  other.spec["htp"] = 1;
  EXPECT_NE(WrongWith(*FromEmitted(other)).find("htp"), std::string::npos);
  other = Route("a");
  other.labels.clear();
  EXPECT_NE(WrongWith(*FromEmitted(other)), "");
}

TEST_F(Files, EveryByteOfTheRecordCounts) {
  const std::string text = ToText(Record(4));
  ASSERT_TRUE(ParseRecord(text).ok());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(ParseRecord(changed).ok()) << "byte " << i << " changed";
    EXPECT_FALSE(ParseRecord(text.substr(0, i)).ok()) << "cut at " << i;
  }
}

TEST_F(Files, ABrokenGenerationLeavesTheOneBefore) {
  StateDirectory state(path_);
  EXPECT_FALSE(state.LoadRecord().value().has_value());
  ASSERT_TRUE(state.SaveRecord(Record(4)).ok());
  ASSERT_TRUE(state.SaveRecord(Record(5)).ok());
  ASSERT_TRUE(state.SaveRecord(Record(6)).ok());
  EXPECT_EQ(state.LoadRecord().value()->applied.generation, 6U);
  Put("last-good-a.json", "torn");
  const std::uint64_t left = state.LoadRecord().value()->applied.generation;
  EXPECT_TRUE(left == 5 || left == 6);
  ASSERT_TRUE(state.SaveRecord(Record(7)).ok());
  EXPECT_EQ(state.LoadRecord().value()->applied.generation, 7U);
  Put("last-good-a.json", "torn");
  Put("last-good-b.json", "torn");
  EXPECT_FALSE(state.LoadRecord().ok());
}

TEST_F(Files, DiscoveryIsWholeOrAnError) {
  EXPECT_FALSE(DiscoverDirectory(path_ + "/none").ok());
  EXPECT_FALSE(DiscoverDirectory(path_).ok());
  Put("a.yaml",
      "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop}\n---\n"
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\ndata: {key: c2VjcmV0}\n"
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\n");
  const Result<SnapshotPtr> found = DiscoverDirectory(path_);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.value()->objects.size(), 2U);
  for (const auto& [key, object] : found.value()->objects) {
    EXPECT_EQ(object->content.find("c2VjcmV0"), std::string::npos);
    EXPECT_EQ(WrongWithDiscovered(*object), "");
  }
  Put("b.yaml", "kind: [");
  EXPECT_FALSE(DiscoverDirectory(path_).ok());
}

}  // namespace
}  // namespace weft::relay
