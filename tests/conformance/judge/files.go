package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubejson "k8s.io/apimachinery/pkg/util/json"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// yamlFiles returns the files among paths and the .yaml, .yml and .json files under the directories
// among them, in path order.
func yamlFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if name == path || slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
				files = append(files, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// document is one YAML document: its text, and its content when it is strict YAML (no key twice)
// and not empty.
type document struct {
	text []byte
	json []byte
	err  error
}

// readDocuments returns the documents of a file that are not empty.
func readDocuments(file string) ([]document, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var documents []document
	reader := kubeyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		asJSON, err := yaml.YAMLToJSONStrict(text)
		if err == nil && bytes.Equal(bytes.TrimSpace(asJSON), []byte("null")) {
			continue
		}
		documents = append(documents, document{text: text, json: asJSON, err: err})
	}
}

// readObjects returns the Kubernetes objects of a file; a List counts as its items.
func readObjects(file string) ([]*unstructured.Unstructured, error) {
	documents, err := readDocuments(file)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, doc := range documents {
		if doc.err != nil {
			return nil, fmt.Errorf("%s: %w", file, doc.err)
		}
		found, err := parseObjects(doc.json)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

func parseObjects(asJSON []byte) ([]*unstructured.Unstructured, error) {
	content := map[string]any{}
	if err := kubejson.Unmarshal(asJSON, &content); err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{Object: content}
	if !object.IsList() {
		return []*unstructured.Unstructured{object}, nil
	}
	list, err := object.ToList()
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for i := range list.Items {
		objects = append(objects, &list.Items[i])
	}
	return objects, nil
}
