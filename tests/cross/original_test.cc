// Objects that the system a policy was read from makes of it, put in the place of those weft makes:
// object by object, requests are treated the same. What differs is named.
#include <gtest/gtest.h>

#include <algorithm>

#include "emit/check/same.h"
#include "emit/emit.h"
#include "engine/lower.h"
#include "relay/compile/inputs.h"

namespace weft::cross {
namespace {

using emit::check::IstioObject;
using emit::check::Mesh;

constexpr std::size_t kRequests = 8'000;

std::vector<IstioObject> Read(const std::string& text) {
  SourceMap sources;
  Diagnostics diagnostics;
  const FileId id = sources.Add("objects.yaml", text, SourceKind::kYaml);
  std::vector<IstioObject> objects = emit::check::ReadIstio(sources.Get(id), diagnostics);
  EXPECT_FALSE(diagnostics.HasErrors());
  return objects;
}

class OriginalObjects : public ::testing::Test {
 protected:
  OriginalObjects() {
    const std::string folder = std::string(WEFT_SOURCE_DIR) + "/tests/cross/original";
    Diagnostics diagnostics;
    relay::ReadInputs({.paths = {folder + "/policy.yaml"}, .inventory = {folder + "/inventory"}},
                      inputs_, diagnostics);
    const dsl::Program program = relay::LoadProgram(inputs_, diagnostics);
    model_ = engine::Lower(program, inputs_.inventory, diagnostics);
    EXPECT_FALSE(diagnostics.HasErrors());
    for (const auto& [cluster, objects] : emit::EmitIstio(model_, {}, diagnostics)) {
      for (const emit::Object& object : objects) {
        for (IstioObject& one : Read(emit::ToYaml(object))) {
          emitted_[cluster].push_back(std::move(one));
        }
      }
    }
    EXPECT_FALSE(diagnostics.HasErrors());
    const auto text = relay::ReadFile(folder + "/emitted.yaml");
    EXPECT_TRUE(text.ok());
    original_ = Read(text.value());
  }

  [[nodiscard]] const IstioObject& Original(const std::string& kind) const {
    const auto at = std::find_if(original_.begin(), original_.end(),
                                 [&](const IstioObject& o) { return o.kind == kind; });
    EXPECT_NE(at, original_.end()) << kind;
    return *at;
  }

  // Ours in `north`, with the original's object instead of those that `replaces` says.
  template <typename Replaces>
  [[nodiscard]] Mesh With(const IstioObject& object, Replaces replaces) const {
    Mesh mesh{.world = model_, .objects = emitted_, .config = {}};
    std::vector<IstioObject>& north = mesh.objects["north"];
    EXPECT_GT(std::erase_if(north, replaces), 0U) << object.kind;
    north.push_back(object);
    return mesh;
  }

  [[nodiscard]] std::string Difference(const Mesh& mesh) const {
    const Mesh ours{.world = model_, .objects = emitted_, .config = {}};
    const auto requests = emit::check::RequestsAbout(ours, kRequests).requests;
    EXPECT_GT(requests.size(), 500U);
    return emit::check::FirstDifference(mesh, ours, requests).value_or("");
  }

  relay::Inputs inputs_;
  engine::Model model_;
  std::map<std::string, std::vector<IstioObject>> emitted_;
  std::vector<IstioObject> original_;
};

bool IsFor(const IstioObject& object, const std::string& app) {
  const yaml::Node* label = object.spec.At("selector.matchLabels.app");
  return label != nullptr && label->text == app;
}

bool HasHost(const IstioObject& object, const std::string& host) {
  const yaml::Node* hosts = object.spec.Find("hosts");
  return object.spec.StringOr("host", "") == host ||
         (hosts != nullptr && std::any_of(hosts->items.begin(), hosts->items.end(),
                                          [&](const yaml::Node& h) { return h.text == host; }));
}

// The original names every account, weft the namespaces: the discovered callers are the same.
TEST_F(OriginalObjects, AuthorizationPolicyOfAService) {
  const IstioObject& theirs = Original("AuthorizationPolicy");
  const Mesh mesh = With(theirs, [](const IstioObject& o) {
    return o.kind == "AuthorizationPolicy" && IsFor(o, "page");
  });
  EXPECT_EQ(Difference(mesh), "");
}

// An account that comes later gets in here and not there: the one difference that is meant.
TEST_F(OriginalObjects, AccountsOfTomorrowNeedNoNewObjectHere) {
  const Mesh theirs = With(Original("AuthorizationPolicy"), [](const IstioObject& o) {
    return o.kind == "AuthorizationPolicy" && IsFor(o, "page");
  });
  const Mesh ours{.world = model_, .objects = emitted_, .config = {}};
  engine::Request request;
  request.cluster = model_.FindCluster("north");
  request.direct = true;
  request.identity = engine::Identity{"north", "shop", "tomorrow"};
  request.host = "page.shop.svc.cluster.local";
  request.port = 9080;
  EXPECT_TRUE(emit::check::Interpret(ours, request).AllowedSomewhere());
  EXPECT_FALSE(emit::check::Interpret(theirs, request).AllowedSomewhere());
}

// There a port of one service is strict, here the namespace: clear text ends the same way.
TEST_F(OriginalObjects, PeerAuthenticationOfAPort) {
  Mesh mesh{.world = model_, .objects = emitted_, .config = {}};
  std::vector<IstioObject>& north = mesh.objects["north"];
  const IstioObject theirs = Original("PeerAuthentication");
  std::erase_if(north, [](const IstioObject& o) { return o.kind == "PeerAuthentication"; });
  for (const std::string app : {"page", "reviews", "stars"}) {
    IstioObject one = theirs;
    one.name = app;
    for (yaml::Node::Entry& entry : one.spec.entries) {
      if (entry.key == "selector") entry.value.entries[0].value.entries[0].value.text = app;
    }
    north.push_back(std::move(one));
  }
  EXPECT_EQ(Difference(mesh), "");
}

TEST_F(OriginalObjects, VirtualServiceWithAFault) {
  const Mesh mesh = With(Original("VirtualService"), [](const IstioObject& o) {
    return o.kind == "VirtualService" && HasHost(o, "stars.shop.svc.cluster.local");
  });
  EXPECT_EQ(Difference(mesh), "");
}

TEST_F(OriginalObjects, ServiceEntryOfAVirtualDestination) {
  const Mesh mesh = With(Original("ServiceEntry"), [](const IstioObject& o) {
    return o.kind == "ServiceEntry" && HasHost(o, "page.global");
  });
  EXPECT_EQ(Difference(mesh), "");
}

// There the settings stand below the port, here above all ports: near endpoints come first in both.
TEST_F(OriginalObjects, DestinationRuleWithFailover) {
  const Mesh mesh = With(Original("DestinationRule"), [](const IstioObject& o) {
    return o.kind == "DestinationRule" && HasHost(o, "page.global");
  });
  EXPECT_EQ(Difference(mesh), "");
}

// The comparison is worth something: a policy without one of the callers is told from ours.
TEST_F(OriginalObjects, AMissingCallerIsFound) {
  IstioObject theirs = Original("AuthorizationPolicy");
  for (yaml::Node::Entry& entry : theirs.spec.entries) {
    if (entry.key != "rules") continue;
    yaml::Node& from = *const_cast<yaml::Node*>(entry.value.items[0].Find("from"));
    from.items.pop_back();
  }
  const Mesh mesh = With(theirs, [](const IstioObject& o) {
    return o.kind == "AuthorizationPolicy" && IsFor(o, "page");
  });
  EXPECT_NE(Difference(mesh), "");
}

}  // namespace
}  // namespace weft::cross
