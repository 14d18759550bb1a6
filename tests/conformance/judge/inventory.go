package main

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"istio.io/istio/pkg/config/constants"
)

// inventory is the Kubernetes objects discovered in one cluster.
type inventory []*unstructured.Unstructured

// readInventory reads dumps of a cluster. Istio's analyzers look at Pods; a dump may leave them out
// and tell of workloads only, so a workload that has no Pod gets one, with the proxy that injection
// would add.
func readInventory(files []string) (inventory, error) {
	var objects inventory
	for _, file := range files {
		found, err := readObjects(file)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	complete := objects
	for _, object := range objects {
		if err := fillSecret(object); err != nil {
			return nil, err
		}
		if pod := objects.missingPod(object); pod != nil {
			complete = append(complete, pod)
		}
	}
	return complete, nil
}

// meshSetting returns one key of the ConfigMap in which istiod keeps its configuration.
func (i inventory) meshSetting(key string) string {
	for _, object := range i {
		if object.GetKind() == "ConfigMap" && object.GetName() == "istio" &&
			object.GetNamespace() == constants.IstioSystemNamespace {
			content, _, _ := unstructured.NestedString(object.Object, "data", key)
			return content
		}
	}
	return ""
}

// missingPod returns a Pod for a workload that should run some and has none in the inventory, else
// nil.
func (i inventory) missingPod(workload *unstructured.Unstructured) *unstructured.Unstructured {
	if workload.GroupVersionKind().Group != "apps" || workload.GetKind() == "ReplicaSet" {
		return nil
	}
	template, found, _ := unstructured.NestedMap(workload.Object, "spec", "template")
	replicas, limited, _ := unstructured.NestedInt64(workload.Object, "spec", "replicas")
	if !found || (limited && replicas == 0) || i.hasPod(workload) {
		return nil
	}
	pod := &unstructured.Unstructured{Object: template}
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetNamespace(workload.GetNamespace())
	pod.SetName(workload.GetName() + "-0")
	if i.injects(pod) {
		addProxy(pod)
	}
	return pod
}

func (i inventory) hasPod(workload *unstructured.Unstructured) bool {
	wanted, _, _ := unstructured.NestedStringMap(workload.Object, "spec", "selector", "matchLabels")
	if len(wanted) == 0 {
		return false
	}
	selector := labels.SelectorFromSet(wanted)
	for _, object := range i {
		if object.GetKind() == "Pod" && object.GetNamespace() == workload.GetNamespace() &&
			selector.Matches(labels.Set(object.GetLabels())) {
			return true
		}
	}
	return false
}

// injects tells whether the injector would give the Pod a proxy.
func (i inventory) injects(pod *unstructured.Unstructured) bool {
	switch pod.GetLabels()["sidecar.istio.io/inject"] {
	case "true":
		return true
	case "false":
		return false
	}
	for _, object := range i {
		if object.GetKind() == "Namespace" && object.GetName() == pod.GetNamespace() {
			_, revision := object.GetLabels()["istio.io/rev"]
			return object.GetLabels()["istio-injection"] == "enabled" || revision
		}
	}
	return false
}

// addProxy gives the Pod the container of the proxy; a template of a gateway has it already, with an
// image for the injector to fill in.
func addProxy(pod *unstructured.Unstructured) {
	proxy := map[string]any{"name": "istio-proxy", "image": "proxy"}
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	place := slices.IndexFunc(containers, func(container any) bool {
		fields, ok := container.(map[string]any)
		return ok && fields["name"] == proxy["name"]
	})
	if place >= 0 {
		containers[place] = proxy
	} else {
		containers = append(containers, proxy)
	}
	// A failure means that the Pod has no spec, which leaves it without containers at all.
	_ = unstructured.SetNestedSlice(pod.Object, containers, "spec", "containers")
}
