package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// runShell brings an example up and gives a person a shell among its pods; the mesh goes when the
// shell ends.
func runShell(arguments []string) error {
	s := setup{}
	if err := s.parse(flag.NewFlagSet("shell", flag.ContinueOnError), arguments); err != nil {
		return err
	}
	m, _, err := s.prepare()
	if err != nil {
		return err
	}
	defer func() { _ = m.down() }()
	if err := m.up(); err != nil {
		return err
	}
	if err := m.nameNamespaces(); err != nil {
		return err
	}
	if err := m.writeNames(); err != nil {
		return err
	}
	fmt.Printf("\nThe mesh is up; it goes when this shell ends. Logs are in %s/log.\n", s.dir)
	fmt.Println("Send from a pod:   ip netns exec POD curl -s http://HOST:PORT/PATH")
	fmt.Println("Look at its proxy: ip netns exec POD curl -s localhost:15000/clusters")
	fmt.Println("Pods:")
	for _, p := range m.pods() {
		fmt.Printf("  %-50s %-15s %s\n", nameOf(p.id()), p.address, p.identity())
	}
	fmt.Println("  outside                                            no identity")
	fmt.Println("Gateways, from outside:")
	for _, c := range m.clusters {
		for _, service := range c.services {
			for _, address := range service.balancers {
				fmt.Printf("  %s %s/%s in %s\n", address, service.ns, service.name, c.name)
			}
		}
	}
	shell := exec.Command("/bin/sh", "-i")
	shell.Stdin, shell.Stdout, shell.Stderr = os.Stdin, os.Stdout, os.Stderr
	shell.Env = append(os.Environ(), "PS1=lab> ")
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		// The terminal belongs to a process group outside, which the shell could not give it back to.
		shell.SysProcAttr = &syscall.SysProcAttr{Foreground: true, Ctty: 0}
	}
	err = shell.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // what the last command of a person returned is no matter of ours
	}
	return err
}

func nameOf(id string) string { return strings.ReplaceAll(id, "/", ".") }

// nameNamespaces lets `ip netns exec` find the pods. The names are seen in the lab only.
func (m *mesh) nameNamespaces() error {
	const dir = "/run/netns"
	if _, err := os.Stat(dir); err != nil {
		// Made once on the machine by the first use of `ip netns`, as ours is of it.
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("lab", dir, "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	spaces := map[string]*netspace{"outside": m.network.outside}
	for _, p := range m.pods() {
		spaces[nameOf(p.id())] = p.space
	}
	for name, space := range spaces {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			return err
		}
		if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", space.file.Fd()), file, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
