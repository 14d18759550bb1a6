package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// lost tells whether the pod is in what is lost. The caller itself stays: somebody has to send.
func (l losses) lost(p *pod) bool {
	return slices.Contains(l.Clusters, p.cluster.name) || slices.Contains(l.Regions, p.region) || slices.Contains(l.Zones, p.zone)
}

// doomed are the pods that are lost, without the one that stays.
func (m *mesh) doomed(l losses, except *pod) []*pod {
	return slices.DeleteFunc(m.pods(), func(p *pod) bool { return !l.lost(p) || p == except })
}

// lose kills applications and proxies of pods.
func (m *mesh) lose(victims []*pod) error {
	var err error
	for _, p := range victims {
		if app := m.apps[p.id()]; app != nil {
			err = errors.Join(err, app.stop())
		}
		if p.proxied {
			err = errors.Join(err, m.kill("envoy-"+nameOf(p.id())))
		}
	}
	return err
}

// notice does what a cluster does some time after pods died: it no longer counts them as ready.
func (m *mesh) notice(gone []*pod, ready bool) error {
	for _, c := range m.clusters {
		touched := false
		for _, p := range c.pods {
			if slices.Contains(gone, p) && p.ready != ready {
				p.ready = ready
				touched = true
			}
		}
		if !touched {
			continue
		}
		objects := slices.DeleteFunc(slices.Clone(c.objects), func(o *unstructured.Unstructured) bool { return o.GetKind() == "Pod" })
		for _, p := range c.pods {
			objects = append(objects, p.object())
		}
		c.objects = objects
		if err := c.api.show(inventorySet, c.objects); err != nil {
			return err
		}
	}
	return nil
}

// revive starts pods again and waits until all is as before.
func (m *mesh) revive(gone []*pod) error {
	for _, p := range gone {
		if err := m.startPod(p); err != nil {
			return err
		}
	}
	if err := m.notice(gone, true); err != nil {
		return err
	}
	if err := m.settle(60 * time.Second); err != nil {
		return err
	}
	return m.forgetEjections()
}

// forgetEjections starts proxies again that still hold that an endpoint fails: what is ejected stays
// so for longer the oftener it was.
func (m *mesh) forgetEjections() error {
	for _, p := range m.pods() {
		if !p.proxied {
			continue
		}
		clusters, err := m.admin(p, "/clusters")
		if err != nil {
			return err
		}
		if !strings.Contains(clusters, "/failed_outlier_check") {
			continue
		}
		if err := errors.Join(m.kill("envoy-"+nameOf(p.id())), m.startProxy(p)); err != nil {
			return err
		}
	}
	return m.settle(60 * time.Second)
}

// noticeSlack is for what a proxy needs beside the time the policy states: connecting, and taking the
// next tier. failoverWithin is how long proxies are given once the cluster has noticed too.
const (
	noticeSlack    = 2 * time.Second
	failoverWithin = 20 * time.Second
)

// ejection is what the emitted objects state of how a caller finds out by itself.
type ejection struct {
	within time.Duration // errors are counted over that long
	whole  bool          // all endpoints may be ejected, so that nobody else has to notice
}

// ejectionOf is that of the request's host in the caller's cluster; without any statement proxies do
// not find out.
func (m *mesh) ejectionOf(r request) ejection {
	host := r.Host
	if r.Address != nil && r.Address.Kind == "service" {
		host = r.Address.Name + "." + r.Address.Namespace + ".svc."
	}
	for _, object := range m.emitted[r.Cluster] {
		of, _, _ := unstructured.NestedString(object.Object, "spec", "host")
		if object.GetKind() != "DestinationRule" || of != host && !strings.HasPrefix(of, host) {
			continue
		}
		stated, found, _ := unstructured.NestedMap(object.Object, "spec", "trafficPolicy", "outlierDetection")
		if !found {
			continue
		}
		interval, _ := stated["interval"].(string)
		within, err := time.ParseDuration(interval)
		if err != nil {
			within = 10 * time.Second // Istio's default
		}
		share, _ := stated["maxEjectionPercent"].(int64)
		return ejection{within, share == 100}
	}
	return ejection{}
}

// sendUnderLoss kills what the test says is lost. Callers on another network cannot tell a lost
// cluster from one whose gateway for other networks is lost: the same is expected then.
func (m *mesh) sendUnderLoss(s *setup, t trial) ([]finding, error) {
	var except *pod
	here := m.cluster(t.Request.Cluster)
	if here != nil {
		except = m.source(here, t.Request)
	}
	found, err := m.sendWithout(s, t, m.doomed(t.Request.Lost, except), except)
	if err != nil {
		return nil, err
	}
	all := []finding{found}
	if doors := m.doorsOf(t.Request.Lost, here); len(doors) > 0 {
		t.Title += " (only its gateway for other networks)"
		found, err = m.sendWithout(s, t, doors, except)
		all = append(all, found)
	}
	return all, err
}

// doorsOf are the gateways for other networks of lost clusters, when nothing but clusters of other
// networks than the caller's is lost.
func (m *mesh) doorsOf(lost losses, here *cluster) []*pod {
	var doors []*pod
	if here == nil || len(lost.Regions)+len(lost.Zones) > 0 {
		return nil
	}
	for _, name := range lost.Clusters {
		c := m.cluster(name)
		if c == nil || c.network == here.network {
			return nil
		}
		for _, p := range c.pods {
			if p.passes {
				doors = append(doors, p)
			}
		}
	}
	return doors
}

