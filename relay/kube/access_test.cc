#include "relay/kube/access.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace weft::relay::kube {
namespace {

class KubeconfigTest : public testing::Test {
 protected:
  KubeconfigTest() : folder_(testing::TempDir() + "/weft-kubeconfig-" + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~KubeconfigTest() override { std::filesystem::remove_all(folder_); }
  Result<Access> Read(const std::string& cluster, const std::string& user,
                      const std::string& context = "") {
    std::ofstream(folder_ + "/config")
        << "apiVersion: v1\nkind: Config\ncurrent-context: main\n"
           "contexts:\n"
           "- {name: main, context: {cluster: c, user: u}}\n"
           "- {name: stray, context: {cluster: c, user: gone}}\n"
           "clusters:\n- {name: c, cluster: {"
        << cluster << "}}\nusers:\n- {name: u, user: {" << user << "}}\n";
    return ReadKubeconfig(folder_ + "/config", context);
  }
  std::string folder_;
};

TEST_F(KubeconfigTest, IsReadWithItsCertificatesAndTokens) {
  Result<Access> access = Read(
      "server: 'https://10.0.0.1:6443/', certificate-authority-data: cm9vdA==, "
      "tls-server-name: kubernetes",
      "client-certificate: me.crt, client-key-data: a2V5");
  ASSERT_TRUE(access.ok()) << access.error();
  EXPECT_EQ(access.value().server, "https://10.0.0.1:6443");
  EXPECT_EQ(access.value().server_name, "kubernetes");
  EXPECT_EQ(access.value().ca.text, "root");
  EXPECT_EQ(access.value().certificate.file, folder_ + "/me.crt");
  EXPECT_EQ(access.value().key.text, "key");
  access = Read("server: 'https://h'", "tokenFile: /run/token");
  ASSERT_TRUE(access.ok()) << access.error();
  EXPECT_EQ(access.value().token.file, "/run/token");
}

TEST_F(KubeconfigTest, IsRefusedWhereItCannotBeTrustedOrFollowed) {
  const auto error = [&](const Result<Access>& access) {
    return access.ok() ? "none" : access.error().substr(access.error().find("`: ") + 3);
  };
  const std::string good = "server: 'https://h'";
  EXPECT_EQ(error(Read("server: 'http://h'", "token: t")).substr(0, 33),
            "its server is `http://h`; weft sp");
  EXPECT_NE(error(Read(good + ", insecure-skip-tls-verify: true", "token: t")).find("anyone"),
            std::string::npos);
  EXPECT_NE(error(Read(good, "exec: {command: aws}")).find("`exec`"), std::string::npos);
  EXPECT_NE(error(Read(good, "username: u, password: p")).find("`username`"), std::string::npos);
  EXPECT_NE(error(Read(good, "client-key-data: a2V5")).find("key alone"), std::string::npos);
  EXPECT_NE(error(Read(good + ", certificate-authority-data: '#'", "token: t")).find("base64"),
            std::string::npos);
  EXPECT_EQ(error(Read(good, "token: t", "other")), "it has no context `other`");
  EXPECT_EQ(error(Read(good, "token: t", "stray")), "context `stray` names no user of it");
  EXPECT_FALSE(ReadKubeconfig(folder_ + "/none", "").ok());
}

TEST(InCluster, NeedsThePodsEnvironment) {
  unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_FALSE(InCluster("/nowhere").ok());
  setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  EXPECT_FALSE(InCluster("/nowhere").ok());
  const std::string folder = testing::TempDir() + "/weft-account-" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/ca.crt") << "ca";
  std::ofstream(folder + "/token") << "t";
  const Result<Access> access = InCluster(folder);
  ASSERT_TRUE(access.ok()) << access.error();
  EXPECT_EQ(access.value().server, "https://[fd00::1]:443");
  EXPECT_EQ(access.value().token.file, folder + "/token");
  unsetenv("KUBERNETES_SERVICE_HOST");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace weft::relay::kube
