package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// refusals reports configuration the proxy did not take: its kind, its reason, and the emitted
// objects it comes from.
func (m *mesh) refusals(p *pod) error {
	stats, err := m.admin(p, "/stats?filter=update_rejected")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(stats, "\n") {
		name, count, _ := strings.Cut(line, ": ")
		if count == "" || count == "0" {
			continue
		}
		reason, content := m.refusedBecause(p)
		return fmt.Errorf("%w: %w by Envoy of %s (%s): %s; it comes from\n  %s",
			errHopeless, errRefused, p.id(), name, reason, strings.Join(m.suspects(p, content), "\n  "))
	}
	return nil
}

// refusedBecause is the reason in Envoy's own words, and all it says of what it refused.
func (m *mesh) refusedBecause(p *pod) (reason, content string) {
	dump, err := m.admin(p, "/config_dump")
	if err != nil {
		return err.Error(), ""
	}
	fields := object{}
	if err := json.Unmarshal([]byte(dump), &fields); err != nil {
		return err.Error(), ""
	}
	var reasons, refused []string
	walk(fields, func(node map[string]any) {
		state := asMap(node["error_state"])
		if details, ok := state["details"].(string); ok {
			reasons = append(reasons, details)
			walkTexts(state, func(text string) { refused = append(refused, text) })
		}
	})
	slices.Sort(reasons)
	return strings.Join(slices.Compact(reasons), "; "), strings.Join(refused, "\n")
}

// walkTexts calls visit for every string inside value.
func walkTexts(value any, visit func(string)) {
	switch node := value.(type) {
	case string:
		visit(node)
	case map[string]any:
		for _, key := range sortedKeys(node) {
			visit(key)
			walkTexts(node[key], visit)
		}
	case []any:
		for _, inner := range node {
			walkTexts(inner, visit)
		}
	}
}

// suspects are the objects that refused configuration comes from: those it names, or holds a text
// of. When there are none, all that could have led to it.
func (m *mesh) suspects(p *pod, content string) []string {
	var named, others []string
	for _, object := range m.emitted[p.cluster.name] {
		line := describe(object)
		others = append(others, line)
		if isNamed(object, content) {
			named = append(named, line)
		}
	}
	if len(named) > 0 {
		return named
	}
	return others
}

// isNamed tells whether configuration of a proxy says that it comes from the object. istiod writes
// the names of policies of authorization and of routes into it; the values of an EnvoyFilter stand
// in it as they are, of which the longest is looked for.
func isNamed(object *unstructured.Unstructured, content string) bool {
	ns, name := object.GetNamespace(), object.GetName()
	switch object.GetKind() {
	case "EnvoyFilter":
		longest := ""
		walk(object.Object["spec"], func(fields map[string]any) {
			walkTexts(fields["value"], func(text string) {
				if len(text) > len(longest) && !strings.HasPrefix(text, "type.googleapis.com/") {
					longest = text
				}
			})
		})
		return longest != "" && strings.Contains(content, longest)
	case "AuthorizationPolicy":
		return strings.Contains(content, fmt.Sprintf("ns[%s]-policy[%s]-", ns, name))
	case "VirtualService":
		return strings.Contains(content, fmt.Sprintf("/namespaces/%s/virtual-service/%s\n", ns, name))
	case "DestinationRule":
		return strings.Contains(content, fmt.Sprintf("/namespaces/%s/destination-rule/%s\n", ns, name))
	}
	return false
}

// refusedWithin is how soon a bad object must have ended the run: long before waiting would.
const refusedWithin = 30 * time.Second

// demandRefusal brings the mesh up, which must fail because an object is refused, naming the line of
// the policy it comes from and no other.
func (s *setup) demandRefusal(planted, line string) error {
	begin := time.Now()
	m, _, err := s.prepareWith(planted)
	if err == nil {
		defer func() { _ = m.down() }()
		err = m.up()
	}
	took := time.Since(begin)
	if err == nil {
		return fmt.Errorf("%w: nobody refused %s", errDisagree, line)
	}
	fmt.Fprintln(os.Stderr, "lab:", err)
	switch {
	case !errors.Is(err, errRefused):
		return fmt.Errorf("not the refusal that was expected: %w", err)
	case !strings.Contains(err.Error(), line+": ") || strings.Count(err.Error(), ".weft:") != 1:
		return fmt.Errorf("%w: the refusal should name %s alone", errDisagree, line)
	case took > refusedWithin:
		return fmt.Errorf("%w: the refusal took %s", errDisagree, took)
	}
	fmt.Printf("refused after %.1f s, as it should be\n", took.Seconds())
	return nil
}
