#include "etcd/cluster.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "dsl/check.h"
#include "relay/store/etcd_client.h"

extern char** environ;

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

// Free ports, held together so that they differ.
std::vector<int> FreePorts(std::size_t count) {
  std::vector<int> ports;
  std::vector<int> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool ok = ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    Check(ok, "no free port");
    ports.push_back(ntohs(address.sin_port));
    sockets.push_back(socket);
  }
  for (const int socket : sockets) ::close(socket);
  return ports;
}

// A root, a certificate of the members for 127.0.0.1, and one of a client called `weft`.
void MakeCertificates(const std::string& directory) {
  const std::string script = "set -e; cd '" + directory + R"('
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
      -keyout ca.key -out ca.pem -subj /CN=root
    for who in server client; do
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $who.key -out $who.csr \
        -subj /CN=weft
      printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' >$who.ext
      openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
        -out $who.pem -extfile $who.ext
    done)";
  Check(std::system(("(" + script + ") >/dev/null 2>&1").c_str()) == 0, "openssl failed");
}

pid_t Spawn(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<char*> raw;
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, raw[0], &actions, nullptr, raw.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  Check(failed == 0, "etcd does not start");
  return pid;
}

}  // namespace

bool EtcdCluster::IsInstalled() {
  std::stringstream path(std::getenv("PATH") == nullptr ? "" : std::getenv("PATH"));
  for (std::string folder; std::getline(path, folder, ':');) {
    if (::access((folder + "/etcd").c_str(), X_OK) == 0) return true;
  }
  return false;
}

EtcdCluster::EtcdCluster(bool tls) : tls_(tls) {
  std::string pattern = (fs::temp_directory_path() / "weft-etcd-XXXXXX").string();
  Check(::mkdtemp(pattern.data()) != nullptr, "no temporary directory");
  directory_ = pattern;
  if (tls_) MakeCertificates(directory_);
  const std::vector<int> ports = FreePorts(2 * members_.size());
  for (std::size_t i = 0; i < members_.size(); ++i) {
    members_[i].client_port = ports[2 * i];
    members_[i].peer_port = ports[2 * i + 1];
  }
  for (std::size_t i = 0; i < members_.size(); ++i) Start(i);
  WaitForLeader();
}

void EtcdCluster::WaitForLeader() {
  const EtcdTls files{directory_ + "/ca.pem", directory_ + "/client.pem",
                      directory_ + "/client.key"};
  const std::unique_ptr<EtcdClient> client =
      EtcdClient::Make(ParseEtcdAddress(Address("")).value(), tls_ ? files : EtcdTls()).value();
  etcdserverpb::RangeRequest request;
  request.set_key("/none");
  grpc::Status status = grpc::Status::CANCELLED;
  for (int i = 0; i < 8 && !status.ok(); ++i) {
    etcdserverpb::RangeResponse response;
    status = client->Range(request, response);
  }
  if (!status.ok()) {
    std::fprintf(stderr, "etcd: %s\n", status.error_message().c_str());
    for (std::size_t i = 0; i < members_.size(); ++i) Kill(i);
  }
  Check(status.ok(), "etcd elects no leader");
}

EtcdCluster::~EtcdCluster() {
  for (std::size_t i = 0; i < members_.size(); ++i) Kill(i);
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::string EtcdCluster::Endpoint(std::size_t member) const {
  return "127.0.0.1:" + std::to_string(members_[member].client_port);
}

std::string EtcdCluster::Address(const std::string& prefix) const {
  return "etcd://" + Endpoint(0) + "," + Endpoint(1) + "," + Endpoint(2) + prefix;
}

void EtcdCluster::Start(std::size_t member) {
  const std::string name = "m" + std::to_string(member);
  std::string all;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    all += (i == 0 ? "m" : ",m") + std::to_string(i) +
           "=http://127.0.0.1:" + std::to_string(members_[i].peer_port);
  }
  const std::string client = (tls_ ? "https://" : "http://") + Endpoint(member);
  const std::string peer = "http://127.0.0.1:" + std::to_string(members_[member].peer_port);
  std::vector<std::string> arguments = {"etcd",
                                        "--name",
                                        name,
                                        "--data-dir",
                                        directory_ + "/" + name,
                                        "--initial-cluster",
                                        all,
                                        "--listen-client-urls",
                                        client,
                                        "--advertise-client-urls",
                                        client,
                                        "--listen-peer-urls",
                                        peer,
                                        "--initial-advertise-peer-urls",
                                        peer};
  if (tls_) {
    for (const char* flag : {"--client-cert-auth", "--trusted-ca-file", "ca.pem", "--cert-file",
                             "server.pem", "--key-file", "server.key"}) {
      const std::string text = flag;
      arguments.push_back(text.starts_with("--") ? text : directory_ + "/" + text);
    }
  }
  members_[member].pid = Spawn(arguments, directory_ + "/" + name + ".log");
}

void EtcdCluster::Kill(std::size_t member) {
  if (members_[member].pid < 0) return;
  ::kill(members_[member].pid, SIGKILL);
  while (::waitpid(members_[member].pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  members_[member].pid = -1;
}

void EtcdCluster::Suspend(std::size_t member) { ::kill(members_[member].pid, SIGSTOP); }
void EtcdCluster::Resume(std::size_t member) { ::kill(members_[member].pid, SIGCONT); }

}  // namespace weft::relay
