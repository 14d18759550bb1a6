// Delivery to an API server in memory, which keeps managers of whole objects where a real one keeps
// those of fields.
#include "relay/kube/target.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft::relay::kube {
namespace {

using Json = nlohmann::json;

constexpr char kGateway[] = "Gateway.networking.istio.io";
constexpr char kCollection[] = "/apis/networking.istio.io/v1";

class MemoryApi : public Api {
 public:
  Result<Response> Do(const Request& request) override {
    if (!down.empty()) return Error{down};
    const std::string path = request.path.substr(0, request.path.find('?'));
    const bool dry = request.path.find("dryRun=All") != std::string::npos;
    if (request.method != "GET" && !dry) writes.push_back(request.method + " " + path);
    if (request.method == "GET" && path.find("/namespaces/") == std::string::npos) {
      return ListOf(path);
    }
    if (request.method == "GET") return One(path);
    if (request.method == "PATCH") return Apply(path, request, dry);
    if (request.method == "PUT") return Put(path, request);
    return Delete(path, request);
  }
  static Response Refuse(int status, const std::string& message, Json details = {}) {
    return {status,
            Json{{"kind", "Status"}, {"message", message}, {"details", std::move(details)}}.dump()};
  }
  void Make(const std::string& path, Json object, const std::string& manager) {
    Manage(object, manager, manager == "weft" ? "Apply" : "Update");
    object["metadata"]["uid"] = std::to_string(++uids);
    objects[path] = std::move(object);
  }
  static void Manage(Json& object, const std::string& manager, const std::string& operation) {
    Json& managers = object["metadata"]["managedFields"];
    for (const Json& entry : managers) {
      if (entry["manager"] == manager && entry["operation"] == operation) return;
    }
    managers.push_back({{"manager", manager}, {"operation", operation}});
  }

  std::map<std::string, Json> objects;  // by path
  std::vector<std::string> writes;
  std::string down;
  std::string forbidden;  // why nothing may be written; "" = it may
  int uids = 0;

 private:
  Response ListOf(const std::string& path) {
    Json items = Json::array();
    const std::string plural = path.substr(path.rfind('/'));
    for (const auto& [at, object] : objects) {
      const bool labelled =
          object.value(Json::json_pointer("/metadata/labels/app.kubernetes.io~1managed-by"), "") ==
          "weft";
      if (labelled && at.find(plural + "/") != std::string::npos) items.push_back(object);
    }
    return {200, Json{{"metadata", {{"resourceVersion", "1"}}}, {"items", items}}.dump()};
  }
  Response One(const std::string& path) {
    if (!objects.contains(path)) return Refuse(404, "not found");
    return {200, objects[path].dump()};
  }
  Response Apply(const std::string& path, const Request& request, bool dry) {
    if (!forbidden.empty()) return Refuse(403, forbidden);
    const Json body = Json::parse(request.body);
    if (body["spec"].contains("unknown")) return Refuse(400, "unknown field \"spec.unknown\"");
    if (body["metadata"]["namespace"] == "gone") {
      return Refuse(404, "namespaces \"gone\" not found", {{"kind", "namespaces"}});
    }
    if (body["metadata"]["namespace"] == "going") {
      return Refuse(403, "it is being terminated",
                    {{"causes", {{{"reason", "NamespaceTerminating"}}}}});
    }
    Json object = objects.contains(path) ? objects[path] : Json::object();
    const bool force = request.path.find("force=true") != std::string::npos;
    if (!object.empty() && !force && object["spec"] != body["spec"]) return Refuse(409, "conflict");
    Json merged = object;
    merged.merge_patch(body);
    Manage(merged, "weft", "Apply");
    if (!merged["metadata"].contains("uid")) merged["metadata"]["uid"] = std::to_string(++uids);
    merged["metadata"]["resourceVersion"] = "7";
    if (!dry) objects[path] = merged;
    return {200, merged.dump()};
  }
  Response Put(const std::string& path, const Request& request) {
    Json body = Json::parse(request.body);
    if (body["metadata"]["resourceVersion"] != "7") return Refuse(409, "stale");
    body["metadata"]["managedFields"] = objects[path]["metadata"]["managedFields"];
    body["metadata"]["uid"] = objects[path]["metadata"]["uid"];
    objects[path] = body;
    return {200, body.dump()};
  }
  Response Delete(const std::string& path, const Request& request) {
    if (!objects.contains(path)) return Refuse(404, "not found");
    const Json options = Json::parse(request.body);
    if (options["preconditions"]["uid"] != objects[path]["metadata"]["uid"]) {
      return Refuse(409, "the uid is another");
    }
    objects.erase(path);
    return {200, "{}"};
  }
};

class ClusterTargetTest : public testing::Test {
 protected:
  static ObjectKey Key(const std::string& name, const std::string& ns = "shop") {
    return {kGateway, ns, name};
  }
  static std::string Path(const std::string& name, const std::string& ns = "shop") {
    return std::string(kCollection) + "/namespaces/" + ns + "/gateways/" + name;
  }
  static ObjectPtr Gateway(const std::string& name, Json spec, const std::string& ns = "shop") {
    const Json content = {{"apiVersion", "networking.istio.io/v1"},
                          {"kind", "Gateway"},
                          {"metadata",
                           {{"name", name},
                            {"namespace", ns},
                            {"labels", {{"app.kubernetes.io/managed-by", "weft"}}}}},
                          {"spec", std::move(spec)}};
    return MakeObject(Key(name, ns), content.dump(), {{"weft.dev/source", "a.weft:1"}});
  }
  static SnapshotPtr Set(const std::vector<ObjectPtr>& objects) {
    std::map<ObjectKey, ObjectPtr> keyed;
    for (const ObjectPtr& object : objects) keyed[object->key] = object;
    return MakeSnapshot(std::move(keyed));
  }
  Status Write(const SnapshotPtr& wanted, const std::set<ObjectKey>& leaving = {}) {
    return target_.Write(*wanted, leaving, {1, ++generation_});
  }
  Digest Found(const SnapshotPtr& wanted, const std::set<ObjectKey>& leaving = {}) {
    const Result<SnapshotPtr> found = target_.Read(wanted, leaving);
    EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error());
    return found.ok() ? found.value()->root : Digest{};
  }

