package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// kubeKey names an object of an API server.
type kubeKey struct {
	kind     schema.GroupVersionKind
	ns, name string
}

// show applies what has changed of a set, and deletes what is no longer in it.
func (k *kubeServer) show(set string, objects []*unstructured.Unstructured) error {
	if set == inventorySet {
		completed, err := completeForKube(objects)
		if err != nil {
			return err
		}
		objects = completed
	}
	before, now := k.shown[set], map[kubeKey][]byte{}
	for _, wanted := range inOrder(objects) {
		key := kubeKey{wanted.GroupVersionKind(), wanted.GetNamespace(), wanted.GetName()}
		text, err := wanted.MarshalJSON()
		if err != nil {
			return err
		}
		if !bytes.Equal(before[key], text) {
			if err := k.apply(wanted); err != nil {
				return err
			}
		}
		now[key] = text
	}
	k.shown[set] = now
	for key := range before {
		if _, still := now[key]; still {
			continue
		}
		if err := k.remove(key); err != nil {
			return err
		}
	}
	return nil
}

// inOrder puts first what others need.
func inOrder(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	order := []string{"Namespace", "Node", "Service"}
	rank := func(o *unstructured.Unstructured) int {
		if at := slices.Index(order, o.GetKind()); at >= 0 {
			return at
		}
		return len(order)
	}
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	return sorted
}

// completeForKube adds what a cluster would make by itself: EndpointSlices, and namespaces.
func completeForKube(objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	decoded := map[objectKey]shown{}
	for _, held := range objects {
		if err := decode(held, decoded); err != nil {
			return nil, fmt.Errorf("%s: %w", describe(held), err)
		}
	}
	if err := addEndpoints(decoded); err != nil {
		return nil, err
	}
	all := slices.Concat(objects, missingNamespaces(objects))
	for _, key := range slices.SortedFunc(maps.Keys(decoded), compareKeys) {
		if key.resource != endpointSlices {
			continue
		}
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(decoded[key].object)
		if err != nil {
			return nil, err
		}
		slice := &unstructured.Unstructured{Object: fields}
		slice.SetGroupVersionKind(endpointSlices.GroupVersion().WithKind("EndpointSlice"))
		if _, some := fields["endpoints"].([]any); !some {
			fields["endpoints"] = []any{}
		}
		all = append(all, slice)
	}
	return all, nil
}

func (k *kubeServer) resource(kind schema.GroupVersionKind, ns string) (dynamic.ResourceInterface, error) {
	mapping, err := k.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	all := k.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return all, nil
	}
	if ns == "" {
		ns = metav1.NamespaceDefault
	}
	return all.Namespace(ns), nil
}

// statusKinds are the kinds whose status istiod reads.
var statusKinds = []string{"Pod", "Service"}

// apply puts an object into the API server, as a person does by `kubectl apply --server-side
// --validate=strict`; its status apart, as a kubelet does.
func (k *kubeServer) apply(wanted *unstructured.Unstructured) error {
	into, err := k.resource(wanted.GroupVersionKind(), wanted.GetNamespace())
	if err != nil {
		return fmt.Errorf("%s: %w", describe(wanted), err)
	}
	object := wanted.DeepCopy()
	for _, own := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"} {
		unstructured.RemoveNestedField(object.Object, "metadata", own)
	}
	status := object.Object["status"]
	delete(object.Object, "status")
	if err := patch(into, object); err != nil {
		return err
	}
	if status == nil || !slices.Contains(statusKinds, object.GetKind()) {
		return nil
	}
	for name := range object.Object {
		if name != "apiVersion" && name != "kind" && name != "metadata" {
			delete(object.Object, name)
		}
	}
	object.Object["status"] = status
	return patch(into, object, "status")
}

func patch(into dynamic.ResourceInterface, object *unstructured.Unstructured, subresource ...string) error {
	text, err := json.Marshal(object.Object)
	if err != nil {
		return err
	}
	force := true
	_, err = into.Patch(context.Background(), object.GetName(), types.ApplyPatchType, text, metav1.PatchOptions{
		FieldManager: "weft-lab", Force: &force, FieldValidation: metav1.FieldValidationStrict,
	}, subresource...)
	var answer kerrors.APIStatus
	if errors.As(err, &answer) {
		return fmt.Errorf("%s: %w by the API server: %s", describe(object), errRefused, strings.TrimSpace(answer.Status().Message))
	}
	return err
}

func (k *kubeServer) remove(key kubeKey) error {
	from, err := k.resource(key.kind, key.ns)
	if err != nil {
		return err
	}
	return from.Delete(context.Background(), key.name, metav1.DeleteOptions{})
}
