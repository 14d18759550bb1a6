package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"
	"sigs.k8s.io/yaml"

	security "istio.io/api/security/v1beta1"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/security/authz/builder"
	"istio.io/istio/pilot/pkg/security/trustdomain"
	"istio.io/istio/pkg/config/host"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/util/protomarshal"
)

// authzCase is a file of cases/istio-authz: its settings, its policies, the filters they give.
type authzCase struct {
	settings authzSettings
	policies []document
	want     []document
}

// authzSettings is the first document of a case.
type authzSettings struct {
	Filter             string         `json:"filter"`
	TrustDomain        string         `json:"trustDomain"`
	TrustDomainAliases []string       `json:"trustDomainAliases"`
	Services           []authzService `json:"services"`
	Mesh               map[string]any `json:"mesh"`
}

type authzService struct {
	Namespace string `json:"namespace"`
	Host      string `json:"host"`
}

// runAuthz builds Envoy's filters from the policies of every case with istiod's own code and
// compares them with the filters that the case states.
func runAuthz(args []string, out io.Writer) error {
	files, err := yamlFiles(args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("authz: no case found")
	}
	failed := false
	for _, file := range files {
		test, err := readAuthzCase(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		problem, err := test.check()
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if problem != nil {
			failed = true
			problem.File = file
			if err := printLine(out, problem); err != nil {
				return err
			}
		}
	}
	if failed {
		return errFailed
	}
	return nil
}

// runFilters writes every case into a directory, with the filters that istiod builds from its
// policies in the place of those it states.
func runFilters(args []string, _ io.Writer) error {
	flags := flag.NewFlagSet("filters", flag.ContinueOnError)
	dir := flags.String("out", "", "where to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	files, err := yamlFiles(flags.Args())
	if err != nil {
		return err
	}
	if *dir == "" || len(files) == 0 {
		return errors.New("filters: no case, or no --out")
	}
	if err := os.RemoveAll(*dir); err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	for _, file := range files {
		text, err := completed(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := os.WriteFile(filepath.Join(*dir, filepath.Base(file)), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// completed is the text of the case with istiod's filters.
func completed(file string) (string, error) {
	test, err := readAuthzCase(file)
	if err != nil {
		return "", err
	}
	filters, err := test.build()
	if err != nil {
		return "", err
	}
	settings, err := yaml.Marshal(test.settings)
	if err != nil {
		return "", err
	}
	text := string(settings)
	for _, policy := range test.policies {
		text += "---\n" + string(policy.text)
	}
	for _, filter := range filters {
		asYAML, err := protomarshal.ToYAML(filter)
		if err != nil {
			return "", err
		}
		text += "---\n" + asYAML
	}
	return text, nil
}

func readAuthzCase(file string) (authzCase, error) {
	test := authzCase{}
	documents, err := readDocuments(file)
	if err != nil {
		return test, err
	}
	for i, doc := range documents {
		if doc.err != nil {
			return test, doc.err
		}
		object, err := parseObjects(doc.json)
		if err != nil {
			return test, err
		}
		switch {
		case i == 0:
			if err := yaml.UnmarshalStrict(doc.json, &test.settings); err != nil {
				return test, err
			}
		case object[0].GetKind() != "":
			test.policies = append(test.policies, doc)
		default:
			test.want = append(test.want, doc)
		}
	}
	if len(test.policies) == 0 {
		return test, errors.New("no policy")
	}
	return test, nil
}

// check returns nil when Istio's filters are the stated ones.
func (c authzCase) check() (*caseResult, error) {
	got, err := c.build()
	if err != nil {
		return nil, err
	}
	for i := range max(len(got), len(c.want)) {
		const none = "no further filter"
		gotText, wantText := none, none
		if i < len(got) {
			if gotText, err = protomarshal.ToYAML(got[i]); err != nil {
				return nil, err
			}
		}
		if i < len(c.want) {
			if wantText, err = c.normalForm(c.want[i]); err != nil {
				return nil, err
			}
		}
		if gotText != wantText {
			return &caseResult{Want: wantText, Got: gotText}, nil
		}
	}
	return nil, nil
}

// normalForm spells a filter as Istio would. Texts are compared and not messages, because a typed
// configuration is bytes in which the order of a map is not fixed.
func (c authzCase) normalForm(filter document) (string, error) {
	var message proto.Message = &hcm.HttpFilter{}
	if c.settings.Filter == "tcp" {
		message = &listener.Filter{}
	}
	if err := protomarshal.ApplyYAML(string(filter.text), message); err != nil {
		return "", err
	}
	return protomarshal.ToYAML(message)
}

// build returns the filters that istiod gives a workload that all policies of the case select.
func (c authzCase) build() ([]proto.Message, error) {
	push, err := c.settings.push()
	if err != nil {
		return nil, err
	}
	policies, err := c.byAction()
	if err != nil {
		return nil, err
	}
	domains := trustdomain.Bundle{}
	if c.settings.TrustDomain != "" {
		domains = trustdomain.NewBundle(c.settings.TrustDomain, c.settings.TrustDomainAliases)
	}
	var filters []proto.Message
	for _, custom := range []bool{true, false} {
		b := builder.New(domains, push, policies, builder.Option{IsCustomBuilder: custom})
		switch {
		case b == nil:
		case c.settings.Filter == "http":
			filters = appendFilters(filters, b.BuildHTTP())
		case c.settings.Filter == "tcp":
			filters = appendFilters(filters, b.BuildTCP())
		default:
			return nil, fmt.Errorf("filter `%s` is neither http nor tcp", c.settings.Filter)
		}
	}
	return filters, nil
}

func appendFilters[T *hcm.HttpFilter | *listener.Filter](all []proto.Message, more []T) []proto.Message {
	for _, filter := range more {
		all = append(all, any(filter).(proto.Message))
	}
	return all
}

func (s authzSettings) push() (*model.PushContext, error) {
	asYAML, err := yaml.Marshal(s.Mesh)
	if err != nil {
		return nil, err
	}
	configuration, err := mesh.ApplyMeshConfig(string(asYAML), mesh.DefaultMeshConfig())
	if err != nil {
		return nil, err
	}
	push := model.NewPushContext()
	push.Mesh = configuration
	for _, service := range s.Services {
		name := host.Name(service.Host)
		push.ServiceIndex.HostnameAndNamespace[name] = map[string]*model.Service{
			service.Namespace: {Hostname: name},
		}
	}
	return push, nil
}

func (c authzCase) byAction() (model.AuthorizationPoliciesResult, error) {
	result := model.AuthorizationPoliciesResult{}
	for _, doc := range c.policies {
		objects, err := parseObjects(doc.json)
		if err != nil {
			return result, err
		}
		for _, object := range objects {
			converted, err := istioConfig(object)
			if err != nil {
				return result, err
			}
			spec, ok := converted.Spec.(*security.AuthorizationPolicy)
			if !ok {
				return result, fmt.Errorf("%s is not an AuthorizationPolicy", object.GetName())
			}
			list := map[security.AuthorizationPolicy_Action]*[]model.AuthorizationPolicy{
				security.AuthorizationPolicy_ALLOW:  &result.Allow,
				security.AuthorizationPolicy_DENY:   &result.Deny,
				security.AuthorizationPolicy_AUDIT:  &result.Audit,
				security.AuthorizationPolicy_CUSTOM: &result.Custom,
			}[spec.GetAction()]
			*list = append(*list, model.AuthorizationPolicy{
				Name:        converted.Name,
				Namespace:   converted.Namespace,
				Annotations: converted.Annotations,
				Spec:        spec,
			})
		}
	}
	return result, nil
}
