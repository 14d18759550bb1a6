package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"istio.io/istio/manifests"
)

// kubePrograms are Kubernetes' own API server and the etcd it keeps its objects in.
type kubePrograms struct{ apiserver, etcd string }

func (k kubePrograms) given() bool { return k.apiserver != "" && k.etcd != "" }

// kubeStartsWithin bounds how long an API server may take until it is ready, on a busy machine.
const kubeStartsWithin = 2 * time.Minute

// kubeServer is a real API server. No controllers of Kubernetes run beside it: pods are the lab's, and
// so are the EndpointSlices.
type kubeServer struct {
	kubeconfig string
	discovery  discovery.DiscoveryInterface
	mapper     *restmapper.DeferredDiscoveryRESTMapper
	client     dynamic.Interface
	shown      map[string]map[kubeKey][]byte // by set
}

func (k *kubeServer) flags() []string { return []string{"--kubeconfig", k.kubeconfig} }

// kubePort is a port of the cluster's on loopback and on its own address.
func (c *cluster) kubePort(port int) int { return port + 100*c.index }

// startKube starts etcd and the API server of a cluster and returns when it serves Istio's kinds.
func (m *mesh) startKube(c *cluster) (*kubeServer, error) {
	dir := filepath.Join(m.dir, c.name, "kube")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	token, err := m.writeKubeFiles(dir)
	if err != nil {
		return nil, err
	}
	server := fmt.Sprintf("https://%s:6443", c.address)
	if err := m.startEtcd(c); err != nil {
		return nil, err
	}
	if err := m.startAPIServer(c, dir); err != nil {
		return nil, err
	}
	made := &kubeServer{kubeconfig: filepath.Join(dir, "kubeconfig"), shown: map[string]map[kubeKey][]byte{}}
	if err := writeKubeconfig(made.kubeconfig, server, token, m.trust.rootPEM); err != nil {
		return nil, err
	}
	if err := made.connect(); err != nil {
		return nil, err
	}
	if err := poll(kubeStartsWithin, func() error { return m.kubeReady(c, made) }); err != nil {
		return nil, fmt.Errorf("API server of %s: %w", c.name, err)
	}
	return made, made.installKinds()
}

// kubeName is the name in the certificate of every API server.
const kubeName = "kubernetes.default.svc"

// writeKubeFiles writes the keys of an API server and returns the token of its administrator.
func (m *mesh) writeKubeFiles(dir string) (string, error) {
	pair, err := m.trust.issue("", []string{kubeName}, 24*time.Hour)
	if err != nil {
		return "", err
	}
	accounts, err := m.trust.issue("", []string{"service-accounts"}, 24*time.Hour)
	if err != nil {
		return "", err
	}
	token := rand.Text()
	content := map[string][]byte{
		"server.crt": pair.chain, "server.key": pair.key, "accounts.key": accounts.key,
		"tokens.csv": fmt.Appendf(nil, "%s,lab,1,\"system:masters\"\n", token),
	}
	for name, text := range content {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return "", err
		}
	}
	return token, nil
}

func writeKubeconfig(file, server, token string, root []byte) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["lab"] = &clientcmdapi.Cluster{Server: server, TLSServerName: kubeName, CertificateAuthorityData: root}
	config.AuthInfos["lab"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: "lab"}
	config.CurrentContext = "lab"
	return clientcmd.WriteToFile(*config, file)
}