// sendWithout kills pods and sends the request until it is answered as the evaluator says, ten times
// in a row: within the time the policy states for ejection when all may be ejected, and otherwise
// after the cluster has noticed. Meanwhile nobody may answer who is no destination under that loss.
func (m *mesh) sendWithout(s *setup, t trial, victims []*pod, except *pod) (finding, error) {
	found := finding{trial: t}
	if len(victims) == 0 {
		return found, fmt.Errorf("%s: nothing runs in what is lost", t.Title)
	}
	if err := m.lose(victims); err != nil {
		return found, err
	}
	p := passing{ejection: m.ejectionOf(t.Request), begin: time.Now(), killed: len(victims)}
	err := m.untilRight(&found, &p, victims)
	if err == nil && found.wrong == "" {
		p.tell(t.Title)
		found.wrong, err = s.simulated(found, except)
	}
	return found, errors.Join(err, m.revive(victims))
}

// passing is how one failover went.
type passing struct {
	ejection
	begin   time.Time
	killed  int
	sent    int  // requests
	row     int  // of them the last, that were answered as expected
	noticed bool // by the cluster
	since   time.Time
}

// over tells whether to send no more.
func (p *passing) over() bool {
	late := p.within + noticeSlack
	if !p.whole {
		late = max(late, failoverWithin)
	}
	return p.row == 10 || p.row == 0 && time.Since(p.begin) > late
}

func (m *mesh) untilRight(found *finding, p *passing, victims []*pod) error {
	for !p.over() {
		if !p.noticed && !p.whole && p.row == 0 && time.Since(p.begin) > p.within {
			p.noticed = true
			if err := m.notice(victims, false); err != nil {
				return err
			}
		}
		answer, err := m.send(context.Background(), found.trial)
		if errors.Is(err, errUnsendable) {
			found.skipped = err.Error()
			return nil
		}
		if err != nil {
			return err
		}
		found.traffic = answer
		p.sent++
		if strayed := stray(found.Result, answer); strayed != "" {
			found.wrong = strayed
			return nil
		}
		found.wrong = disagreement(found.Result, answer)
		p.row++
		switch {
		case found.wrong != "":
			p.row = 0
		case p.row == 1:
			p.since = time.Now()
		}
	}
	if found.wrong != "" && p.whole {
		found.wrong += fmt.Sprintf(", still %.1f s after the loss; the policy ejects within %s", time.Since(p.begin).Seconds(), p.within)
	}
	return nil
}

// stray says who answered that is no destination of the request at all, however briefly: a place
// where data must not go.
func stray(r result, o observation) string {
	if o.pod == "" {
		return ""
	}
	var all []string
	for _, branch := range r.Branches {
		all = append(all, podsOf(slices.Concat(branch.Tiers...))...)
	}
	if slices.Contains(all, o.pod) {
		return ""
	}
	return fmt.Sprintf("%s answered, which is none of %v", o.pod, all)
}

func (p *passing) tell(title string) {
	how := "by ejection alone, which the policy does within " + p.within.String()
	switch {
	case p.noticed:
		how = "once the cluster no longer counted the pods as ready"
	case p.within == 0:
		how = "at once"
	}
	fmt.Printf("%s: %d pods killed; right after %d requests and %.1f s, %s\n", title, p.killed, p.sent-p.row, p.since.Sub(p.begin).Seconds(), how)
}

// simulation is `weft simulate -o json`.
type simulation struct {
	Moves []simulatedMove `json:"moves"`
}

type simulatedMove struct {
	From struct {
		Cluster string `json:"cluster"`
		Region  string `json:"region"`
		Zone    string `json:"zone"`
	} `json:"from"`
	To    string `json:"to"`
	After [][]struct {
		Cluster string `json:"cluster"`
	} `json:"after"`
}

// simulated compares what came with what `weft simulate` says of the same loss: who serves, or that
// nobody does.
func (s *setup) simulated(f finding, from *pod) (string, error) {
	if from == nil || f.Request.Address == nil || f.Result.Outcome == "answered" {
		return "", nil
	}
	arguments := []string{"simulate", s.example, "--all", "-o", "json"}
	for kind, names := range map[string][]string{
		"cluster": f.Request.Lost.Clusters, "region": f.Request.Lost.Regions, "zone": f.Request.Lost.Zones,
	} {
		for _, name := range names {
			arguments = append(arguments, "--lose", kind+"="+name)
		}
	}
	var answer simulation
	if err := s.askJSON(&answer, s.weft, arguments...); err != nil {
		return "", err
	}
	target := f.Request.Host
	if f.Request.Address.Kind == "service" {
		target = f.Request.Address.Namespace + "/" + f.Request.Address.Name
	}
	for _, move := range answer.Moves {
		place := move.From
		if move.To == target && place.Cluster == from.cluster.name && place.Region == from.region && place.Zone == from.zone {
			return move.disagreement(f.traffic), nil
		}
	}
	return "weft simulate says nothing of it", nil
}

func (s simulatedMove) disagreement(o observation) string {
	if o.pod == "" && len(s.After) == 0 {
		return ""
	}
	here, _, _ := strings.Cut(o.pod, "/")
	for _, backend := range slices.Concat(s.After[:min(1, len(s.After))]...) {
		if backend.Cluster == here {
			return ""
		}
	}
	return fmt.Sprintf("weft simulate says %s, not %s", asText(s.After), o.text())
}