  MemoryApi api_;
  ClusterTarget target_{api_};
  std::uint64_t generation_ = 0;
};

TEST_F(ClusterTargetTest, WritesWhatDiffersAndReadsItBack) {
  const SnapshotPtr wanted = Set({Gateway("a", {{"x", 1}}), Gateway("b", {{"x", 2}})});
  ASSERT_TRUE(Write(wanted).ok());
  EXPECT_EQ(Found(wanted), wanted->root);
  const Json& annotations = api_.objects[Path("a")]["metadata"]["annotations"];
  EXPECT_EQ(annotations["weft.dev/generation"], "1.1");
  EXPECT_EQ(annotations["weft.dev/source"], "a.weft:1");
  api_.writes.clear();
  const SnapshotPtr next = Set({Gateway("a", {{"x", 1}}), Gateway("b", {{"x", 3}})});
  ASSERT_TRUE(Write(next).ok());
  EXPECT_EQ(api_.writes, std::vector<std::string>{"PATCH " + Path("b")});
  EXPECT_TRUE(target_.TakeDrift().empty()) << "a release is no drift";
}

TEST_F(ClusterTargetTest, RemovesWhatIsNamedAndNothingElse) {
  const SnapshotPtr both = Set({Gateway("a", {{"x", 1}}), Gateway("b", {{"x", 2}})});
  ASSERT_TRUE(Write(both).ok());
  const SnapshotPtr one = Set({Gateway("a", {{"x", 1}})});
  ASSERT_TRUE(Write(one).ok());
  EXPECT_TRUE(api_.objects.contains(Path("b"))) << "absence removes nothing";
  EXPECT_EQ(Found(one), one->root);
  EXPECT_NE(Found(one, {Key("b")}), one->root) << "what was named is looked for";
  ASSERT_TRUE(Write(one, {Key("b")}).ok());
  EXPECT_FALSE(api_.objects.contains(Path("b")));
  EXPECT_TRUE(Write(one, {Key("b")}).ok()) << "gone is gone";
}

TEST_F(ClusterTargetTest, WhatIsNotItsOwnStays) {
  // The label alone makes no object weft's.
  Json theirs = Json::parse(Gateway("theirs", {{"x", 1}})->content);
  api_.Make(Path("theirs"), theirs, "kubectl");
  const std::vector<ObjectPtr> wanted = {Gateway("theirs", {{"x", 2}}), Gateway("b", {{"x", 2}})};
  const Result<std::vector<ObjectError>> errors = target_.Try(wanted);
  ASSERT_TRUE(errors.ok()) << errors.error();
  ASSERT_EQ(errors.value().size(), 1U);
  EXPECT_EQ(errors.value().front().key, Key("theirs"));
  EXPECT_NE(errors.value().front().detail.find("`kubectl`"), std::string::npos);
  EXPECT_FALSE(Write(Set(wanted)).ok());
  ASSERT_TRUE(Write(Set({}), {Key("theirs")}).ok());
  EXPECT_EQ(api_.objects[Path("theirs")]["spec"]["x"], 1);
  // Without its label it is found all the same.
  theirs["metadata"].erase("labels");
  api_.Make(Path("theirs"), theirs, "kubectl");
  EXPECT_EQ(target_.Try(wanted).value().size(), 1U);
}

