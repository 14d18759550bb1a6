package main

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"strconv"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // its source carries the schema
	"github.com/xeipuuv/gojsonschema"
)

// runSarif holds files against the JSON schema of SARIF 2.1.0, which OASIS publishes and which
// schema.go of go-sarif has as a constant.
func runSarif(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sarif", flag.ContinueOnError)
	source := flags.String("schema", "", "schema.go of go-sarif's package for SARIF 2.1.0")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("no file is named")
	}
	text, err := constantOf(*source, "schema")
	if err != nil {
		return err
	}
	schema, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
	if err != nil {
		return err
	}
	passed := true
	for _, file := range flags.Args() {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var problems []string
		result, err := schema.Validate(gojsonschema.NewBytesLoader(content))
		if err != nil {
			problems = append(problems, err.Error())
		} else {
			for _, problem := range result.Errors() {
				problems = append(problems, problem.String())
			}
		}
		passed = passed && len(problems) == 0
		if err := printLine(out, map[string]any{"file": file, "errors": problems}); err != nil {
			return err
		}
	}
	if !passed {
		return errFailed
	}
	return nil
}

// constantOf returns the string constant of a Go file.
func constantOf(file, name string) (string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return "", err
	}
	for _, declaration := range parsed.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok || general.Tok != token.CONST {
			continue
		}
		for _, spec := range general.Specs {
			value, ok := spec.(*ast.ValueSpec)
			if !ok || len(value.Names) != 1 || value.Names[0].Name != name || len(value.Values) != 1 {
				continue
			}
			if literal, ok := value.Values[0].(*ast.BasicLit); ok {
				return strconv.Unquote(literal.Value)
			}
		}
	}
	return "", fmt.Errorf("%s has no constant %s", file, name)
}
