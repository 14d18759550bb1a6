package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	k8stesting "k8s.io/client-go/testing"

	istiofake "istio.io/client-go/pkg/clientset/versioned/fake"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/gvr"
	"istio.io/istio/pkg/config/schema/resource"
	"istio.io/istio/pkg/kube"
)

// api is a Kubernetes API in memory that shows what the YAML files of a folder say. It does what a
// cluster does by itself where istiod looks: resource versions, creation times, and EndpointSlices
// from Services and Pods.
type api struct {
	dir     string
	client  kube.CLIClient
	shown   map[objectKey]shown
	version int64
}

type objectKey struct {
	resource schema.GroupVersionResource
	ns, name string
}

type shown struct {
	object runtime.Object
	sum    [sha256.Size]byte
}

func newAPI(dir string) (*api, error) {
	a := &api{dir: dir, client: kube.NewFakeClient(), shown: map[objectKey]shown{}, version: 1000}
	clients, ok := a.client.Kube().(*fake.Clientset)
	if !ok {
		return nil, errors.New("istio's fake client is not the expected one")
	}
	// istiod asks whether a gateway may read its Secrets.
	clients.PrependReactor("create", "subjectaccessreviews",
		func(k8stesting.Action) (bool, runtime.Object, error) {
			return true, &authorizationv1.SubjectAccessReview{
				Status: authorizationv1.SubjectAccessReviewStatus{Allowed: true},
			}, nil
		})
	return a, a.installKinds()
}

// installKinds makes the API say which custom kinds it serves; istiod watches no others.
func (a *api) installKinds() error {
	metadata, ok := a.client.Metadata().(*metadatafake.FakeMetadataClient)
	if !ok {
		return errors.New("istio's fake metadata client is not the expected one")
	}
	definitions, ok := metadata.Resource(gvr.CustomResourceDefinition).(metadatafake.MetadataClient)
	if !ok {
		return errors.New("the fake metadata client cannot create")
	}
	for _, kind := range collections.PilotGatewayAPI().All() {
		served := kind.GroupVersionResource()
		definition := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Name: served.Resource + "." + served.Group,
			// istiod ignores kinds of the Gateway API that are older than it knows.
			Annotations: map[string]string{"gateway.networking.k8s.io/bundle-version": "v1.6.0"},
		}}
		_, err := definitions.CreateFake(definition, metav1.CreateOptions{})
		if err != nil && !kerrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

func (a *api) tracker(group string) (k8stesting.ObjectTracker, error) {
	if strings.HasSuffix(group, "istio.io") {
		if clients, ok := a.client.Istio().(*istiofake.Clientset); ok {
			return clients.Tracker(), nil
		}
	} else if clients, ok := a.client.Kube().(*fake.Clientset); ok {
		return clients.Tracker(), nil
	}
	return nil, fmt.Errorf("no tracker for group %q", group)
}