TEST_F(ClusterTargetTest, ADryRunOfTheWholeSetNamesEachObjectThatIsRefused) {
  const Result<std::vector<ObjectError>> errors = target_.Try(
      {Gateway("a", {{"x", 1}}), Gateway("b", {{"unknown", 2}}), Gateway("c", {{"x", 1}}, "gone")});
  ASSERT_TRUE(errors.ok()) << errors.error();
  ASSERT_EQ(errors.value().size(), 2U);
  EXPECT_EQ(errors.value()[0].detail, "unknown field \"spec.unknown\"");
  EXPECT_EQ(errors.value()[1].detail, "namespaces \"gone\" not found");
  EXPECT_TRUE(api_.writes.empty());
  EXPECT_TRUE(api_.objects.empty());
}

TEST_F(ClusterTargetTest, WhatLacksItsNamespaceSaysSo) {
  const Result<std::vector<ObjectError>> errors =
      target_.Try({Gateway("b", {{"unknown", 2}}), Gateway("c", {{"x", 1}}, "gone"),
                   Gateway("d", {{"x", 1}}, "going")});
  ASSERT_TRUE(errors.ok()) << errors.error();
  ASSERT_EQ(errors.value().size(), 3U);
  EXPECT_EQ(errors.value()[0].needs, std::nullopt);
  EXPECT_EQ(errors.value()[1].needs, (ObjectKey{"Namespace", "", "gone"}));
  EXPECT_EQ(errors.value()[2].needs, (ObjectKey{"Namespace", "", "going"}));
}

TEST_F(ClusterTargetTest, WhatIsNoFaultOfAnObjectRefusesNone) {
  api_.forbidden = "gateways is forbidden: User \"x\" cannot patch resource";
  EXPECT_FALSE(target_.Try({Gateway("a", {{"x", 1}})}).ok());
  api_.forbidden = "admission webhook \"v\" denied the request: no";
  EXPECT_EQ(target_.Try({Gateway("a", {{"x", 1}})}).value().size(), 1U);
  api_.down = "connection refused";
  EXPECT_FALSE(target_.Try({Gateway("a", {{"x", 1}})}).ok());
  EXPECT_FALSE(target_.Read(nullptr, {}).ok());
}

TEST_F(ClusterTargetTest, DriftIsPutRightAndTold) {
  const SnapshotPtr wanted = Set({Gateway("a", {{"x", 1}}), Gateway("b", {{"x", 2}})});
  ASSERT_TRUE(Write(wanted).ok());
  --generation_;
  Json& a = api_.objects[Path("a")];
  a["spec"]["x"] = 9;
  MemoryApi::Manage(a, "kubectl-edit", "Update");
  // A field that an apply would leave where it is.
  Json& b = api_.objects[Path("b")];
  b["spec"]["y"] = 9;
  MemoryApi::Manage(b, "somebody", "Update");
  EXPECT_NE(Found(wanted), wanted->root);
  ASSERT_TRUE(Write(wanted).ok());
  EXPECT_EQ(Found(wanted), wanted->root);
  EXPECT_EQ(api_.objects[Path("b")]["spec"], Json({{"x", 2}}));
  const std::vector<Drifted> drift = target_.TakeDrift();
  ASSERT_EQ(drift.size(), 2U);
  EXPECT_NE(drift[0].detail.find("`kubectl-edit`"), std::string::npos);
  EXPECT_NE(drift[1].detail.find("`somebody`"), std::string::npos);
  // Labels and annotations of others are theirs.
  api_.objects[Path("a")]["metadata"]["labels"]["team"] = "shop";
  EXPECT_EQ(Found(wanted), wanted->root);
  // Weft's own label is not.
  api_.objects[Path("a")]["metadata"]["labels"].erase("app.kubernetes.io/managed-by");
  EXPECT_NE(Found(wanted), wanted->root);
  ASSERT_TRUE(Write(wanted).ok());
  EXPECT_EQ(Found(wanted), wanted->root);
}

TEST_F(ClusterTargetTest, WithoutMemoryItFindsWhatItWrote) {
  const SnapshotPtr wanted = Set({Gateway("a", {{"x", 1}})});
  ASSERT_TRUE(Write(wanted).ok());
  api_.Make(Path("theirs"), Json::parse(Gateway("theirs", {{"x", 1}})->content), "kubectl");
  const Result<SnapshotPtr> found = target_.Read(nullptr, {});
  ASSERT_TRUE(found.ok()) << found.error();
  ASSERT_EQ(found.value()->objects.size(), 1U);
  EXPECT_EQ(found.value()->objects.begin()->first, Key("a"));
}

TEST_F(ClusterTargetTest, AnAnswerOfAnotherFormIsAnError) {
  const SnapshotPtr wanted = Set({Gateway("a", {{"x", 1}})});
  ASSERT_TRUE(Write(wanted).ok());
  api_.objects[Path("a")]["metadata"]["managedFields"] = {7, "x"};
  EXPECT_FALSE(target_.Read(wanted, {}).ok());
  EXPECT_FALSE(Write(wanted).ok());
}

}  // namespace
}  // namespace weft::relay::kube
