package main

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// mutation is a bug an emitter could have, planted in what was emitted: the lab must see it.
type mutation struct {
	name string
	// apply changes one object of a cluster and tells whether there was something to change.
	apply func(object *unstructured.Unstructured, of []*unstructured.Unstructured) bool
}

var mutations = []mutation{
	{"widened-prefix", widenPrefix},
	{"lost-not-principals", loseNotPrincipals},
	{"swapped-tiers", swapTiers},
	{"unknown-field", addUnknownField},
}

func mutate(objects map[string][]*unstructured.Unstructured, name string) error {
	at := slices.IndexFunc(mutations, func(m mutation) bool { return m.name == name })
	if at < 0 {
		return fmt.Errorf("there is no mutation %q", name)
	}
	changed := 0
	for _, cluster := range sortedKeys(objects) {
		for _, object := range objects[cluster] {
			if mutations[at].apply(object, objects[cluster]) {
				changed++
				fmt.Println("mutated", describe(object), "in", cluster)
			}
		}
	}
	if changed == 0 {
		return fmt.Errorf("nothing to mutate by %s", name)
	}
	return nil
}

// walk calls visit for every map inside value.
func walk(value any, visit func(map[string]any)) {
	switch node := value.(type) {
	case map[string]any:
		visit(node)
		for _, key := range sortedKeys(node) {
			walk(node[key], visit)
		}
	case []any:
		for _, inner := range node {
			walk(inner, visit)
		}
	}
}

// widenPrefix takes `under "/a"` for `starts "/a"`.
func widenPrefix(object *unstructured.Unstructured, _ []*unstructured.Unstructured) bool {
	changed := false
	widen := func(text string) string {
		if shorter, ok := strings.CutSuffix(text, "/*"); ok && shorter != "" {
			changed = true
			return shorter + "*"
		}
		return text
	}
	walk(object.Object["spec"], func(fields map[string]any) {
		if object.GetKind() == "AuthorizationPolicy" {
			paths, _ := fields["paths"].([]any)
			for i, path := range paths {
				paths[i] = widen(fmt.Sprint(path))
			}
		}
		prefix, ok := fields["prefix"].(string)
		if ok && object.GetKind() == "VirtualService" && len(prefix) > 1 && strings.HasSuffix(prefix, "/") {
			fields["prefix"] = strings.TrimSuffix(prefix, "/")
			changed = true
		}
	})
	return changed
}

// loseNotPrincipals forgets whom a rule does not mean.
func loseNotPrincipals(object *unstructured.Unstructured, _ []*unstructured.Unstructured) bool {
	changed := false
	walk(object.Object["spec"], func(fields map[string]any) {
		if _, ok := fields["notPrincipals"]; ok {
			delete(fields, "notPrincipals")
			changed = true
		}
	})
	// A source that says nothing else is not written: the rule means anyone.
	walk(object.Object["spec"], func(fields map[string]any) {
		sources, _ := fields["from"].([]any)
		if slices.ContainsFunc(sources, saysNothing) {
			delete(fields, "from")
		}
	})
	return changed
}

func saysNothing(source any) bool {
	fields, _ := source.(map[string]any)
	inner, ok := fields["source"].(map[string]any)
	return ok && len(inner) == 0
}

// swapTiers sends to the other region first.
func swapTiers(object *unstructured.Unstructured, of []*unstructured.Unstructured) bool {
	setting := []string{"spec", "trafficPolicy", "loadBalancer", "localityLbSetting"}
	order, _, _ := unstructured.NestedSlice(object.Object, append(setting, "failoverPriority")...)
	if len(order) == 0 {
		return false
	}
	for _, entry := range of {
		locality, _, _ := unstructured.NestedString(entry.Object, "spec", "locality")
		region, _, _ := strings.Cut(locality, "/")
		if entry.GetKind() != "WorkloadEntry" || region == "" {
			continue
		}
		swapped := map[string]any{"enabled": true, "distribute": []any{
			map[string]any{"from": "*", "to": map[string]any{region + "/*": int64(100)}},
		}}
		return unstructured.SetNestedMap(object.Object, swapped, setting...) == nil
	}
	return false
}

// addUnknownField says something that istiod does not know.
func addUnknownField(object *unstructured.Unstructured, _ []*unstructured.Unstructured) bool {
	return object.GetKind() == "AuthorizationPolicy" &&
		unstructured.SetNestedField(object.Object, true, "spec", "unheardOf") == nil
}
