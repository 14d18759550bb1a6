// How an API server is reached and by whom: a kubeconfig, or the service account of a pod.
#pragma once

#include <string>

#include "dsl/result.h"

namespace weft::relay::kube {

struct Access {
  std::string server;       // https://host:port, without a path's last slash
  std::string server_name;  // in its certificate, when that is not the host; "" = the host
  std::string proxy;
  // Each of these as text or as a file, which is read again for every request because it may be
  // replaced. Without a CA that of the system is trusted.
  struct Part {
    std::string text;
    std::string file;
    [[nodiscard]] bool empty() const { return text.empty() && file.empty(); }
  };
  Part ca;           // PEM
  Part certificate;  // PEM
  Part key;          // PEM
  Part token;
};

// Reads a kubeconfig (client-go's clientcmd/api/v1, Config). `context` "" = current-context.
// Relative paths in it begin at its folder. Errors: what names a missing cluster or user, a server
// that is not https, insecure-skip-tls-verify, and users that sign in by running a program.
[[nodiscard]] Result<Access> ReadKubeconfig(const std::string& path, const std::string& context);

// What a pod is given: KUBERNETES_SERVICE_HOST and _PORT, and the files below `account`.
[[nodiscard]] Result<Access> InCluster(
    const std::string& account = "/var/run/secrets/kubernetes.io/serviceaccount");

// The named kubeconfig; without a name the pod's account when there is one, else $KUBECONFIG, else
// ~/.kube/config.
[[nodiscard]] Result<Access> FindAccess(const std::string& kubeconfig, const std::string& context);

}  // namespace weft::relay::kube
