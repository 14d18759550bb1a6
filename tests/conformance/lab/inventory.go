package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	kubejson "k8s.io/apimachinery/pkg/util/json"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// cluster is one cluster of the inventory, with the pods that stand for its workloads.
type cluster struct {
	name     string
	index    int
	network  string
	trust    string
	objects  []*unstructured.Unstructured // of the inventory, completed by what a cluster would add
	pods     []*pod
	services []*service
	address  netip.Addr // where its istiod listens
	api      store      // what its istiod reads
}

// pod is the one instance of a workload.
type pod struct {
	cluster      *cluster
	ns           string
	name         string
	workload     string
	account      string
	labels       map[string]string
	region, zone string
	node         string
	address      netip.Addr
	ports        []int          // where the application listens
	portNames    map[string]int // named container ports
	proxied      bool
	ready        bool
	gateway      bool // the proxy is all there is
	passes       bool // a gateway for other networks
	space        *netspace
}

// id names the pod in the whole mesh.
func (p *pod) id() string { return p.cluster.name + "/" + p.ns + "/" + p.workload }

func (p *pod) identity() string {
	return fmt.Sprintf("spiffe://%s/ns/%s/sa/%s", p.cluster.trust, p.ns, p.account)
}

type servicePort struct {
	number int
	to     string // targetPort: a number, a name or ""
	name   string
}

// target is the pod's port behind the service port.
func (s servicePort) target(p *pod) int {
	number := 0
	if _, err := fmt.Sscanf(s.to, "%d", &number); err == nil && number > 0 {
		return number
	}
	if named, ok := p.portNames[s.to]; ok {
		return named
	}
	return s.number
}

type service struct {
	ns, name  string
	address   netip.Addr // none: headless
	balancers []netip.Addr
	ports     []servicePort
	pods      []*pod
}

// readInventory reads a folder of dumps, one file for each cluster, and completes each with what the
// cluster itself would have: addresses of Services, and one Pod for every workload that has none.
func readInventory(dir string) ([]*cluster, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no inventory", dir)
	}
	var clusters []*cluster
	for i, file := range files {
		objects, err := readObjects(file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		here := &cluster{
			name: name, index: i, network: name, trust: name, objects: objects,
			address: netip.AddrFrom4([4]byte{10, byte(100 + i), 0, 1}),
		}
		here.complete()
		clusters = append(clusters, here)
	}
	return clusters, nil
}

// cable is what the names of the cables of its pods begin with.
func (c *cluster) cable() string { return fmt.Sprintf("c%dp", c.index) }

func (c *cluster) complete() {
	for _, object := range c.of("Namespace") {
		if network := object.GetLabels()["topology.istio.io/network"]; network != "" {
			c.network = network
		}
	}
	c.addBareGateways()
	c.makePods()
	for i, object := range c.of("Service") {
		c.services = append(c.services, c.completeService(object, i))
	}
	for _, p := range c.pods {
		slices.Sort(p.ports)
		p.ports = slices.Compact(p.ports)
		c.objects = append(c.objects, p.object())
	}
}

func (c *cluster) of(kind string) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, object := range c.objects {
		if object.GetKind() == kind {
			found = append(found, object)
		}
	}
	return found
}

// makePods makes one pod for every workload that should run, and keeps bare Pods. The Pods of a
// dump are replaced by those that really run here.
func (c *cluster) makePods() {
	var kept []*unstructured.Unstructured
	var dumped []*unstructured.Unstructured
	for _, object := range c.objects {
		switch object.GetKind() {
		case "Pod":
			dumped = append(dumped, object)
		case "Endpoints", "EndpointSlice", "ReplicaSet":
		default:
			kept = append(kept, object)
		}
	}
	c.objects = kept
	owned := map[string]bool{}
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet"} {
		for _, object := range c.of(kind) {
			if p := c.podOf(object, dumped, owned); p != nil {
				c.pods = append(c.pods, p)
			}
		}
	}
	for _, object := range dumped {
		if !owned[object.GetNamespace()+"/"+object.GetName()] {
			c.pods = append(c.pods, c.newPod(object, object.GetNamespace(), object.GetName()))
		}
	}
	slices.SortFunc(c.pods, func(a, b *pod) int { return strings.Compare(a.ns+"/"+a.workload, b.ns+"/"+b.workload) })
	nodes := c.of("Node")
	for i, p := range c.pods {
		p.address = netip.AddrFrom4([4]byte{10, byte(100 + c.index), byte(1 + i/200), byte(1 + i%200)})
		if p.node == "" && len(nodes) > 0 {
			p.node = nodes[i%len(nodes)].GetName()
		}
		for _, node := range nodes {
			if node.GetName() == p.node {
				p.region = node.GetLabels()["topology.kubernetes.io/region"]
				p.zone = node.GetLabels()["topology.kubernetes.io/zone"]
			}
		}
		p.proxied = c.injects(p)
	}
}

