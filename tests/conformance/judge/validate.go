package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/go-multierror"
	kubevalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
	"istio.io/istio/pkg/kube"
)

// verdict is the answer about one object.
type verdict struct {
	File      string   `json:"file"`
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Error     string   `json:"error"`
	Warnings  []string `json:"warnings"`
}

// runValidate judges every object of the files as admission to a cluster with Istio would, and
// refuses besides what admission lets pass in silence: unknown fields and unknown kinds.
func runValidate(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("validate: name a file or a directory")
	}
	files, err := yamlFiles(args)
	if err != nil {
		return err
	}
	v, err := newValidator()
	if err != nil {
		return err
	}
	failed := false
	for _, file := range files {
		verdicts, err := v.file(file)
		if err != nil {
			return err
		}
		for _, each := range verdicts {
			failed = failed || each.Error != ""
			if err := printLine(out, each); err != nil {
				return err
			}
		}
	}
	if failed {
		return errFailed
	}
	return nil
}

type validator struct {
	crds   crdSchemas
	strict runtime.Decoder
}

func newValidator() (*validator, error) {
	crds, err := loadCRDs()
	if err != nil {
		return nil, err
	}
	codecs := serializer.NewCodecFactory(kube.IstioScheme, serializer.EnableStrict)
	return &validator{crds: crds, strict: codecs.UniversalDeserializer()}, nil
}

func (v *validator) file(file string) ([]verdict, error) {
	documents, err := readDocuments(file)
	if err != nil {
		return nil, err
	}
	var verdicts []verdict
	for _, doc := range documents {
		verdicts = append(verdicts, v.document(file, doc)...)
	}
	return verdicts, nil
}

func (v *validator) document(file string, doc document) []verdict {
	if doc.err != nil {
		return []verdict{{File: file, Error: doc.err.Error(), Warnings: []string{}}}
	}
	objects, err := parseObjects(doc.json)
	if err != nil {
		return []verdict{{File: file, Error: err.Error(), Warnings: []string{}}}
	}
	var verdicts []verdict
	for _, object := range objects {
		warnings, err := v.object(object)
		each := verdict{
			File:      file,
			Kind:      object.GetKind(),
			Namespace: object.GetNamespace(),
			Name:      object.GetName(),
			Warnings:  messages(warnings),
		}
		if err != nil {
			each.Error = strings.Join(messages(err), "; ")
		}
		verdicts = append(verdicts, each)
	}
	return verdicts
}

func (v *validator) object(object *unstructured.Unstructured) (warnings, err error) {
	if err := checkMetadata(object); err != nil {
		return nil, err
	}
	gvk := object.GroupVersionKind()
	if schema, ok := v.crds[gvk]; ok {
		if err := schema.check(object); err != nil {
			return nil, err
		}
		return istioValidation(object)
	}
	if strings.HasSuffix(gvk.Group, "istio.io") {
		return nil, fmt.Errorf("no such kind: %s", gvk)
	}
	asJSON, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	_, _, err = v.strict.Decode(asJSON, nil, nil)
	return nil, err
}

// istioValidation is what Istio's admission webhook answers about a custom resource of its own.
func istioValidation(object *unstructured.Unstructured) (warnings, err error) {
	converted, err := istioConfig(object)
	if err != nil {
		return nil, err
	}
	schema, _ := collections.PilotGatewayAPI().FindByGroupVersionKind(converted.GroupVersionKind)
	return schema.ValidateConfig(*converted)
}

// istioConfig returns the object as istiod holds it.
func istioConfig(object *unstructured.Unstructured) (*config.Config, error) {
	gvk := object.GroupVersionKind()
	schema, ok := collections.PilotGatewayAPI().FindByGroupVersionAliasesKind(
		resource.FromKubernetesGVK(&gvk))
	if !ok {
		return nil, fmt.Errorf("istiod does not read kind %s", gvk)
	}
	asJSON, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	wire := crd.IstioKind{}
	if err := json.Unmarshal(asJSON, &wire); err != nil {
		return nil, err
	}
	return crd.ConvertObjectInternal(schema, &wire, "cluster.local", strictSpec)
}

func strictSpec(schema resource.Schema, asJSON string) (config.Spec, error) {
	spec, err := schema.NewInstance()
	if err != nil {
		return nil, err
	}
	return spec, config.ApplyJSONStrict(spec, asJSON)
}

// checkMetadata judges what every Kubernetes object has. An object without a namespace is taken to
// be meant for the namespace `default`, as kubectl would.
func checkMetadata(object *unstructured.Unstructured) error {
	if object.GetAPIVersion() == "" || object.GetKind() == "" {
		return errors.New("apiVersion and kind are required")
	}
	raw, err := json.Marshal(object.Object["metadata"])
	if err != nil {
		return err
	}
	metadata := metav1.ObjectMeta{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&metadata); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	if metadata.Namespace == "" {
		metadata.Namespace = metav1.NamespaceDefault
	}
	problems := kubevalidation.ValidateObjectMeta(&metadata, true, kubevalidation.NameIsDNSSubdomain,
		field.NewPath("metadata"))
	if len(problems) == 0 {
		return nil
	}
	return problems.ToAggregate()
}

// messages returns the texts of an error that may be a list of errors.
func messages(err error) []string {
	texts := []string{}
	if err == nil {
		return texts
	}
	if list, ok := err.(*multierror.Error); ok {
		for _, each := range list.Errors {
			texts = append(texts, messages(each)...)
		}
		return texts
	}
	return append(texts, err.Error())
}
