// A real etcd cluster of three members on free loopback ports, for tests.
#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

namespace weft::relay {

class EtcdCluster {
 public:
  // Whether there is a program `etcd` on PATH.
  [[nodiscard]] static bool IsInstalled();

  // Starts it below a temporary directory and waits until it elects. With `tls` members demand
  // certificates of clients; the files ca.pem, client.pem and client.key are made in directory().
  explicit EtcdCluster(bool tls = false);
  ~EtcdCluster();  // ends the members
  EtcdCluster(const EtcdCluster&) = delete;
  EtcdCluster& operator=(const EtcdCluster&) = delete;

  // etcd://… of all members, with `prefix`.
  [[nodiscard]] std::string Address(const std::string& prefix) const;
  [[nodiscard]] std::string Endpoint(std::size_t member) const;
  [[nodiscard]] const std::string& directory() const { return directory_; }

  void Kill(std::size_t member);     // SIGKILL
  void Suspend(std::size_t member);  // SIGSTOP: it accepts connections and answers nothing
  void Resume(std::size_t member);
  void Start(std::size_t member);

 private:
  struct Member {
    int client_port = 0;
    int peer_port = 0;
    pid_t pid = -1;
  };
  void WaitForLeader();

  std::string directory_;
  bool tls_;
  std::array<Member, 3> members_;
};

}  // namespace weft::relay
