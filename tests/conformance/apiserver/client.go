package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/yaml"
	sigs "sigs.k8s.io/yaml"
)

// client speaks to the API server as its administrator.
type client struct {
	http   *http.Client
	server string
}

func connect(dir string) (*client, error) {
	var config struct {
		Clusters []struct {
			Cluster struct{ Server string }
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "admin.kubeconfig"))
	if err != nil {
		return nil, err
	}
	if err := sigs.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "admin.crt"), filepath.Join(dir, "admin.key"))
	if err != nil {
		return nil, err
	}
	root, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	return &client{server: config.Clusters[0].Cluster.Server, http: &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{
			RootCAs: roots, ServerName: serverName, Certificates: []tls.Certificate{pair},
		}},
	}}, nil
}

// do returns the answer's body; statuses that are no success are errors.
func (c *client) do(method, path, contentType string, body []byte) ([]byte, error) {
	request, err := http.NewRequest(method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", contentType)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		return text, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return text, nil
}

// plurals are the kinds that tests apply; "*" marks those without namespace.
var plurals = map[string]string{
	"Namespace": "*namespaces", "Node": "*nodes", "ClusterRole": "*clusterroles",
	"ClusterRoleBinding": "*clusterrolebindings", "CustomResourceDefinition": "*customresourcedefinitions",
	"Role": "roles", "RoleBinding": "rolebindings", "Service": "services", "ServiceAccount": "serviceaccounts",
	"ConfigMap": "configmaps", "Deployment": "deployments", "StatefulSet": "statefulsets",
	"DaemonSet": "daemonsets", "EndpointSlice": "endpointslices", "VirtualService": "virtualservices",
	"Gateway": "gateways", "AuthorizationPolicy": "authorizationpolicies",
}

// applyAll applies every document by server-side apply, as manager `test`.
func (c *client) applyAll(in io.Reader) error {
	reader := yaml.NewYAMLReader(bufio.NewReader(in))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var object struct {
			APIVersion, Kind string
			Metadata         struct{ Name, Namespace string }
		}
		if err := sigs.Unmarshal(text, &object); err != nil {
			return err
		}
		if object.Kind == "" {
			continue
		}
		plural, known := plurals[object.Kind]
		if !known {
			return fmt.Errorf("this test knows no path for objects of kind %s", object.Kind)
		}
		path := "/apis/" + object.APIVersion
		if !strings.Contains(object.APIVersion, "/") {
			path = "/api/" + object.APIVersion
		}
		plural, global := strings.CutPrefix(plural, "*")
		if !global {
			path += "/namespaces/" + object.Metadata.Namespace
		}
		path += "/" + plural + "/" + object.Metadata.Name + "?fieldManager=test&force=true"
		if _, err := c.do("PATCH", path, "application/apply-patch+yaml", text); err != nil {
			return err
		}
	}
}

// kindPaths are the collections of every served version of these CustomResourceDefinitions.
func kindPaths(definitions []byte) []string {
	var paths []string
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(definitions)))
	for {
		text, err := reader.Read()
		if err != nil {
			return paths
		}
		var definition struct {
			Spec struct {
				Group    string
				Names    struct{ Plural string }
				Versions []struct {
					Name   string
					Served bool
				}
			}
		}
		if sigs.Unmarshal(text, &definition) != nil {
			continue
		}
		for _, version := range definition.Spec.Versions {
			if version.Served {
				paths = append(paths, "/apis/"+definition.Spec.Group+"/"+version.Name+"/"+definition.Spec.Names.Plural)
			}
		}
	}
}

func apply(args []string) error {
	flags := flag.NewFlagSet("apply", flag.ContinueOnError)
	dir := flags.String("dir", "", "folder of `apiserver up`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := connect(*dir)
	if err != nil {
		return err
	}
	for _, name := range flags.Args() {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		err = c.applyAll(file)
		file.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func request(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("request", flag.ContinueOnError)
	dir := flags.String("dir", "", "folder of `apiserver up`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < 2 {
		return errUsage
	}
	c, err := connect(*dir)
	if err != nil {
		return err
	}
	contentType := "application/json"
	if flags.Arg(0) == "PATCH" {
		contentType = "application/merge-patch+json"
	}
	text, err := c.do(flags.Arg(0), flags.Arg(1), contentType, []byte(flags.Arg(2)))
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
