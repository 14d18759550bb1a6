package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// verified is `weft verify -o json`, as far as counterexamples go.
type verified struct {
	Findings []struct {
		Code     string   `json:"code"`
		Message  string   `json:"message"`
		File     string   `json:"file"`
		Line     int      `json:"line"`
		Verdict  string   `json:"verdict"` // allowed, blocked
		Expected string   `json:"expected"`
		Request  *request `json:"request"`
		Result   result   `json:"result"`
	} `json:"findings"`
}

// runBroken breaks a copy of an example by a sed script and sends the counterexamples that `weft
// verify` finds: each must do what the finding says.
func runBroken(arguments []string) error {
	s := setup{}
	flags := flag.NewFlagSet("broken", flag.ContinueOnError)
	edit := flags.String("edit", "", "sed script for the example's .weft files")
	if err := s.parse(flags, arguments); err != nil {
		return err
	}
	if err := s.edit(*edit); err != nil {
		return err
	}
	m, _, err := s.prepare()
	if err != nil {
		return err
	}
	var report verified
	if err := s.askJSON(&report, s.weft, "verify", s.example, "-o", "json"); err != nil {
		return err
	}
	var trials []trial
	for _, f := range report.Findings {
		if f.Request == nil {
			continue
		}
		trials = append(trials, trial{
			File: f.File, Line: f.Line, Title: f.Code + " " + f.Message, Expected: []string{f.Verdict},
			Request: *f.Request, Result: f.Result,
		})
	}
	if len(trials) == 0 {
		return errors.New("weft verify has no counterexample for the broken example")
	}
	defer func() { _ = m.down() }()
	if err := m.up(); err != nil {
		return err
	}
	findings, err := m.sendTests(&s, trials)
	if err != nil {
		return err
	}
	for i := range findings {
		f := &findings[i]
		allowed := f.traffic.pod != "" || f.Result.Outcome == "answered"
		switch {
		case f.skipped != "":
			return fmt.Errorf("%s: %s", f.Title, f.skipped)
		case f.wrong == "" && allowed != (f.Expected[0] == "allowed"):
			f.wrong = "the finding says " + f.Expected[0]
		}
	}
	printTable(findings)
	if countWrong(findings) > 0 {
		return errDisagree
	}
	return nil
}

// edit makes the example a copy of itself changed by a sed script, which must change something.
func (s *setup) edit(script string) error {
	if script == "" {
		return errors.New("name --edit")
	}
	copied := filepath.Join(s.dir, "edited")
	if err := os.CopyFS(copied, os.DirFS(s.example)); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(copied, "*.weft"))
	if err != nil {
		return err
	}
	if output, err := exec.Command("sed", append([]string{"-E", "-i", "-f", script}, files...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("sed: %w: %s", err, output)
	}
	if exec.Command("diff", "-rq", s.example, copied).Run() == nil {
		return fmt.Errorf("%s changes nothing in %s", script, s.example)
	}
	s.example = copied
	return nil
}

// asText is for messages.
func asText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
