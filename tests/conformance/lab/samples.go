package main

import (
	"fmt"
	"os"
	"strconv"
)

// randomRequests are sent beside those the proofs turn on.
const randomRequests = 300

// name is for people; what is drawn at random comes from no line of the policy.
func (t trial) name() string {
	if t.File == "" {
		return t.Title
	}
	return fmt.Sprintf("%s:%d %s", t.File, t.Line, t.Title)
}

// checkSamples sends the requests the proofs turn on, and others at random, and returns how many disagree.
func (m *mesh) checkSamples(s *setup, atLeast int) (int, error) {
	var drawn trials
	if err := s.askJSON(&drawn, s.sampler, s.example, "--random", strconv.Itoa(randomRequests)); err != nil {
		return 0, err
	}
	findings, err := m.sendAll(drawn.Tests)
	if err != nil {
		return 0, err
	}
	skipped := map[string]int{}
	sent := 0
	for _, f := range findings {
		switch {
		case f.skipped != "":
			skipped[f.skipped]++
		case f.wrong != "":
			fmt.Printf("FAIL  %s: %s\n      %s\n      evaluator: %s; traffic: %s\n",
				f.name(), f.wrong, f.Request.text(), f.Result.Text, f.traffic.text())
			fallthrough
		default:
			sent++
		}
	}
	wrong := countWrong(findings)
	routes := weighted(findings)
	for _, t := range routes {
		reason, err := m.checkShares(t)
		if err != nil {
			return wrong, err
		}
		if reason != "" {
			wrong++
			fmt.Printf("FAIL  %s:%d: %s\n", t.File, t.Line, reason)
		}
	}
	fmt.Printf("%d weighted routes asked %d times each\n", len(routes), draws)
	fmt.Printf("%d requests from the proofs and at random, %d sent, %d disagree\n", len(findings), sent, wrong)
	for _, reason := range sortedKeys(skipped) {
		fmt.Fprintf(os.Stderr, "  %d not sent: %s\n", skipped[reason], reason)
	}
	if sent < atLeast {
		return wrong, fmt.Errorf("only %d requests could be sent, of %d wanted", sent, atLeast)
	}
	return wrong, nil
}