// addBareGateways adds a Deployment for every Service of type LoadBalancer that selects nothing: dumps
// often leave out what was installed as a part of the platform.
func (c *cluster) addBareGateways() {
	for _, service := range c.of("Service") {
		kind, _, _ := unstructured.NestedString(service.Object, "spec", "type")
		selector, _, _ := unstructured.NestedStringMap(service.Object, "spec", "selector")
		if kind != "LoadBalancer" || len(selector) == 0 || c.runs(service.GetNamespace(), selector) {
			continue
		}
		account := "default"
		for _, known := range c.of("ServiceAccount") {
			if known.GetNamespace() == service.GetNamespace() && strings.HasPrefix(known.GetName(), service.GetName()) {
				account = known.GetName()
			}
		}
		set := map[string]any{}
		for name, value := range selector {
			set[name] = value
		}
		template := maps.Clone(set)
		template["sidecar.istio.io/inject"] = "true"
		made := &unstructured.Unstructured{Object: object{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"spec": object{
				"selector": object{"matchLabels": set},
				"template": object{
					"metadata": object{"labels": template},
					"spec": object{
						"serviceAccountName": account,
						"containers":         []any{object{"name": "istio-proxy", "image": "auto"}},
					},
				},
			},
		}}
		made.SetName(service.GetName())
		made.SetNamespace(service.GetNamespace())
		c.objects = append(c.objects, made)
	}
}

// runs tells whether something of the dump has the labels.
func (c *cluster) runs(ns string, selector map[string]string) bool {
	wanted := labels.SelectorFromSet(selector)
	return slices.ContainsFunc(c.objects, func(held *unstructured.Unstructured) bool {
		set := held.GetLabels()
		if held.GetKind() != "Pod" {
			set, _, _ = unstructured.NestedStringMap(held.Object, "spec", "template", "metadata", "labels")
		}
		return held.GetNamespace() == ns && len(set) > 0 && wanted.Matches(labels.Set(set))
	})
}

// podOf returns the pod of a workload; nil when it should run none. The first of its Pods in the
// dump says on which node it is.
func (c *cluster) podOf(workload *unstructured.Unstructured, dumped []*unstructured.Unstructured, owned map[string]bool) *pod {
	content, _, _ := unstructured.NestedMap(workload.Object, "spec", "template")
	template := &unstructured.Unstructured{Object: content}
	wanted, _, _ := unstructured.NestedStringMap(workload.Object, "spec", "selector", "matchLabels")
	replicas, limited, _ := unstructured.NestedInt64(workload.Object, "spec", "replicas")
	made := c.newPod(template, workload.GetNamespace(), workload.GetName())
	for _, object := range dumped {
		key := object.GetNamespace() + "/" + object.GetName()
		if len(wanted) == 0 || object.GetNamespace() != made.ns || owned[key] ||
			!labels.SelectorFromSet(wanted).Matches(labels.Set(object.GetLabels())) {
			continue
		}
		owned[key] = true
		if made.node == "" {
			made.node, _, _ = unstructured.NestedString(object.Object, "spec", "nodeName")
		}
	}
	if limited && replicas == 0 {
		return nil
	}
	return made
}

func (c *cluster) newPod(template *unstructured.Unstructured, ns, workload string) *pod {
	made := &pod{
		cluster: c, ns: ns, name: workload + "-0", workload: workload,
		labels: template.GetLabels(), portNames: map[string]int{}, ready: true,
	}
	made.account, _, _ = unstructured.NestedString(template.Object, "spec", "serviceAccountName")
	if made.account == "" {
		made.account = "default"
	}
	made.node, _, _ = unstructured.NestedString(template.Object, "spec", "nodeName")
	hostNetwork, _, _ := unstructured.NestedBool(template.Object, "spec", "hostNetwork")
	refused := template.GetLabels()["sidecar.istio.io/inject"] == "false" ||
		template.GetAnnotations()["sidecar.istio.io/inject"] == "false"
	made.proxied = !hostNetwork && !refused
	made.gateway = template.GetAnnotations()["inject.istio.io/templates"] == "gateway"
	containers, _, _ := unstructured.NestedSlice(template.Object, "spec", "containers")
	for _, container := range containers {
		ports, _, _ := unstructured.NestedSlice(asMap(container), "ports")
		for _, entry := range ports {
			number, _, _ := unstructured.NestedInt64(asMap(entry), "containerPort")
			name, _, _ := unstructured.NestedString(asMap(entry), "name")
			made.ports = append(made.ports, int(number))
			made.portNames[name] = int(number)
		}
	}
	delete(made.portNames, "")
	return made
}

func asMap(value any) map[string]any {
	fields, _ := value.(map[string]any)
	return fields
}

