package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"istio.io/istio/pkg/config/analysis/analyzers"
	"istio.io/istio/pkg/config/analysis/diag"
	"istio.io/istio/pkg/config/analysis/local"
	"istio.io/istio/pkg/config/constants"
)

// message is what one of Istio's analyzers has to say.
type message struct {
	Code    string `json:"code"`
	Level   string `json:"level"`
	Origin  string `json:"origin"`
	Message string `json:"message"`
}

func (m message) isError() bool { return m.Level == diag.Error.String() }

// runAnalyze prints what Istio's analyzers say about one cluster; it fails on a message of level
// Error.
func runAnalyze(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("analyze", flag.ContinueOnError)
	cluster := flags.String("cluster", "", "the folder of each DIR that holds the cluster's objects")
	var inventory []string
	flags.Func("inventory", "file of the cluster's Kubernetes objects", func(path string) error {
		inventory = append(inventory, path)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *cluster == "" || flags.NArg() == 0 {
		return errors.New("analyze: name a cluster and a directory")
	}
	var dirs []string
	for _, dir := range flags.Args() {
		dirs = append(dirs, filepath.Join(dir, *cluster))
	}
	found, err := analyze(dirs, inventory)
	if err != nil {
		return err
	}
	failed := false
	for _, each := range found {
		failed = failed || each.isError()
		if err := printLine(out, each); err != nil {
			return err
		}
	}
	if failed {
		return errFailed
	}
	return nil
}

// analyze runs all of Istio's analyzers over the files of one cluster and the Kubernetes objects of
// its inventory. Without an inventory Istio's default ingress gateway is assumed to be installed.
func analyze(paths, inventory []string) ([]message, error) {
	analyzer := local.NewSourceAnalyzer(analyzers.AllCombined(), "", constants.IstioSystemNamespace, nil)
	sources, err := openSources(paths)
	if err != nil {
		return nil, err
	}
	discovered, err := readInventory(inventory)
	if err != nil {
		return nil, err
	}
	if err := discovered.configureMesh(analyzer); err != nil {
		return nil, err
	}
	asYAML, err := discovered.yaml()
	if err != nil {
		return nil, err
	}
	sources = append(sources, local.ReaderSource{Name: "inventory", Reader: bytes.NewReader(asYAML)})
	// The first source decides which kinds are read at all: this one reads Pods and Namespaces too.
	if err := analyzer.AddTestReaderKubeSource(sources); err != nil {
		return nil, err
	}
	if len(inventory) == 0 {
		if err := analyzer.AddDefaultResources(); err != nil {
			return nil, err
		}
	}
	stop := make(chan struct{})
	defer close(stop)
	result, err := analyzer.Analyze(stop)
	if err != nil {
		return nil, err
	}
	var found []message
	for _, each := range result.Messages {
		found = append(found, describe(each))
	}
	return found, nil
}

func describe(m diag.Message) message {
	described := message{
		Code:    m.Type.Code(),
		Level:   m.Type.Level().String(),
		Message: fmt.Sprintf(m.Type.Template(), m.Parameters...),
	}
	if m.Resource != nil {
		described.Origin = m.Resource.Origin.FriendlyName()
	}
	return described
}

func openSources(paths []string) ([]local.ReaderSource, error) {
	files, err := yamlFiles(paths)
	if err != nil {
		return nil, err
	}
	var sources []local.ReaderSource
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sources = append(sources, local.ReaderSource{Name: file, Reader: bytes.NewReader(content)})
	}
	return sources, nil
}

// configureMesh gives the analyzer the mesh configuration of the inventory's ConfigMap `istio`.
func (i inventory) configureMesh(analyzer *local.IstiodAnalyzer) error {
	for key, add := range map[string]func(string) error{
		"mesh":         analyzer.AddFileKubeMeshConfig,
		"meshNetworks": analyzer.AddFileKubeMeshNetworks,
	} {
		if content := i.meshSetting(key); content != "" {
			if err := withFile(content, add); err != nil {
				return fmt.Errorf("ConfigMap istio, %s: %w", key, err)
			}
		}
	}
	return nil
}

// withFile calls use with the name of a temporary file of that content.
func withFile(content string, use func(name string) error) error {
	file, err := os.CreateTemp("", "judge-*.yaml")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(content); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	return use(file.Name())
}

// yaml returns the inventory as one stream of documents.
func (i inventory) yaml() ([]byte, error) {
	var stream bytes.Buffer
	for _, object := range i {
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			return nil, err
		}
		stream.WriteString("---\n")
		stream.Write(text)
	}
	return stream.Bytes(), nil
}
