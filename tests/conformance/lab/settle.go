package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
)

// sourceOf is the line of the policy an emitted object comes from.
func sourceOf(object *unstructured.Unstructured) string {
	line := object.GetAnnotations()["weft.dev/source"]
	if line == "" {
		line = "(no source)"
	}
	return line
}

func describe(object *unstructured.Unstructured) string {
	return fmt.Sprintf("%s: %s %s/%s", sourceOf(object), object.GetKind(), object.GetNamespace(), object.GetName())
}

// admit is what Istio's admission webhook says to an object.
func admit(object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	found, ok := collections.PilotGatewayAPI().FindByGroupVersionAliasesKind(resource.FromKubernetesGVK(&kind))
	if !ok {
		return fmt.Errorf("%s: istiod does not read this kind", describe(object))
	}
	asJSON, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	wire := crd.IstioKind{}
	if err := json.Unmarshal(asJSON, &wire); err != nil {
		return fmt.Errorf("%s: %w", describe(object), err)
	}
	strict := func(s resource.Schema, text string) (config.Spec, error) {
		spec, err := s.NewInstance()
		if err != nil {
			return nil, err
		}
		return spec, config.ApplyJSONStrict(spec, text)
	}
	converted, err := crd.ConvertObjectInternal(found, &wire, "cluster.local", strict)
	if err == nil {
		_, err = found.ValidateConfig(*converted)
	}
	if err != nil {
		return fmt.Errorf("%s: %w by istiod: %w", describe(object), errRefused, err)
	}
	return nil
}

func base64Text(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// get reads a page of a namespace's loopback.
func get(space *netspace, address, path string) (string, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return "", err
	}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer{from: space}.dial(ctx, to)
		},
	}}
	response, err := client.Get("http://" + address + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", path, response.StatusCode)
	}
	return string(text), err
}

func (m *mesh) admin(p *pod, path string) (string, error) {
	return get(p.space, "127.0.0.1:15000", path)
}

// poll asks until the answer is nil; the last complaint is returned when the time is over.
func poll(within time.Duration, ask func() error) error {
	end := time.Now().Add(within)
	for {
		err := ask()
		if err == nil || time.Now().After(end) || errors.Is(err, errHopeless) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// errHopeless marks what waiting will not mend.
var errHopeless = errors.New("will not come right")

// errRefused marks an object that istiod or Envoy does not take.
var errRefused = errors.New("refused")

// settle waits until every proxy is live and holds what its istiod sent last, and istiod knows of
// every proxy. A refusal by a proxy fails at once, with the objects it may come from.
func (m *mesh) settle(within time.Duration) error {
	end := time.Now().Add(within)
	for _, c := range m.clusters {
		if err := poll(time.Until(end), func() error { return m.istiodReady(c) }); err != nil {
			return fmt.Errorf("istiod of %s: %w", c.name, err)
		}
	}
	for _, p := range m.pods() {
		if !p.proxied {
			continue
		}
		if err := poll(time.Until(end), func() error { return m.proxyReady(p) }); err != nil {
			return fmt.Errorf("proxy of %s: %w", p.id(), err)
		}
	}
	for _, c := range m.clusters {
		if err := poll(time.Until(end), func() error { return m.synced(c) }); err != nil {
			return fmt.Errorf("istiod of %s: %w", c.name, err)
		}
	}
	return nil
}

func (m *mesh) alive(name string) error {
	running := m.processes[name]
	if running == nil {
		return fmt.Errorf("%w: %s was not started", errHopeless, name)
	}
	select {
	case <-running.ended:
		text, _ := os.ReadFile(running.log)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		return fmt.Errorf("%w: it ended: %s", errHopeless, strings.Join(lines[max(0, len(lines)-5):], "\n"))
	default:
		return nil
	}
}

func (m *mesh) istiodReady(c *cluster) error {
	if err := m.alive("istiod-" + c.name); err != nil {
		return err
	}
	_, err := get(m.network.root, c.debugAddress(8080), "/ready")
	return err
}

func (m *mesh) proxyReady(p *pod) error {
	if err := m.alive("envoy-" + strings.ReplaceAll(p.id(), "/", ".")); err != nil {
		return err
	}
	if err := m.refusals(p); err != nil {
		return err
	}
	state, err := m.admin(p, "/ready")
	if err == nil && !strings.HasPrefix(state, "LIVE") {
		err = errors.New(state)
	}
	return err
}

// synced tells whether every proxy of the cluster acknowledged what it was sent.
func (m *mesh) synced(c *cluster) error {
	text, err := get(m.network.root, c.debugAddress(8080), "/debug/syncz")
	if err != nil {
		return err
	}
	var states []map[string]any
	if err := json.Unmarshal([]byte(text), &states); err != nil {
		return err
	}
	known := map[string]map[string]any{}
	for _, state := range states {
		name, _ := state["proxy"].(string)
		known[name] = state
	}
	for _, p := range c.pods {
		if !p.proxied {
			continue
		}
		state, ok := known[p.name+"."+p.ns]
		if !ok {
			return fmt.Errorf("proxy of %s is not connected", p.id())
		}
		for _, kind := range []string{"cluster", "listener", "route", "endpoint"} {
			if state[kind+"_sent"] != state[kind+"_acked"] {
				return errors.Join(fmt.Errorf("proxy of %s has not taken its %ss", p.id(), kind), m.refusals(p))
			}
		}
	}
	return nil
}