// startEtcd keeps its data in memory: they go with the lab.
func (m *mesh) startEtcd(c *cluster) error {
	client := fmt.Sprintf("http://127.0.0.1:%d", c.kubePort(2379))
	peer := fmt.Sprintf("http://127.0.0.1:%d", c.kubePort(2380))
	command := exec.Command(m.kube.etcd, "--data-dir", filepath.Join(scratch, c.name+".etcd"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer,
		// As kubeadm sets it: watches learn that nothing happened.
		"--experimental-watch-progress-notify-interval", "5s",
		"--unsafe-no-fsync", "--log-level", "warn")
	return m.start("etcd-"+c.name, m.network.root, command)
}

func (m *mesh) startAPIServer(c *cluster, dir string) error {
	services, err := c.serviceRange()
	if err != nil {
		return err
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	command := exec.Command(m.kube.apiserver,
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", c.kubePort(2379)),
		"--bind-address="+c.address.String(), "--advertise-address="+c.address.String(), "--secure-port=6443",
		"--tls-cert-file="+file("server.crt"), "--tls-private-key-file="+file("server.key"),
		"--token-auth-file="+file("tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://"+kubeName,
		"--service-account-key-file="+file("accounts.key"), "--service-account-signing-key-file="+file("accounts.key"),
		"--service-cluster-ip-range="+services.String(),
		"--endpoint-reconciler-type=none",
		// Nobody makes the default service accounts it would ask for.
		"--disable-admission-plugins=ServiceAccount")
	return m.start("apiserver-"+c.name, m.network.root, command)
}

// serviceRange is the smallest block that holds the addresses of all Services of a cluster, and before
// them the one the API server takes for itself.
func (c *cluster) serviceRange() (netip.Prefix, error) {
	for bits := 24; bits >= 12; bits-- { // wider ones are refused
		if block, ok := c.blockOf(bits); ok {
			return block, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("the addresses of the Services of %s fit no block an API server takes", c.name)
}

func (c *cluster) blockOf(bits int) (block netip.Prefix, ok bool) {
	for _, s := range c.services {
		if !s.address.IsValid() {
			continue
		}
		if !block.IsValid() {
			block = netip.PrefixFrom(s.address, bits).Masked()
		}
		if !block.Contains(s.address) || s.address == block.Addr().Next() {
			return block, false
		}
	}
	if !block.IsValid() {
		block = netip.MustParsePrefix("10.96.0.0/16")
	}
	return block, true
}

func (k *kubeServer) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", k.kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 500, 1000
	config.Timeout = 30 * time.Second
	config.WarningHandler = rest.NoWarnings{}
	if k.client, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	k.discovery = client
	k.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	return nil
}

func (m *mesh) kubeReady(c *cluster, k *kubeServer) error {
	for _, name := range []string{"etcd-", "apiserver-"} {
		if err := m.alive(name + c.name); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	text, err := k.discovery.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}

// installKinds gives the API server the CRDs of Istio's own chart and waits until it serves them.
func (k *kubeServer) installKinds() error {
	content, err := manifests.FS.ReadFile("charts/base/files/crd-all.gen.yaml")
	if err != nil {
		return err
	}
	decoder := kubeyaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 1<<16)
	var all []*unstructured.Unstructured
	for {
		definition := &unstructured.Unstructured{}
		err := decoder.Decode(definition)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if definition.GetKind() == "CustomResourceDefinition" {
			all = append(all, definition)
		}
	}
	if err := k.show("kinds", all); err != nil {
		return err
	}
	for _, definition := range all {
		if err := poll(time.Minute, func() error { return k.serves(definition) }); err != nil {
			return err
		}
	}
	k.mapper.Reset()
	return nil
}

// serves tells whether the API server serves every version of a kind that its definition names.
func (k *kubeServer) serves(definition *unstructured.Unstructured) error {
	group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(definition.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	for _, version := range versions {
		if served, _, _ := unstructured.NestedBool(asMap(version), "served"); !served {
			continue
		}
		name, _, _ := unstructured.NestedString(asMap(version), "name")
		list, err := k.discovery.ServerResourcesForGroupVersion(group + "/" + name)
		if err != nil {
			return fmt.Errorf("%s is not served: %w", definition.GetName(), err)
		}
		found := false
		for _, resource := range list.APIResources {
			found = found || resource.Name == plural
		}
		if !found {
			return fmt.Errorf("%s is not served in version %s", definition.GetName(), name)
		}
	}
	return nil
}

// mayReadSecrets lets gateways read Secrets of their namespace, as Istio's chart of a gateway does.
func (c *cluster) mayReadSecrets() []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, p := range c.pods {
		if !p.gateway {
			continue
		}
		name := p.workload + "-sds"
		role := &unstructured.Unstructured{Object: object{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
			"rules": []any{object{
				"apiGroups": []any{""}, "resources": []any{"secrets"}, "verbs": []any{"get", "watch", "list"},
			}},
		}}
		binding := &unstructured.Unstructured{Object: object{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
			"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
			"subjects": []any{object{"kind": "ServiceAccount", "name": p.account, "namespace": p.ns}},
		}}
		for _, made := range []*unstructured.Unstructured{role, binding} {
			made.SetName(name)
			made.SetNamespace(p.ns)
			all = append(all, made)
		}
	}
	return all
}

// missingNamespaces are those that objects are in, and istiod's own, where the inventory does not hold
// them.
func missingNamespaces(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	names := map[string]bool{"istio-system": true}
	for _, held := range objects {
		names[held.GetNamespace()] = true
	}
	for _, held := range objects {
		if held.GetKind() == "Namespace" {
			delete(names, held.GetName())
		}
	}
	delete(names, "")
	delete(names, corev1.NamespaceDefault)
	var missing []*unstructured.Unstructured
	for _, name := range sortedKeys(names) {
		made := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "Namespace"}}
		made.SetName(name)
		missing = append(missing, made)
	}
	return missing
}
