package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// explanation is one expected message of an analyzer.
type explanation struct {
	code, text string
}

// readExplained returns the explanations for one example. A line is
//
//	<example> <code> <substring of message>  # reason
//
// and a line that starts with # is a comment.
func readExplained(file, example string) ([]explanation, error) {
	handle, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	var explained []explanation
	lines := bufio.NewScanner(handle)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		what, reason, _ := strings.Cut(line, "  # ")
		words := strings.SplitN(strings.TrimSpace(what), " ", 3)
		if len(words) != 3 || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s:%d: want `<example> <code> <substring of message>  # reason`",
				file, number)
		}
		if words[0] == example {
			explained = append(explained, explanation{code: words[1], text: strings.TrimSpace(words[2])})
		}
	}
	return explained, lines.Err()
}

// findExplanation returns the explanation of a message, or nil. The substring may also name the
// object, as the message is searched as `origin: message`. An error is never explained.
func findExplanation(explained []explanation, found message) *explanation {
	if found.isError() {
		return nil
	}
	for i, each := range explained {
		if each.code == found.Code && strings.Contains(found.Origin+": "+found.Message, each.text) {
			return &explained[i]
		}
	}
	return nil
}
