package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// disagreement says in which way the traffic is not what the evaluator says; "" when it is.
func disagreement(r result, o observation) string {
	switch r.Outcome {
	case "blocked":
		return blockDisagreement(block{r.Stage, r.Status}, o)
	case "answered":
		return answerDisagreement(r, o)
	}
	var reasons []string
	for _, branch := range r.Branches {
		reason := branchDisagreement(r, branch, o)
		if reason == "" {
			return ""
		}
		reasons = append(reasons, reason)
	}
	return strings.Join(slices.Compact(reasons), "; or ")
}

// blockDisagreement compares how a request was refused. A proxy says in its answer which of its
// filters refused.
func blockDisagreement(b block, o observation) string {
	if o.pod != "" {
		return fmt.Sprintf("should be blocked at %s, was served by %s", b.Stage, o.pod)
	}
	if b.Status == 0 || o.broken != "" {
		return brokenDisagreement(b, o)
	}
	if o.status != b.Status {
		return fmt.Sprintf("should be blocked at %s with %d, was answered with %d", b.Stage, b.Status, o.status)
	}
	words := map[string]string{"denied": "RBAC: access denied", "not-allowed": "RBAC: access denied",
		"authentication": "Jwt", "fault": "fault filter abort"}[b.Stage]
	if o.status == http.StatusForbidden && b.Stage == "authentication" {
		words = "RBAC: access denied" // a required token is demanded by authorization
	}
	if !o.bodiless && !strings.Contains(o.body, words) {
		return fmt.Sprintf("should be blocked at %s, the answer says %q", b.Stage, o.body)
	}
	return ""
}

// brokenDisagreement compares refusals of connections. Where a proxy of the caller stands in
// between, it reports the broken connection as 503.
func brokenDisagreement(b block, o observation) string {
	switch {
	case o.broken != "" && b.Status == 0:
		return ""
	case o.broken != "":
		return fmt.Sprintf("should be blocked at %s with %d, the connection broke: %s", b.Stage, b.Status, o.broken)
	case o.status == http.StatusServiceUnavailable && (o.bodiless || strings.Contains(o.body, "upstream connect error")):
		return ""
	}
	return fmt.Sprintf("the connection should be refused at %s, was answered with %d %s", b.Stage, o.status, o.body)
}

func answerDisagreement(r result, o observation) string {
	switch {
	case o.broken != "":
		return "the proxy should answer, the connection broke: " + o.broken
	case o.pod != "":
		return "the proxy should answer, but did " + o.pod
	case o.status != r.Status:
		return fmt.Sprintf("the proxy should answer with %d, was %d", r.Status, o.status)
	case r.Location != "" && !sameLocation(o.headers.Get("location"), r.Location):
		return fmt.Sprintf("should lead to %s, does to %s", r.Location, o.headers.Get("location"))
	case r.Location == "" && !o.bodiless && r.Body != o.body:
		return fmt.Sprintf("the proxy should say %q, said %q", r.Body, o.body)
	}
	return ""
}

func sameLocation(a, b string) bool {
	first, errFirst := url.Parse(a)
	second, errSecond := url.Parse(b)
	return errFirst == nil && errSecond == nil && first.Scheme == second.Scheme && first.Host == second.Host && first.EscapedPath() == second.EscapedPath()
}

func branchDisagreement(r result, branch resultBranch, o observation) string {
	if branch.Blocked != nil {
		return blockDisagreement(*branch.Blocked, o)
	}
	if o.pod == "" {
		return "should be served, was: " + o.text() + " " + o.broken
	}
	if len(branch.Tiers) == 0 || !slices.Contains(podsOf(branch.Tiers[0]), o.pod) {
		return fmt.Sprintf("should be served by one of %v, was by %s", podsOf(slices.Concat(branch.Tiers...)), o.pod)
	}
	return deliveryDisagreement(r, o)
}

func podsOf(tier []resultBackend) []string {
	var ids []string
	for _, backend := range tier {
		if backend.External != "" {
			ids = append(ids, "external/"+backend.External)
		}
		for _, workload := range backend.Workloads {
			ids = append(ids, backend.Cluster+"/"+backend.Namespace+"/"+workload)
		}
	}
	return ids
}

// deliveryDisagreement compares what the server saw.
func deliveryDisagreement(r result, o observation) string {
	if o.seen == nil || o.seen.Method == "" {
		return "" // no HTTP
	}
	host, _, _ := strings.Cut(o.seen.Host, ":")
	switch {
	case o.seen.Path != r.Path:
		return fmt.Sprintf("the server should see path %s, saw %s", r.Path, o.seen.Path)
	case host != r.Host:
		return fmt.Sprintf("the server should see host %s, saw %s", r.Host, host)
	case r.DelayMS != nil && o.elapsed < time.Duration(*r.DelayMS)*time.Millisecond-timerSlack:
		return fmt.Sprintf("should be delayed by %d ms, took %s", *r.DelayMS, o.elapsed)
	}
	for _, edit := range r.Headers {
		value := o.headers.Get(edit.Name)
		if edit.Of == "request" {
			value = o.seen.Headers[edit.Name]
		}
		fine := map[string]bool{"set": value == edit.Value, "add": strings.Contains(value, edit.Value), "remove": value == ""}
		if !fine[edit.Do] {
			return fmt.Sprintf("header %s of the %s should be %s %q, is %q", edit.Name, edit.Of, edit.Do, edit.Value, value)
		}
	}
	return ""
}
