package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// mesh is the running lab of one example.
type mesh struct {
	dir      string // of logs and generated files
	envoy    string // program
	kube     kubePrograms
	clusters []*cluster
	emitted  map[string][]*unstructured.Unstructured // by cluster
	network  *network
	trust    *authority
	signer   *tokens
	life     time.Duration // of a workload's certificate
	drain    int           // seconds a proxy lets connections live on whose listener changed

	apps      map[string]*application
	secrets   map[string]*sds
	processes map[string]*process
}

type process struct {
	command *exec.Cmd
	log     string
	ended   chan struct{}
}

func newMesh(dir, envoy string, clusters []*cluster) (*mesh, error) {
	trust, err := newAuthority()
	if err != nil {
		return nil, err
	}
	signer, err := newTokens()
	if err != nil {
		return nil, err
	}
	return &mesh{
		dir: dir, envoy: envoy, clusters: clusters, trust: trust, signer: signer, life: 24 * time.Hour, drain: 1,
		apps: map[string]*application{}, secrets: map[string]*sds{}, processes: map[string]*process{},
	}, nil
}

func (m *mesh) cluster(name string) *cluster {
	for _, c := range m.clusters {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (m *mesh) pods() []*pod {
	var all []*pod
	for _, c := range m.clusters {
		all = append(all, c.pods...)
	}
	return all
}

// load reads what weft emitted, one folder for each cluster.
func (m *mesh) load(dir string) error {
	m.emitted = map[string][]*unstructured.Unstructured{}
	for _, c := range m.clusters {
		files, err := filepath.Glob(filepath.Join(dir, c.name, "*", "*.yaml"))
		if err != nil {
			return err
		}
		for _, file := range files {
			objects, err := readObjects(file)
			if err != nil {
				return err
			}
			m.emitted[c.name] = append(m.emitted[c.name], objects...)
		}
		m.markGateways(c)
	}
	return nil
}

// admitAll refuses what istiod would refuse, naming the line of the policy it comes from.
func (m *mesh) admitAll() error {
	for _, object := range m.allEmitted() {
		if err := admit(object); err != nil {
			return err
		}
	}
	return nil
}

// markGateways finds the pods that are gateways: a Gateway selects them.
func (m *mesh) markGateways(c *cluster) {
	for _, object := range slices.Concat(m.emitted[c.name], c.objects) {
		selector, _, _ := unstructured.NestedStringMap(object.Object, "spec", "selector")
		if object.GetKind() != "Gateway" || len(selector) == 0 {
			continue
		}
		for _, p := range c.pods {
			if labels.SelectorFromSet(selector).Matches(labels.Set(p.labels)) {
				p.gateway = true
				p.passes = p.passes || strings.Contains(asText(object.Object["spec"]), "AUTO_PASSTHROUGH")
			}
		}
	}
}

// up starts everything and returns when every proxy runs with what its istiod knows.
func (m *mesh) up() error {
	var err error
	if m.network, err = newNetwork(); err != nil {
		return err
	}
	if err := m.wire(); err != nil {
		return err
	}
	if err := m.serveOutside(); err != nil {
		return err
	}
	if err := m.openStores(); err != nil {
		return err
	}
	for _, c := range m.clusters {
		if err := m.startIstiod(c); err != nil {
			return err
		}
	}
	for _, p := range m.pods() {
		if err := m.startPod(p); err != nil {
			return err
		}
	}
	return m.settle(60 * time.Second)
}

func (m *mesh) wire() error {
	for _, c := range m.clusters {
		if err := addAddress(m.network.links, "lo", c.address); err != nil {
			return err
		}
		for i, p := range c.pods {
			space, err := m.network.addNamespace(p.id(), fmt.Sprintf("%s%d", c.cable(), i), p.address)
			if err != nil {
				return err
			}
			p.space = space
			if p.proxied && !p.gateway {
				if err := restore(space, redirection); err != nil {
					return err
				}
			}
		}
	}
	return restore(m.network.root, serviceRules(m.clusters))
}

// ---- the world outside: sites of token issuers, external services, names

func (m *mesh) serveOutside() error {
	names := map[string]netip.Addr{}
	var issuers []string
	for _, object := range m.allEmitted() {
		switch object.GetKind() {
		case "RequestAuthentication":
			issuers = append(issuers, m.pointAtLab(object)...)
		case "ServiceEntry":
			hosts, _, _ := unstructured.NestedStringSlice(object.Object, "spec", "hosts")
			addresses, _, _ := unstructured.NestedStringSlice(object.Object, "spec", "addresses")
			for _, host := range hosts {
				if len(addresses) > 0 {
					names[host], _ = netip.ParseAddr(addresses[0])
				}
			}
			location, _, _ := unstructured.NestedString(object.Object, "spec", "location")
			if location == "MESH_EXTERNAL" {
				if err := m.startExternal(object, hosts, names); err != nil {
					return err
				}
			}
		}
	}
	for _, host := range issuers {
		names[host] = netip.MustParseAddr("127.0.0.1")
	}
	for _, c := range m.clusters {
		for _, s := range c.services {
			if s.address.IsValid() {
				names[s.name+"."+s.ns] = s.address
				names[s.name+"."+s.ns+".svc.cluster.local"] = s.address
			}
		}
	}
	m.network.hosts = names
	if err := writeHosts(hostsFile, names); err != nil {
		return err
	}
	if len(issuers) == 0 {
		return nil
	}
	return serveKeys(m.network.root, m.signer, m.trust, issuers)
}

func (m *mesh) allEmitted() []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, c := range m.clusters {
		all = append(all, m.emitted[c.name]...)
	}
	return all
}

// pointAtLab makes the lab's key the one of every issuer: key sets that a policy holds itself are
// replaced, for the private key is not ours; those that istiod fetches are served by the lab. It
// returns the hosts of the latter.
func (m *mesh) pointAtLab(object *unstructured.Unstructured) []string {
	var hosts []string
	rules, _, _ := unstructured.NestedSlice(object.Object, "spec", "jwtRules")
	for _, rule := range rules {
		fields := asMap(rule)
		if _, held := fields["jwks"]; held {
			fields["jwks"] = m.signer.keySet()
		}
		uri, _ := fields["jwksUri"].(string)
		if at, err := url.Parse(uri); err == nil && uri != "" {
			hosts = append(hosts, at.Hostname())
		}
	}
	if len(rules) > 0 {
		_ = unstructured.SetNestedSlice(object.Object, rules, "spec", "jwtRules")
	}
	return hosts
}

// startExternal answers for an external service, at its addresses or at one the lab gives it.
func (m *mesh) startExternal(entry *unstructured.Unstructured, hosts []string, names map[string]netip.Addr) error {
	var ports []int
	entries, _, _ := unstructured.NestedSlice(entry.Object, "spec", "ports")
	for _, port := range entries {
		number, _, _ := unstructured.NestedInt64(asMap(port), "number")
		target, found, _ := unstructured.NestedInt64(asMap(port), "targetPort")
		if found {
			number = target
		}
		ports = append(ports, int(number))
	}
	id := "external/" + entry.GetName()
	if _, running := m.apps[id]; running {
		return nil // the same one, emitted for another cluster
	}
	var addresses []netip.Addr
	endpoints, _, _ := unstructured.NestedSlice(entry.Object, "spec", "endpoints")
	for _, endpoint := range endpoints {
		text, _ := asMap(endpoint)["address"].(string)
		if address, err := netip.ParseAddr(text); err == nil {
			addresses = append(addresses, address)
		}
	}
	own := netip.AddrFrom4([4]byte{198, 18, 0, byte(1 + len(m.apps)%250)})
	for _, host := range hosts {
		if given, ok := names[host]; ok {
			addresses = append(addresses, given)
		} else if !strings.HasPrefix(host, "*") {
			names[host] = own
		}
	}
	for _, address := range append(addresses, own) {
		if err := m.network.assumeOutside(address); err != nil {
			return err
		}
	}
	app, err := startApplication(id, m.network.outside, ports, m.trust)
	m.apps[id] = app
	return err
}

// ---- istiod

func (m *mesh) startIstiod(c *cluster) error {
	dir := filepath.Join(m.dir, c.name)
	pair, err := m.trust.issue("", []string{"istiod"}, 24*time.Hour)
	if err != nil {
		return err
	}
	mesh, err := c.meshConfiguration()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"istiod.crt": pair.chain, "istiod.key": pair.key, "istiod.root": m.trust.rootPEM, "mesh.yaml": mesh,
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	if err := m.fillStore(c); err != nil {
		return err
	}
	arguments := append([]string{"istiod", "--cluster", c.name, "--mesh", filepath.Join(dir, "mesh.yaml"),
		"--http", c.debugAddress(8080), "--monitoring", c.debugAddress(15014),
		"--xds", c.address.String() + ":15012", "--tls", filepath.Join(dir, "istiod")}, c.api.flags()...)
	command := exec.Command("/proc/self/exe", arguments...)
	command.Env = append(os.Environ(), istiodEnvironment...)
	// istiod fetches key sets of token issuers, which the lab serves under its own root.
	command.Env = append(command.Env, "CLUSTER_ID="+c.name, "SSL_CERT_FILE="+filepath.Join(dir, "istiod.root"))
	return m.start("istiod-"+c.name, m.network.root, command)
}

// openStores gives every cluster its API; real ones start side by side.
func (m *mesh) openStores() error {
	problems := make([]error, len(m.clusters))
	var group sync.WaitGroup
	for i, c := range m.clusters {
		if !m.kube.given() {
			c.api = files{filepath.Join(m.dir, c.name, "api")}
			continue
		}
		group.Go(func() { c.api, problems[i] = m.startKube(c) })
	}
	group.Wait()
	return errors.Join(problems...)
}

// fillStore puts everything a cluster holds into its API.
func (m *mesh) fillStore(c *cluster) error {
	if err := m.fillSecrets(c); err != nil {
		return err
	}
	if err := c.api.show(inventorySet, c.objects); err != nil {
		return err
	}
	own := []*unstructured.Unstructured{protocolNames()}
	if m.kube.given() {
		own = append(own, c.mayReadSecrets()...)
	}
	if err := c.api.show(labSet, own); err != nil {
		return err
	}
	return m.apply(c)
}

// apply shows istiod the emitted objects as they are now.
func (m *mesh) apply(c *cluster) error { return c.api.show(emittedSet, m.emitted[c.name]) }

func (c *cluster) debugAddress(port int) string {
	return fmt.Sprintf("127.0.0.1:%d", port+100*c.index)
}

// meshConfiguration is that of the inventory's ConfigMap `istio`, with what the lab needs.
func (c *cluster) meshConfiguration() ([]byte, error) {
	settings := object{}
	for _, found := range c.of("ConfigMap") {
		if found.GetName() == "istio" && found.GetNamespace() == "istio-system" {
			text, _, _ := unstructured.NestedString(found.Object, "data", "mesh")
			if err := yaml.Unmarshal([]byte(text), &settings); err != nil {
				return nil, fmt.Errorf("ConfigMap istio of %s: %w", c.name, err)
			}
		}
	}
	settings["trustDomain"] = c.trust
	settings["rootNamespace"] = "istio-system"
	settings["enablePrometheusMerge"] = false
	settings["defaultProviders"] = object{"metrics": []any{}, "accessLogging": []any{}, "tracing": []any{}}
	settings["accessLogFile"] = "/dev/stdout"
	settings["defaultConfig"] = object{"discoveryAddress": "istiod:15012"}
	return yaml.Marshal(settings)
}

// addSecrets adds those that gateways show certificates from and the dump does not have.
func (m *mesh) addSecrets(c *cluster) {
	has := func(ns, name string) bool {
		return slices.ContainsFunc(c.of("Secret"), func(s *unstructured.Unstructured) bool {
			return s.GetNamespace() == ns && s.GetName() == name
		})
	}
	for _, gateway := range m.emitted[c.name] {
		servers, _, _ := unstructured.NestedSlice(gateway.Object, "spec", "servers")
		for _, server := range servers {
			name, _, _ := unstructured.NestedString(asMap(server), "tls", "credentialName")
			if name == "" || has(gateway.GetNamespace(), name) {
				continue
			}
			made := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}}
			made.SetName(name)
			made.SetNamespace(gateway.GetNamespace())
			c.objects = append(c.objects, made)
		}
	}
}

