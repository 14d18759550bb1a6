package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideMark tells the second incarnation of the program that it has namespaces of its own.
const insideMark = "WEFT_LAB_INSIDE"

// isolated reports whether this process is the first one of its own namespaces.
func isolated() bool { return os.Getenv(insideMark) != "" }

// isolate runs the program again with process, network and mount namespaces of its own and returns
// its exit code. Everything the lab starts is a descendant of that process: when it ends, however it
// ends, the kernel ends all of them, and with them go the networks, the mounts and the sockets. It
// is told to die with this process, so that a kill of either leaves nothing behind.
func isolate() (int, error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("the lab makes network namespaces: run it as root")
	}
	// The death signal is sent when the thread that started the child ends.
	runtime.LockOSThread()
	command := exec.Command("/proc/self/exe", os.Args[1:]...)
	command.Env = append(os.Environ(), insideMark+"=1")
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if err := command.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM { // an interrupt reaches the child by the terminal
				_ = command.Process.Signal(s)
			}
		}
	}()
	err := command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if exit.ExitCode() < 0 {
			return 2, fmt.Errorf("the lab ended by %s", exit)
		}
		return exit.ExitCode(), nil
	}
	return 0, err
}

// scratch is a folder in memory that only the lab sees: sockets and names of network namespaces,
// whose paths must be short.
const scratch = "/mnt"

// furnish makes the namespaces usable: /proc shows the lab's processes, scratch is empty, and
// /etc/hosts and /run/netns are the lab's own.
func furnish() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	if err := unix.Mount("lab", scratch, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("%s: %w", scratch, err)
	}
	if err := os.WriteFile(hostsFile, []byte("127.0.0.1 localhost\n"), 0o644); err != nil {
		return err
	}
	return unix.Mount(hostsFile, "/etc/hosts", "", unix.MS_BIND, "")
}

const hostsFile = scratch + "/hosts"