// refresh makes the API show what the files say now.
func (a *api) refresh() error {
	wanted := map[objectKey]shown{}
	files, err := filepath.Glob(filepath.Join(a.dir, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		objects, err := readObjects(file)
		if err != nil {
			return err
		}
		for _, object := range objects {
			if err := decode(object, wanted); err != nil {
				return fmt.Errorf("%s: %s %s/%s: %w", file, object.GetKind(), object.GetNamespace(), object.GetName(), err)
			}
		}
	}
	if err := addEndpoints(wanted); err != nil {
		return err
	}
	keys := slices.SortedFunc(maps.Keys(wanted), compareKeys)
	for _, key := range keys {
		if err := a.show(key, wanted[key]); err != nil {
			return err
		}
	}
	for key := range a.shown {
		if _, still := wanted[key]; still {
			continue
		}
		tracker, err := a.tracker(key.resource.Group)
		if err != nil {
			return err
		}
		if err := tracker.Delete(key.resource, key.ns, key.name); err != nil {
			return err
		}
		delete(a.shown, key)
	}
	return nil
}

// compareKeys puts first what other objects refer to.
func compareKeys(a, b objectKey) int {
	rank := func(key objectKey) int {
		order := []string{"namespaces", "nodes", "pods", "services"}
		if at := slices.Index(order, key.resource.Resource); at >= 0 {
			return at
		}
		return len(order)
	}
	if rank(a) != rank(b) {
		return rank(a) - rank(b)
	}
	return strings.Compare(a.resource.Resource+"/"+a.ns+"/"+a.name, b.resource.Resource+"/"+b.ns+"/"+b.name)
}

func (a *api) show(key objectKey, wanted shown) error {
	before, known := a.shown[key]
	if known && before.sum == wanted.sum {
		return nil
	}
	tracker, err := a.tracker(key.resource.Group)
	if err != nil {
		return err
	}
	object := wanted.object.DeepCopyObject()
	accessor, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	a.version++
	accessor.SetResourceVersion(strconv.FormatInt(a.version, 10))
	accessor.SetGeneration(a.version)
	if known {
		old, err := meta.Accessor(before.object)
		if err != nil {
			return err
		}
		accessor.SetUID(old.GetUID())
		accessor.SetCreationTimestamp(old.GetCreationTimestamp())
		err = tracker.Update(key.resource, object, key.ns)
		a.shown[key] = shown{object, wanted.sum}
		return err
	}
	accessor.SetUID(types.UID(fmt.Sprintf("lab-%d", a.version)))
	if created := accessor.GetCreationTimestamp(); created.IsZero() {
		accessor.SetCreationTimestamp(metav1.Now())
	}
	a.shown[key] = shown{object, wanted.sum}
	return tracker.Create(key.resource, object, key.ns)
}

// decode adds an object as the API server would hold it. Kinds istiod does not read are left out.
func decode(object *unstructured.Unstructured, into map[objectKey]shown) error {
	kind := object.GroupVersionKind()
	served, known := kubernetesKinds[kind.Group+"/"+kind.Kind]
	if strings.HasSuffix(kind.Group, "istio.io") {
		// Every version an API server serves is one and the same object.
		found, ok := collections.PilotGatewayAPI().FindByGroupVersionAliasesKind(resource.FromKubernetesGVK(&kind))
		if !ok {
			return errors.New("istiod does not read this kind")
		}
		served, known = found.GroupVersionResource(), true
	}
	if !known {
		return nil
	}
	object = object.DeepCopy()
	object.SetAPIVersion(served.GroupVersion().String())
	if object.GetNamespace() == "" && kind.Kind != "Namespace" && kind.Kind != "Node" {
		object.SetNamespace("default")
	}
	asJSON, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	decoded, _, err := kube.IstioCodec.UniversalDeserializer().Decode(asJSON, nil, nil)
	if err != nil {
		return err
	}
	key := objectKey{served, object.GetNamespace(), object.GetName()}
	into[key] = shown{decoded, sha256.Sum256(asJSON)}
	return nil
}

var kubernetesKinds = map[string]schema.GroupVersionResource{
	"/Namespace": {Version: "v1", Resource: "namespaces"},
	"/Node":      {Version: "v1", Resource: "nodes"},
	"/Pod":       {Version: "v1", Resource: "pods"},
	"/Service":   {Version: "v1", Resource: "services"},
	"/Secret":    {Version: "v1", Resource: "secrets"},
	"/ConfigMap": {Version: "v1", Resource: "configmaps"},
}

var endpointSlices = schema.GroupVersionResource{
	Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices",
}

// addEndpoints does what the endpoint slice controller does.
func addEndpoints(objects map[objectKey]shown) error {
	var pods []*corev1.Pod
	for _, key := range slices.SortedFunc(maps.Keys(objects), compareKeys) {
		if pod, ok := objects[key].object.(*corev1.Pod); ok {
			pods = append(pods, pod)
		}
	}
	slicesMade := map[objectKey]shown{}
	for _, entry := range objects {
		service, ok := entry.object.(*corev1.Service)
		if !ok || len(service.Spec.Selector) == 0 {
			continue
		}
		slice := endpointsOf(service, pods)
		text, err := json.Marshal(slice)
		if err != nil {
			return err
		}
		slicesMade[objectKey{endpointSlices, slice.Namespace, slice.Name}] = shown{slice, sha256.Sum256(text)}
	}
	maps.Copy(objects, slicesMade)
	return nil
}

func endpointsOf(service *corev1.Service, pods []*corev1.Pod) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: service.Name + "-lab", Namespace: service.Namespace,
			Labels: map[string]string{discoveryv1.LabelServiceName: service.Name},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	for _, pod := range pods {
		if pod.Namespace != service.Namespace || !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		ready := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
		endpoint := discoveryv1.Endpoint{
			Addresses:  []string{pod.Status.PodIP},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &ready},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Name: pod.Name, Namespace: pod.Namespace},
		}
		if node := pod.Spec.NodeName; node != "" {
			endpoint.NodeName = &node
		}
		slice.Endpoints = append(slice.Endpoints, endpoint)
		if slice.Ports == nil {
			slice.Ports = endpointPorts(service, pod)
		}
	}
	return slice
}

func endpointPorts(service *corev1.Service, pod *corev1.Pod) []discoveryv1.EndpointPort {
	ports := []discoveryv1.EndpointPort{}
	for _, port := range service.Spec.Ports {
		number, protocol := port.Port, corev1.ProtocolTCP
		switch {
		case port.TargetPort.Type == intstr.Int && port.TargetPort.IntVal != 0:
			number = port.TargetPort.IntVal
		case port.TargetPort.Type == intstr.String:
			for _, container := range pod.Spec.Containers {
				for _, named := range container.Ports {
					if named.Name == port.TargetPort.StrVal {
						number = named.ContainerPort
					}
				}
			}
		}
		ports = append(ports, discoveryv1.EndpointPort{
			Name: &port.Name, Port: &number, Protocol: &protocol, AppProtocol: port.AppProtocol,
		})
	}
	return ports
}

// follow refreshes whenever a file changed, until stop is closed.
func (a *api) follow(stop <-chan struct{}, failed func(error)) {
	last := a.fingerprint()
	for {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		now := a.fingerprint()
		if bytes.Equal(now, last) {
			continue
		}
		last = now
		if err := a.refresh(); err != nil {
			failed(err)
		}
	}
}

func (a *api) fingerprint() []byte {
	var text bytes.Buffer
	files, _ := filepath.Glob(filepath.Join(a.dir, "*.yaml"))
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			fmt.Fprintf(&text, "%s %d %d\n", file, info.Size(), info.ModTime().UnixNano())
		}
	}
	return text.Bytes()
}