// injects tells whether the injector gives the pod a proxy, from the labels of the pod and of its
// namespace. A dump without any label of the injector is taken as all in the mesh.
func (c *cluster) injects(p *pod) bool {
	if !p.proxied {
		return false
	}
	opts := func(set map[string]string) bool {
		_, revision := set["istio.io/rev"]
		return revision || set["sidecar.istio.io/inject"] == "true"
	}
	if opts(p.labels) {
		return true
	}
	informed, injected := false, false
	for _, object := range c.of("Namespace") {
		set := object.GetLabels()
		_, revision := set["istio.io/rev"]
		_, injection := set["istio-injection"]
		informed = informed || revision || injection
		if object.GetName() == p.ns {
			injected = revision || set["istio-injection"] == "enabled"
		}
	}
	if informed {
		return injected
	}
	return !slices.ContainsFunc(c.pods, func(other *pod) bool { return other.ns == p.ns && opts(other.labels) })
}

// completeService gives a Service the address and the defaults the cluster would have given it.
func (c *cluster) completeService(object *unstructured.Unstructured, index int) *service {
	made := &service{ns: object.GetNamespace(), name: object.GetName()}
	address, _, _ := unstructured.NestedString(object.Object, "spec", "clusterIP")
	if address == "" {
		address = fmt.Sprintf("10.%d.%d.%d", 200+c.index, 1+index/200, 1+index%200)
		_ = unstructured.SetNestedField(object.Object, address, "spec", "clusterIP")
	}
	made.address, _ = netip.ParseAddr(address)
	balancers, _, _ := unstructured.NestedSlice(object.Object, "status", "loadBalancer", "ingress")
	for _, entry := range balancers {
		text, _, _ := unstructured.NestedString(asMap(entry), "ip")
		if balancer, err := netip.ParseAddr(text); err == nil {
			made.balancers = append(made.balancers, balancer)
		}
	}
	ports, _, _ := unstructured.NestedSlice(object.Object, "spec", "ports")
	for _, entry := range ports {
		number, _, _ := unstructured.NestedInt64(asMap(entry), "port")
		name, _, _ := unstructured.NestedString(asMap(entry), "name")
		if _, said := asMap(entry)["targetPort"]; !said {
			asMap(entry)["targetPort"] = number
		}
		if _, said := asMap(entry)["protocol"]; !said {
			asMap(entry)["protocol"] = "TCP"
		}
		made.ports = append(made.ports, servicePort{int(number), fmt.Sprint(asMap(entry)["targetPort"]), name})
	}
	_ = unstructured.SetNestedSlice(object.Object, ports, "spec", "ports")
	selector, _, _ := unstructured.NestedStringMap(object.Object, "spec", "selector")
	if len(selector) == 0 {
		return made
	}
	for _, p := range c.pods {
		if p.ns != made.ns || !labels.SelectorFromSet(selector).Matches(labels.Set(p.labels)) {
			continue
		}
		made.pods = append(made.pods, p)
		for _, port := range made.ports {
			p.ports = append(p.ports, port.target(p))
		}
	}
	return made
}

// object is the Pod as the cluster's API shows it.
func (p *pod) object() *unstructured.Unstructured {
	set := maps.Clone(p.labels)
	if set == nil {
		set = map[string]string{}
	}
	if p.proxied {
		set["security.istio.io/tlsMode"] = "istio" // the injector's
	}
	var ports []any
	for _, port := range p.ports {
		entry := map[string]any{"containerPort": int64(port)}
		for name, number := range p.portNames {
			if number == port {
				entry["name"] = name
			}
		}
		ports = append(ports, entry)
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"spec": map[string]any{
			"serviceAccountName": p.account,
			"containers":         []any{map[string]any{"name": "app", "image": "lab", "ports": ports}},
		},
		"status": map[string]any{
			"phase": "Running", "podIP": p.address.String(),
			"podIPs":     []any{map[string]any{"ip": p.address.String()}},
			"conditions": []any{map[string]any{"type": "Ready", "status": conditionOf(p.ready)}},
		},
	}}
	if p.node != "" {
		_ = unstructured.SetNestedField(object.Object, p.node, "spec", "nodeName")
	}
	object.SetName(p.name)
	object.SetNamespace(p.ns)
	object.SetLabels(set)
	return object
}

func conditionOf(holds bool) string {
	if holds {
		return "True"
	}
	return "False"
}

// ---- YAML

// readObjects returns the Kubernetes objects of a file; a List counts as its items.
func readObjects(file string) ([]*unstructured.Unstructured, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	reader := kubeyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		asJSON, err := yaml.YAMLToJSONStrict(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		fields := map[string]any{}
		if bytes.Equal(bytes.TrimSpace(asJSON), []byte("null")) {
			continue
		}
		if err := kubejson.Unmarshal(asJSON, &fields); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		object := &unstructured.Unstructured{Object: fields}
		if !object.IsList() {
			objects = append(objects, object)
			continue
		}
		list, err := object.ToList()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	}
}

// writeObjects writes objects as one stream of documents, by rename, so that a reader sees all of
// the old or all of the new.
func writeObjects(file string, objects []*unstructured.Unstructured) error {
	var stream bytes.Buffer
	for _, object := range objects {
		text, err := json.Marshal(object.Object)
		if err != nil {
			return err
		}
		fmt.Fprintf(&stream, "---\n%s\n", text)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", stream.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
