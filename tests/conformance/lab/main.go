// Command lab runs a real Istio mesh on one machine, without Kubernetes, and holds weft's evaluator
// against it: istiod from Istio's own module over a Kubernetes API in memory, stock Envoy, and one
// network namespace for each workload of an inventory. See docs/lab.md.
//
// It exits with 0 when traffic and evaluator agree, 1 when they do not, 2 when that could not be
// found out.
package main

import (
	"errors"
	"fmt"
	"os"
)

type subcommand struct {
	name  string
	usage string
	alone bool // needs no namespaces of its own
	run   func(arguments []string) error
}

var subcommands = []subcommand{
	{"check", "check --weft PROGRAM --envoy PROGRAM [--sampler PROGRAM] --dir DIR EXAMPLE", false, runCheck},
	{"broken", "broken --edit SED --weft PROGRAM --envoy PROGRAM --dir DIR EXAMPLE", false, runBroken},
	{"change", "change --edit SED --weft PROGRAM --envoy PROGRAM --dir DIR EXAMPLE", false, runChange},
	{"shell", "shell --weft PROGRAM --envoy PROGRAM --dir DIR EXAMPLE", false, runShell},
	{"istiod", "istiod (started by the others)", true, runIstiod},
}

// errDisagree is a result; every other error means that there is none.
var errDisagree = errors.New("traffic and evaluator disagree")

func main() {
	if len(os.Args) > 1 {
		for _, s := range subcommands {
			if s.name == os.Args[1] {
				os.Exit(perform(s))
			}
		}
	}
	for _, s := range subcommands {
		fmt.Fprintln(os.Stderr, "usage: lab", s.usage)
	}
	os.Exit(2)
}

func perform(s subcommand) int {
	if !s.alone && !isolated() {
		code, err := isolate()
		if err != nil {
			fmt.Fprintln(os.Stderr, "lab:", err)
			return 2
		}
		return code
	}
	if !s.alone {
		if err := furnish(); err != nil {
			fmt.Fprintln(os.Stderr, "lab:", err)
			return 2
		}
	}
	err := s.run(os.Args[2:])
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errDisagree):
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	fmt.Fprintln(os.Stderr, "lab:", err)
	return 2
}
