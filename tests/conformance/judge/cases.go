package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// caseResult is a case whose outcome is not the one it states.
type caseResult struct {
	File string `json:"file"`
	Name string `json:"name,omitempty"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

const (
	expectMark = "# expect: "
	accepted   = "accepted"
	refused    = "refused: "
)

// runCases compares the judge's verdicts with the outcomes that the cases state: every document
// begins with `# expect: accepted` or `# expect: refused: SUBSTRING`.
func runCases(args []string, out io.Writer) error {
	files, err := yamlFiles(args)
	if err != nil {
		return err
	}
	v, err := newValidator()
	if err != nil {
		return err
	}
	judged, failed := 0, false
	for _, file := range files {
		documents, err := readDocuments(file)
		if err != nil {
			return err
		}
		for _, doc := range documents {
			want, err := expectation(doc)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			for _, each := range v.document(file, doc) {
				judged++
				if meets(each, want) {
					continue
				}
				failed = true
				result := caseResult{File: file, Name: each.Name, Want: want, Got: each.Error}
				if err := printLine(out, result); err != nil {
					return err
				}
			}
		}
	}
	if judged == 0 {
		return errors.New("cases: no case found")
	}
	if failed {
		return errFailed
	}
	return nil
}

func expectation(doc document) (string, error) {
	for _, line := range strings.Split(string(doc.text), "\n") {
		if want, ok := strings.CutPrefix(line, expectMark); ok {
			return want, nil
		}
	}
	return "", fmt.Errorf("a document has no line `%s…`", expectMark)
}

func meets(each verdict, want string) bool {
	if want == accepted {
		return each.Error == ""
	}
	part, ok := strings.CutPrefix(want, refused)
	return ok && part != "" && each.Error != "" && strings.Contains(each.Error, part)
}