// fillSecrets gives TLS Secrets, whose content no dump holds, a key pair.
func (m *mesh) fillSecrets(c *cluster) error {
	m.addSecrets(c)
	for _, secret := range c.of("Secret") {
		if _, filled, _ := unstructured.NestedMap(secret.Object, "data"); filled {
			continue
		}
		pair, err := m.trust.issue("", []string{secret.GetName()}, 24*time.Hour)
		if err != nil {
			return err
		}
		content := map[string]string{
			"tls.crt": string(pair.chain), "tls.key": string(pair.key), "ca.crt": string(m.trust.rootPEM),
		}
		encoded := map[string]any{}
		for name, text := range content {
			encoded[name] = base64Text(text)
		}
		if err := unstructured.SetNestedMap(secret.Object, encoded, "data"); err != nil {
			return err
		}
	}
	return nil
}

// ---- pods

func (m *mesh) startPod(p *pod) error {
	if !p.gateway {
		app, err := startApplication(p.id(), p.space, p.ports, m.trust)
		if err != nil {
			return err
		}
		m.apps[p.id()] = app
	}
	if !p.proxied {
		return nil
	}
	return m.startProxy(p)
}

func (m *mesh) startProxy(p *pod) error {
	name := strings.ReplaceAll(p.id(), "/", ".")
	socket := filepath.Join(scratch, name+".sock")
	if m.secrets[p.id()] == nil {
		m.secrets[p.id()] = &sds{authority: m.trust, identity: p.identity(), life: m.life}
		if _, err := m.secrets[p.id()].serve(socket); err != nil {
			return err
		}
	}
	configuration := filepath.Join(scratch, name+".json")
	if err := writeJSON(configuration, bootstrapOf(p, socket)); err != nil {
		return err
	}
	command := exec.Command(m.envoy, "-c", configuration, "--disable-hot-restart", "--concurrency", "1",
		"--log-level", "warning", "--drain-time-s", strconv.Itoa(m.drain), "--local-address-ip-version", "v4")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: proxyUser, Gid: proxyUser}}
	return m.start("envoy-"+name, p.space, command)
}

