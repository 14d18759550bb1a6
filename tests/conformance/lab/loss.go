package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// lost tells whether the pod is in what is lost. The caller itself stays: somebody has to send.
func (l losses) lost(p *pod) bool {
	return slices.Contains(l.Clusters, p.cluster.name) || slices.Contains(l.Regions, p.region) || slices.Contains(l.Zones, p.zone)
}

// lose kills the pods that are lost, applications and proxies, and returns them.
func (m *mesh) lose(l losses, except *pod) ([]*pod, error) {
	var gone []*pod
	var err error
	for _, p := range m.pods() {
		if !l.lost(p) || p == except {
			continue
		}
		gone = append(gone, p)
		if app := m.apps[p.id()]; app != nil {
			err = errors.Join(err, app.stop())
		}
		if p.proxied {
			err = errors.Join(err, m.kill("envoy-"+strings.ReplaceAll(p.id(), "/", ".")))
		}
	}
	return gone, err
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
		if err := writeObjects(filepath.Join(m.dir, c.name, "api", "cluster.yaml"), c.objects); err != nil {
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
	return m.settle(60 * time.Second)
}

// ejectWithin is how long the proxies are given to find out by themselves, by ejecting what fails,
// and failoverWithin how long when the cluster has noticed too.
const (
	ejectWithin    = 5 * time.Second
	failoverWithin = 20 * time.Second
)

// sendUnderLoss kills what the test says is lost and sends the request until it is answered as the
// evaluator says, ten times in a row.
func (m *mesh) sendUnderLoss(s *setup, t trial) (finding, error) {
	found := finding{trial: t}
	var except *pod
	if here := m.cluster(t.Request.Cluster); here != nil {
		except = m.source(here, t.Request)
	}
	gone, err := m.lose(t.Request.Lost, except)
	if err != nil {
		return found, err
	}
	begin, sent, row, noticed := time.Now(), 0, 0, false
	for row < 10 && (row > 0 || time.Since(begin) < failoverWithin) {
		if !noticed && row == 0 && time.Since(begin) > ejectWithin {
			noticed = true
			err = m.notice(gone, false)
		}
		answer, sendErr := m.send(context.Background(), t)
		if err = errors.Join(err, sendErr); err != nil {
			return found, errors.Join(err, m.revive(gone))
		}
		found.traffic = answer
		found.wrong = disagreement(t.Result, answer)
		sent++
		row++
		if found.wrong != "" {
			row = 0
		}
	}
	m.tellLoss(found, len(gone), sent-row, time.Since(begin), noticed)
	if found.wrong == "" {
		found.wrong, err = s.simulated(found, except)
	}
	return found, errors.Join(err, m.revive(gone))
}

func (m *mesh) tellLoss(f finding, killed, before int, after time.Duration, noticed bool) {
	how := "by ejection alone"
	if noticed {
		how = "once the cluster no longer counted the pods as ready"
	}
	if f.wrong == "" {
		fmt.Printf("%s: %d pods killed; after %d requests and %.1f s all as expected, %s\n", f.Title, killed, before, after.Seconds(), how)
	}
}

// simulation is `weft simulate -o json`.
type simulation struct {
	Moves []struct {
		From struct {
			Cluster string `json:"cluster"`
			Region  string `json:"region"`
			Zone    string `json:"zone"`
		} `json:"from"`
		To    string `json:"to"`
		After [][]struct {
			Cluster string `json:"cluster"`
		} `json:"after"`
	} `json:"moves"`
}

// simulated compares who answered with what `weft simulate` says of the same loss.
func (s *setup) simulated(f finding, from *pod) (string, error) {
	if from == nil || f.Request.Address == nil || f.traffic.pod == "" {
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
	here, _, _ := strings.Cut(f.traffic.pod, "/")
	for _, move := range answer.Moves {
		place := move.From
		if move.To != target || place.Cluster != from.cluster.name || place.Region != from.region || place.Zone != from.zone {
			continue
		}
		for _, backend := range slices.Concat(move.After[:min(1, len(move.After))]...) {
			if backend.Cluster == here {
				return "", nil
			}
		}
		return fmt.Sprintf("weft simulate says %s, not %s", asText(move.After), here), nil
	}
	return "weft simulate says nothing of it", nil
}
