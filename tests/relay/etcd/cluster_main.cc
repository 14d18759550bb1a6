// A cluster for scripts: writes etcd://… of its members to FILE, then does what its input says,
// `kill N` or `start N` a line, until that ends.
// Usage: relay_etcd FILE
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>

#include "etcd/cluster.h"
#include "relay/files/files.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: relay_etcd FILE\n", stderr);
    return 2;
  }
  weft::relay::EtcdCluster cluster;
  if (!weft::relay::WriteDurably(argv[1], cluster.Address("/weft") + "\n", 0644).ok()) return 2;
  std::string word;
  std::size_t member = 0;
  while (std::cin >> word >> member && member < 3) {
    if (word == "kill") cluster.Kill(member);
    if (word == "start") cluster.Start(member);
  }
  return 0;
}
