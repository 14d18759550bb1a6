// Both stores under one suite. Without the program `etcd` only the embedded one is tested, which
// CI=true forbids.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "etcd/cluster.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!weft::relay::EtcdCluster::IsInstalled()) {
    const char* const ci = std::getenv("CI");
    if (ci != nullptr && std::string_view(ci) == "true") {
      std::fputs(
          "the store's tests need etcd (Debian: etcd-server), CI=true forbids to skip them\n",
          stderr);
      return 1;
    }
    std::fputs(
        "*************************************************************************\n"
        "* SKIPPED: the tests of the store over etcd. Install etcd-server.       *\n"
        "*************************************************************************\n",
        stderr);
    testing::GTEST_FLAG(filter) = "-*Etcd*";
  }
  return RUN_ALL_TESTS();
}
