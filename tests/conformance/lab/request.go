package main

import (
	"fmt"
	"time"
)

// The types of this file are the JSON of `weft test -o json` and of the sampler (cli/request_json.h).

type request struct {
	Layer     string            `json:"layer"`
	Cluster   string            `json:"cluster"`
	Source    *requestSource    `json:"source"`
	Identity  string            `json:"identity"`
	Gateway   *requestGateway   `json:"gateway"`
	Plaintext bool              `json:"plaintext"`
	Direct    bool              `json:"direct"`
	TLS       bool              `json:"tls"`
	SNI       string            `json:"sni"`
	Host      string            `json:"host"`
	Port      int               `json:"port"`
	Address   *requestAddress   `json:"address"`
	SourceIP  string            `json:"sourceIp"`
	RemoteIP  string            `json:"remoteIp"`
	Method    string            `json:"method"`
	Path      string            `json:"path"`
	Query     map[string]string `json:"query"`
	Headers   map[string]string `json:"headers"`
	Tokens    []requestToken    `json:"tokens"`
	Lost      losses            `json:"lost"`
}

// text is for people.
func (r request) text() string {
	from := "outside " + r.SourceIP
	switch {
	case r.Source != nil:
		from = r.Source.Namespace + "/" + r.Source.Workload
	case r.Identity != "":
		from = r.Identity
	}
	if r.Gateway != nil {
		from += " through " + r.Gateway.Name
	}
	if r.Direct {
		from += " past its proxy"
	}
	if r.Plaintext {
		from += " in clear text"
	}
	return fmt.Sprintf("%s %s:%d%s%s in %s from %s, headers %v, %d tokens", r.Method, r.Host, r.Port, r.Path, asText(r.Query), r.Cluster, from, r.Headers, len(r.Tokens))
}

type requestSource struct {
	Namespace      string `json:"namespace"`
	Workload       string `json:"workload"`
	ServiceAccount string `json:"serviceAccount"`
	Sidecar        bool   `json:"sidecar"`
}

type requestGateway struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// requestAddress is what the host of a request means.
type requestAddress struct {
	Kind      string `json:"kind"` // service, destination, external
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Protocol  string `json:"protocol"`
}

type requestToken struct {
	Provider  string              `json:"provider"`
	Issuer    string              `json:"issuer"`
	Audiences []string            `json:"audiences"`
	Valid     bool                `json:"valid"`
	Claims    map[string][]string `json:"claims"`
	Locations []struct {
		In     string `json:"in"` // header, query, cookie
		Name   string `json:"name"`
		Prefix string `json:"prefix"`
	} `json:"locations"`
}

type losses struct {
	Clusters []string `json:"clusters"`
	Regions  []string `json:"regions"`
	Zones    []string `json:"zones"`
}

func (l losses) any() bool { return len(l.Clusters)+len(l.Regions)+len(l.Zones) > 0 }

// result is what the evaluator says of a request.
type result struct {
	Text      string         `json:"text"`
	Outcome   string         `json:"outcome"` // served, answered, blocked
	Stage     string         `json:"stage"`
	Status    int            `json:"status"`
	Location  string         `json:"location"`
	Body      string         `json:"body"`
	Path      string         `json:"path"`
	Host      string         `json:"host"`
	TimeoutMS *int64         `json:"timeoutMs"`
	DelayMS   *int64         `json:"delayMs"`
	Retries   *retries       `json:"retries"`
	Headers   []headerEdit   `json:"headers"`
	Branches  []resultBranch `json:"branches"`
}

type retries struct {
	Attempts int64  `json:"attempts"`
	PerTryMS *int64 `json:"perTryMs"`
}

// patience is after how long at the latest, and at the earliest, a server that does not answer is
// given up. Tries that end early are repeated after short pauses.
func (r result) patience() (earliest, latest time.Duration) {
	latest = time.Duration(*r.TimeoutMS) * time.Millisecond
	earliest = latest
	if r.Retries != nil && r.Retries.PerTryMS != nil {
		tries := time.Duration(r.Retries.Attempts+1) * time.Duration(*r.Retries.PerTryMS) * time.Millisecond
		earliest = min(earliest, tries)
	}
	return earliest, latest
}

type headerEdit struct {
	Of    string `json:"of"` // request, response
	Do    string `json:"do"` // set, add, remove
	Name  string `json:"name"`
	Value string `json:"value"`
}

type block struct {
	Stage  string `json:"stage"`
	Status int    `json:"status"`
}

type resultBranch struct {
	Weight  float64           `json:"weight"`
	Subset  string            `json:"subset"`
	Blocked *block            `json:"blocked"`
	Tiers   [][]resultBackend `json:"tiers"`
}

type resultBackend struct {
	Cluster   string   `json:"cluster"`
	Namespace string   `json:"namespace"`
	Service   string   `json:"service"`
	Workloads []string `json:"workloads"`
	External  string   `json:"external"`
}

// trial is one request with what the evaluator says of it.
type trial struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Title    string   `json:"title"`
	Passed   bool     `json:"passed"`
	Expected []string `json:"expect"`
	Request  request  `json:"request"`
	Result   result   `json:"result"`
}

// trials is the whole document.
type trials struct {
	Tests    []trial `json:"tests"`
	Clusters []struct {
		Name        string `json:"name"`
		TrustDomain string `json:"trustDomain"`
		Network     string `json:"network"`
		Domain      string `json:"domain"`
	} `json:"clusters"`
}
