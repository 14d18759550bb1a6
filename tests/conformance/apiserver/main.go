// Command apiserver runs Kubernetes' own API server and its etcd on free ports of loopback, for tests
// of what talks to one. Nothing else of Kubernetes runs beside them.
//
//	apiserver up --dir DIR --kube-apiserver PROGRAM --etcd PROGRAM
//	apiserver apply --dir DIR FILE...
//	apiserver request --dir DIR METHOD PATH [BODY]
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

var errUsage = errors.New("usage: apiserver up|apply|request --dir DIR ...")

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "up":
		return up(args[1:])
	case "apply":
		return apply(args[1:])
	case "request":
		return request(args[1:], out)
	}
	return errUsage
}
