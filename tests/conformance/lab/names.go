package main

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// writeHosts writes what stands in for DNS.
func writeHosts(file string, names map[string]netip.Addr) error {
	text := "127.0.0.1 localhost\n"
	for _, name := range sortedKeys(names) {
		text += fmt.Sprintf("%s %s\n", names[name], name)
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// namesFor are the names that a pod knows: those of its own cluster's Services, in its own namespace
// without that, and those outside.
func (m *mesh) namesFor(p *pod) map[string]netip.Addr {
	names := maps.Clone(m.network.hosts)
	for _, s := range p.cluster.services {
		address := s.address
		if !address.IsValid() && len(s.pods) > 0 {
			address = s.pods[0].address
		}
		if !address.IsValid() {
			continue
		}
		full := s.name + "." + s.ns
		for _, name := range []string{full, full + ".svc", full + ".svc.cluster.local"} {
			names[name] = address
		}
		if s.ns == p.ns {
			names[s.name] = address
		}
	}
	return names
}

// writeNames gives every pod a hosts file of its own, which `ip netns exec` puts into its place. The
// folder for it is the lab's alone: it lies over the machine's /etc, in this mount namespace.
func (m *mesh) writeNames() error {
	upper, work := filepath.Join(scratch, "etc"), filepath.Join(scratch, "etc.work")
	for _, dir := range []string{upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := writeHosts(filepath.Join(upper, "hosts"), m.network.hosts); err != nil {
		return err
	}
	layers := fmt.Sprintf("lowerdir=/etc,upperdir=%s,workdir=%s", upper, work)
	if err := unix.Mount("lab", "/etc", "overlay", 0, layers); err != nil {
		fmt.Printf("Pods know no short names of Services here: overlay on /etc: %v\n", err)
		return nil
	}
	for _, p := range m.pods() {
		dir := filepath.Join("/etc/netns", nameOf(p.id()))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := writeHosts(filepath.Join(dir, "hosts"), m.namesFor(p)); err != nil {
			return err
		}
	}
	return nil
}
