package main

import (
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// store is the Kubernetes API of a cluster, as its istiod reads it: one in memory, or a real one.
type store interface {
	// show makes the API hold these objects and no others of that set. Names of sets are the lab's.
	show(set string, objects []*unstructured.Unstructured) error
	// flags are those by which an istiod finds it.
	flags() []string
}

// The sets of objects of a cluster.
const (
	inventorySet = "cluster" // what the inventory holds, and the pods that run
	emittedSet   = "emitted"
	labSet       = "lab" // what the lab itself needs
)

// files are what the API in memory of an istiod shows; istiod follows them itself (api.go).
type files struct{ dir string }

func (f files) show(set string, objects []*unstructured.Unstructured) error {
	return writeObjects(filepath.Join(f.dir, set+".yaml"), objects)
}

func (f files) flags() []string { return []string{"--objects", f.dir} }