// start starts a process whose output goes to a log of its name.
func (m *mesh) start(name string, space *netspace, command *exec.Cmd) error {
	file := filepath.Join(m.dir, "log", name+".log")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	output, err := os.Create(file)
	if err != nil {
		return err
	}
	defer output.Close()
	if attributes := command.SysProcAttr; attributes != nil && attributes.Credential != nil {
		// Envoy opens /dev/stdout again by its name, as its own user.
		if err := output.Chown(int(attributes.Credential.Uid), -1); err != nil {
			return err
		}
	}
	command.Stdout, command.Stderr = output, output
	if err := space.start(command); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	started := &process{command, file, make(chan struct{})}
	m.processes[name] = started
	go func() {
		_ = command.Wait()
		close(started.ended)
	}()
	return nil
}

// kill ends a process at once.
func (m *mesh) kill(name string) error {
	running, ok := m.processes[name]
	if !ok {
		return errors.New("nothing runs under the name " + name)
	}
	delete(m.processes, name)
	if err := running.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-running.ended
	return nil
}

// down ends everything that was started.
func (m *mesh) down() error {
	var err error
	for name := range m.processes {
		err = errors.Join(err, m.kill(name))
	}
	for _, app := range m.apps {
		err = errors.Join(err, app.stop())
	}
	return err
}
