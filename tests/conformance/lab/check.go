package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// finding is one request with what the evaluator and the traffic said.
type finding struct {
	trial
	traffic observation
	wrong   string // how they disagree
	skipped string // why it was not sent
}

// runCheck brings an example up, sends every request of its tests, and those of the sampler, and
// compares.
func runCheck(arguments []string) error {
	s := setup{}
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	planted := flags.String("mutate", "", "bug to plant in the emitted objects; then disagreement is demanded")
	life := flags.Duration("life", 0, "of certificates: also send until each was renewed twice")
	atLeast := flags.Int("at-least", 0, "how many requests of the sampler must have been sent")
	unsent := flags.Int("unsent", 0, "how many tests of the policy nobody here can send")
	refused := flags.String("refused", "", "line of the policy (FILE:LINE) the mesh must refuse, and name")
	if err := s.parse(flags, arguments); err != nil {
		return err
	}
	if *refused != "" {
		return s.demandRefusal(*planted, *refused)
	}
	begin := time.Now()
	m, tests, err := s.prepareWith(*planted)
	if err != nil {
		return err
	}
	if *life > 0 {
		m.life = *life
	}
	defer func() { _ = m.down() }()
	if err := m.up(); err != nil {
		return err
	}
	fmt.Printf("%s: %d clusters, %d pods up after %.1f s\n", s.example, len(m.clusters), len(m.pods()), time.Since(begin).Seconds())
	findings, err := m.sendTests(&s, tests.Tests)
	if err != nil {
		return err
	}
	printTable(findings)
	wrong := countWrong(findings)
	if err := requireSent(findings, *unsent); err != nil {
		return err
	}
	for again := s.sampler != ""; again; again = *life > 0 && !m.renewed(3) {
		more, err := m.checkSamples(&s, *atLeast)
		if err != nil {
			return err
		}
		wrong += more
	}
	if *planted != "" {
		return demandDisagreement(*planted, wrong)
	}
	if wrong > 0 {
		return fmt.Errorf("%w in %d requests; see %s", errDisagree, wrong, s.dir)
	}
	return nil
}

// renewed tells whether every proxy has had that many certificates.
func (m *mesh) renewed(times int) bool {
	for _, served := range m.secrets {
		if served.certificates() < times {
			return false
		}
	}
	return true
}

func demandDisagreement(planted string, wrong int) error {
	if wrong == 0 {
		return fmt.Errorf("%w: nobody noticed %s", errDisagree, planted)
	}
	fmt.Printf("%s: noticed by %d requests, as it should be\n", planted, wrong)
	return nil
}

// requireSent complains unless all tests were sent but for as many as are known to be unsendable.
func requireSent(findings []finding, unsent int) error {
	skipped := 0
	for _, f := range findings {
		if f.skipped != "" {
			skipped++
		}
	}
	fmt.Printf("%d tests of the policy sent, %d that nobody here can send\n", len(findings)-skipped, skipped)
	if skipped != unsent {
		return fmt.Errorf("%d tests could not be sent, of %d that are known", skipped, unsent)
	}
	return nil
}

func countWrong(findings []finding) int {
	wrong := 0
	for _, f := range findings {
		if f.wrong != "" {
			wrong++
		}
	}
	return wrong
}

// sendTests sends the requests of test blocks, first all those that need the whole mesh, then those
// that need a part of it dead.
func (m *mesh) sendTests(s *setup, tests []trial) ([]finding, error) {
	var findings []finding
	var whole, lossy []trial
	for _, t := range tests {
		if t.Request.Lost.any() {
			lossy = append(lossy, t)
		} else {
			whole = append(whole, t)
		}
	}
	sent, err := m.sendAll(whole)
	if err != nil {
		return nil, err
	}
	findings = append(findings, sent...)
	for _, t := range lossy {
		found, err := m.sendUnderLoss(s, t)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

// sendAll sends requests side by side, results in the order of the requests.
func (m *mesh) sendAll(all []trial) ([]finding, error) {
	findings := make([]finding, len(all))
	problems := make([]error, len(all))
	slots := make(chan struct{}, 8)
	var group sync.WaitGroup
	for i, t := range all {
		group.Add(1)
		slots <- struct{}{}
		go func() {
			defer group.Done()
			findings[i], problems[i] = m.try(t)
			<-slots
		}()
	}
	group.Wait()
	return findings, errors.Join(problems...)
}

// try sends one request and compares. A test that passes on the evaluator and states a time limit is
// also sent to a server that takes longer.
func (m *mesh) try(t trial) (finding, error) {
	found := finding{trial: t}
	answer, err := m.send(context.Background(), t)
	if errors.Is(err, errUnsendable) {
		found.skipped = err.Error()
		return found, nil
	}
	if err != nil {
		return found, fmt.Errorf("%s: %w", t.Title, err)
	}
	found.traffic = answer
	found.wrong = disagreement(t.Result, answer)
	if found.wrong == "" && mentions(t.Expected, "timeout") {
		found.wrong, err = m.timeLimitDisagreement(t)
	}
	return found, err
}

func mentions(texts []string, word string) bool {
	return strings.Contains(strings.Join(texts, " "), word)
}

// timerSlack is by how much Envoy's timers, which count from another moment than the client's clock
// and in whole milliseconds, may seem early.
const timerSlack = 10 * time.Millisecond

// timeLimitDisagreement asks for an answer that comes a second too late.
func (m *mesh) timeLimitDisagreement(t trial) (string, error) {
	if t.Result.TimeoutMS == nil || *t.Result.TimeoutMS == 0 {
		return "", nil
	}
	earliest, latest := t.Result.patience()
	slow := t
	slow.Request.Headers = map[string]string{delayHeader: (latest + time.Second).String()}
	for name, value := range t.Request.Headers {
		slow.Request.Headers[name] = value
	}
	answer, err := m.send(context.Background(), slow)
	if err != nil {
		return "", err
	}
	if answer.status != 504 || answer.elapsed < earliest-timerSlack || answer.elapsed > latest+900*time.Millisecond {
		return fmt.Sprintf("a slower server should be given up after %s with 504, got %d after %s", latest, answer.status, answer.elapsed), nil
	}
	return "", nil
}

// printTable shows test, expectation, evaluator and traffic, and whether they are one.
func printTable(findings []finding) {
	rows := [][]string{{"", "test", "expected", "evaluator", "traffic"}}
	for _, f := range findings {
		mark, traffic := "ok", f.traffic.text()
		switch {
		case f.skipped != "":
			mark, traffic = "SKIP", f.skipped
		case f.wrong != "":
			mark = "FAIL"
		}
		rows = append(rows, []string{mark, f.Title, strings.Join(f.Expected, ", "), f.Result.Text, traffic})
	}
	widths := make([]int, 5)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-len([]rune(cell))+2)
		}
		fmt.Println(strings.TrimRight(line, " "))
	}
	for _, f := range findings {
		if f.wrong != "" {
			fmt.Printf("%s:%d: %s: %s\n", f.File, f.Line, f.Title, f.wrong)
		}
	}
	_ = os.Stdout.Sync()
}
