package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// runExample emits the Istio objects of one example and judges them: every file at its place, every
// object valid, and no message of an analyzer that is not explained. It prints what is wrong.
func runExample(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("example", flag.ContinueOnError)
	weft := flags.String("weft", "", "the weft program; without it the objects in --out are judged as they are")
	explainedFile := flags.String("explained", "", "file of the analyzer messages that are expected")
	dir := flags.String("out", "", "folder to emit into; its content is replaced")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || *explainedFile == "" || flags.NArg() != 1 {
		return errors.New("example: name --explained, --out and one example")
	}
	example, err := filepath.Abs(flags.Arg(0))
	if err != nil {
		return err
	}
	if *weft != "" {
		if err := emit(*weft, example, *dir); err != nil {
			return err
		}
	}
	explained, err := readExplained(*explainedFile, filepath.Base(example))
	if err != nil {
		return err
	}
	problems, err := judgeEmitted(*dir, filepath.Join(example, "inventory"), explained)
	if err != nil {
		return err
	}
	for _, problem := range problems {
		if err := printLine(out, problem); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return errFailed
	}
	return nil
}

func emit(weft, example, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	command := exec.Command(weft, "emit", example, "-o", dir)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

// clusterMessage is a message that nobody explained.
type clusterMessage struct {
	Cluster string `json:"cluster"`
	message
}

type problem struct {
	Problem string `json:"problem"`
}

// judgeEmitted returns what is wrong, each a value to print.
func judgeEmitted(dir, inventories string, explained []explanation) ([]any, error) {
	clusters, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	v, err := newValidator()
	if err != nil {
		return nil, err
	}
	var problems []any
	used := map[explanation]bool{}
	for _, cluster := range clusters {
		root := filepath.Join(dir, cluster.Name())
		refused, err := v.emitted(root)
		if err != nil {
			return nil, err
		}
		problems = append(problems, refused...)
		inventory := filepath.Join(inventories, cluster.Name()+".yaml")
		found, err := analyze([]string{root}, []string{inventory})
		if err != nil {
			return nil, err
		}
		for _, each := range found {
			if reason := findExplanation(explained, each); reason != nil {
				used[*reason] = true
			} else {
				problems = append(problems, clusterMessage{cluster.Name(), each})
			}
		}
	}
	if len(clusters) == 0 {
		problems = append(problems, problem{"nothing was emitted"})
	}
	for _, each := range explained {
		if !used[each] {
			problems = append(problems, problem{"explained but not said: " + each.code + " " + each.text})
		}
	}
	return problems, nil
}

// emitted returns what is wrong with the objects of one cluster, which lie at
// <namespace>/<kind>-<name>.yaml under root. Warnings are left to the analyzers, which repeat them.
func (v *validator) emitted(root string) ([]any, error) {
	files, err := yamlFiles([]string{root})
	if err != nil {
		return nil, err
	}
	var problems []any
	for _, file := range files {
		verdicts, err := v.file(file)
		if err != nil {
			return nil, err
		}
		if len(verdicts) != 1 {
			problems = append(problems, problem{fmt.Sprintf("%s: %d objects, not one", file, len(verdicts))})
			continue
		}
		each := verdicts[0]
		place := filepath.Join(root, each.Namespace, strings.ToLower(each.Kind)+"-"+each.Name+".yaml")
		if each.Error != "" {
			problems = append(problems, each)
		} else if place != file {
			problems = append(problems, problem{file + ": its object belongs into " + place})
		}
	}
	return problems, nil
}
