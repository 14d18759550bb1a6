package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubeschema "k8s.io/apimachinery/pkg/runtime/schema"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"istio.io/istio/manifests"
)

// crdSchema is what an API server knows of one version of a custom resource.
type crdSchema struct {
	openAPI    validation.SchemaValidator
	structural *schema.Structural
	rules      *cel.Validator
}

// crdSchemas judges custom resources as an API server with Istio's CRDs would.
type crdSchemas map[kubeschema.GroupVersionKind]crdSchema

// loadCRDs reads the CRDs that Istio's own chart installs.
func loadCRDs() (crdSchemas, error) {
	content, err := manifests.FS.ReadFile("charts/base/files/crd-all.gen.yaml")
	if err != nil {
		return nil, err
	}
	schemas := crdSchemas{}
	decoder := kubeyaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 1<<16)
	for {
		definition := apiextensionsv1.CustomResourceDefinition{}
		err := decoder.Decode(&definition)
		if errors.Is(err, io.EOF) {
			return schemas, nil
		}
		if err != nil {
			return nil, err
		}
		if definition.Kind != "CustomResourceDefinition" {
			continue
		}
		for _, version := range definition.Spec.Versions {
			if !version.Served || version.Schema == nil {
				continue
			}
			built, err := buildSchema(version.Schema)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", definition.Name, version.Name, err)
			}
			schemas[kubeschema.GroupVersionKind{
				Group: definition.Spec.Group, Version: version.Name, Kind: definition.Spec.Names.Kind,
			}] = built
		}
	}
}

func buildSchema(v1 *apiextensionsv1.CustomResourceValidation) (crdSchema, error) {
	internal := apiextensions.CustomResourceValidation{}
	err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(
		v1, &internal, nil)
	if err != nil {
		return crdSchema{}, err
	}
	openAPI, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		return crdSchema{}, err
	}
	structural, err := schema.NewStructural(internal.OpenAPIV3Schema)
	if err != nil {
		return crdSchema{}, err
	}
	return crdSchema{
		openAPI:    openAPI,
		structural: structural,
		rules:      cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// check returns why an API server would refuse the object, also for a field it would drop in
// silence: unknown fields, wrong types and values, repeated list entries, violated CEL rules.
func (s crdSchema) check(object *unstructured.Unstructured) error {
	content := object.DeepCopy().Object
	unknown := pruning.PruneWithOptions(object.DeepCopy().Object, s.structural, true,
		schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if len(unknown) > 0 {
		return fmt.Errorf("unknown fields: %s", strings.Join(unknown, ", "))
	}
	defaulting.Default(content, s.structural)
	problems := validation.ValidateCustomResource(nil, content, s.openAPI)
	problems = append(problems, listtype.ValidateListSetsAndMaps(nil, s.structural, content)...)
	if len(problems) == 0 && s.rules != nil {
		broken, _ := s.rules.Validate(context.Background(), nil, s.structural, content, nil,
			celconfig.RuntimeCELCostBudget)
		problems = append(problems, broken...)
	}
	if len(problems) == 0 {
		return nil
	}
	return problems.ToAggregate()
}
