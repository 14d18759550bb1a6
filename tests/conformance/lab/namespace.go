package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// proxyUser is the user of the proxies: what it sends is not redirected to them again.
const proxyUser = 1337

// netspace is a network namespace. The sockets that are made while a thread is inside stay in it, so
// that this one process can be the application of every pod.
type netspace struct {
	name string
	file *os.File
}

// newNetspace makes a network namespace; it lives as long as the file is open.
func newNetspace(name string) (*netspace, error) {
	made := make(chan error, 1)
	space := &netspace{name: name}
	go func() {
		// Not unlocked: the thread ends with the goroutine, and its namespace is left to `file`.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- fmt.Errorf("network namespace %s: %w", name, err)
			return
		}
		file, err := os.Open("/proc/thread-self/ns/net")
		space.file = file
		made <- err
	}()
	return space, <-made
}

// currentNetspace is the one the process was started in.
func currentNetspace(name string) (*netspace, error) {
	file, err := os.Open("/proc/self/ns/net")
	return &netspace{name: name, file: file}, err
}

// do calls use on a thread inside the namespace. use must not start goroutines that open sockets.
func (n *netspace) do(use func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // not unlocked: the thread ends with the goroutine
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter %s: %w", n.name, err)
			return
		}
		done <- use()
	}()
	return <-done
}

// start starts a command inside the namespace.
func (n *netspace) start(command *exec.Cmd) error { return n.do(command.Start) }

// run runs a command inside the namespace; the error holds what it wrote.
func (n *netspace) run(command *exec.Cmd) error {
	return n.do(func() error {
		output, err := command.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, output)
		}
		return nil
	})
}

func (n *netspace) listen(address string) (listener net.Listener, err error) {
	err = n.do(func() error {
		listener, err = net.Listen("tcp4", address)
		return err
	})
	return listener, err
}

// dialer says how a connection is opened from a namespace.
type dialer struct {
	from   *netspace
	local  netip.Addr // own address; zero = the usual one
	around bool       // past the proxy of the pod, which redirection would lead to
}

func (d dialer) dial(ctx context.Context, to netip.AddrPort) (connection net.Conn, err error) {
	plain := net.Dialer{}
	if d.local.IsValid() {
		plain.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(d.local, 0))
	}
	err = d.from.do(func() error {
		if d.around {
			// Of this thread alone, which is not used again.
			if err := unix.Setfsuid(proxyUser); err != nil {
				return err
			}
		}
		connection, err = plain.DialContext(ctx, "tcp4", to.String())
		return err
	})
	return connection, err
}
