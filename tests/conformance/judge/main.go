// Command judge asks Istio's own code about configuration.
//
// Every subcommand prints one JSON object per line on standard output and everything else on
// standard error. It exits with 0 when the judged files pass, 1 when they do not, 2 when they could
// not be judged at all.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"istio.io/istio/pkg/log"
)

// A subcommand returns errFailed when what it judged does not pass, and any other error when it
// could not judge.
type subcommand struct {
	name  string
	usage string
	run   func(args []string, out io.Writer) error
}

var subcommands = []subcommand{
	{"validate", "validate FILES|DIRS…", runValidate},
	{"analyze", "analyze --cluster NAME [--inventory FILE]… DIRS…", runAnalyze},
	{"example", "example --weft PROGRAM --explained FILE --out DIR EXAMPLE", runExample},
	{"cases", "cases FILES|DIRS…", runCases},
	{"authz", "authz FILES|DIRS…", runAuthz},
	{"sarif", "sarif --schema SOURCE FILES…", runSarif},
	{"filters", "filters --out DIR FILES|DIRS…", runFilters},
}

var errFailed = errors.New("not accepted")

func main() {
	if err := quietLogs(); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(2)
	}
	if len(os.Args) > 1 {
		for _, s := range subcommands {
			if s.name == os.Args[1] {
				os.Exit(exitCode(s.run(os.Args[2:], os.Stdout)))
			}
		}
	}
	for _, s := range subcommands {
		fmt.Fprintln(os.Stderr, "usage: judge", s.usage)
	}
	os.Exit(2)
}

func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return 1
	default:
		fmt.Fprintln(os.Stderr, "judge:", err)
		return 2
	}
}

// quietLogs keeps Istio's log, which goes to standard output by default, out of the way of the
// answers.
func quietLogs() error {
	options := log.DefaultOptions()
	options.OutputPaths = []string{"stderr"}
	options.SetDefaultOutputLevel(log.OverrideScopeName, log.ErrorLevel)
	return log.Configure(options)
}

func printLine(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
