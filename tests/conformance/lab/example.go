package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// setup is what the subcommands that run a mesh have in common.
type setup struct {
	weft, sampler, envoy string
	dir                  string // everything that is generated; its old content is removed
	example              string
	dumps                string   // folder of the inventory
	inventory            []string // flags for weft: the inventory as the lab completes it
	kube                 kubePrograms
}

func (s *setup) addFlags(flags *flag.FlagSet) {
	flags.StringVar(&s.weft, "weft", "", "the weft program")
	flags.StringVar(&s.sampler, "sampler", "", "the program that draws requests from the proofs")
	flags.StringVar(&s.envoy, "envoy", "", "the Envoy program")
	flags.StringVar(&s.dumps, "inventory", "", "folder of the dumps of clusters; EXAMPLE/inventory without it")
	flags.StringVar(&s.kube.apiserver, "kube-apiserver", "", "a program; istiods then read real API servers")
	flags.StringVar(&s.kube.etcd, "etcd", "", "the program API servers keep their objects in")
	flags.StringVar(&s.dir, "dir", "", "folder for logs and generated files; its content is replaced")
}

func (s *setup) parse(flags *flag.FlagSet, arguments []string) error {
	s.addFlags(flags)
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if (s.kube.apiserver == "") != (s.kube.etcd == "") {
		return errors.New("name both --kube-apiserver and --etcd, or neither")
	}
	if s.weft == "" || s.envoy == "" || s.dir == "" || flags.NArg() != 1 {
		return errors.New("name --weft, --envoy, --dir and one example")
	}
	s.example = flags.Arg(0)
	if s.dumps == "" {
		s.dumps = filepath.Join(s.example, "inventory")
	}
	for _, path := range []*string{&s.weft, &s.sampler, &s.envoy, &s.dir, &s.example, &s.dumps, &s.kube.apiserver, &s.kube.etcd} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	return os.MkdirAll(s.dir, 0o755)
}

// prepare emits the example and returns a mesh that is not up yet, and the example's tests.
func (s *setup) prepare() (*mesh, trials, error) { return s.prepareWith("") }

// prepareWith also plants a bug of that name in what was emitted.
func (s *setup) prepareWith(planted string) (*mesh, trials, error) {
	var tests trials
	clusters, err := readInventory(s.dumps)
	if err != nil {
		return nil, tests, err
	}
	for _, c := range clusters {
		file := filepath.Join(s.dir, "inventory", c.name+".yaml")
		if err := writeObjects(file, c.objects); err != nil {
			return nil, tests, err
		}
		s.inventory = append(s.inventory, "--inventory", c.name+"="+file)
	}
	emitted := filepath.Join(s.dir, "emitted")
	if _, err := s.ask(s.weft, "emit", s.example, "-o", emitted); err != nil {
		return nil, tests, err
	}
	if err := s.askJSON(&tests, s.weft, "test", s.example, "-o", "json"); err != nil {
		return nil, tests, err
	}
	for _, found := range tests.Clusters {
		for _, c := range clusters {
			if c.name == found.Name {
				c.trust, c.network = found.TrustDomain, found.Network
			}
		}
	}
	m, err := newMesh(s.dir, s.envoy, clusters)
	if err != nil {
		return nil, tests, err
	}
	m.kube = s.kube
	if err := m.load(emitted); err != nil {
		return nil, tests, err
	}
	if planted != "" {
		if err := mutate(m.emitted, planted); err != nil {
			return nil, tests, err
		}
	}
	if s.kube.given() {
		return m, tests, nil // the API servers judge
	}
	return m, tests, m.admitAll()
}

// ask runs a program of weft's over the example with the lab's inventory.
func (s *setup) ask(program string, arguments ...string) ([]byte, error) {
	command := exec.Command(program, append(arguments, s.inventory...)...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return output, fmt.Errorf("%s: %w\n%s", command, err, complaints.String())
	}
	return output, nil
}

func (s *setup) askJSON(into any, program string, arguments ...string) error {
	output, err := s.ask(program, arguments...)
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) { // 1: a test failed
		return err
	}
	if err := json.Unmarshal(output, into); err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}
