package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// runChange measures a change of the policy under load: how long until every proxy behaves the new
// way, and whether any request saw what is neither the old policy nor the new one.
func runChange(arguments []string) error {
	s := setup{}
	flags := flag.NewFlagSet("change", flag.ContinueOnError)
	edit := flags.String("edit", "", "sed script that makes the new policy")
	drain := flags.Int("drain", 1, "seconds a proxy lets connections live on whose listener changed; Istio's default is 45")
	pause := flags.Duration("pause", 5*time.Millisecond, "of each of two senders of each request, between two requests")
	times := flags.Int("times", 10, "how often to change there and back")
	if err := s.parse(flags, arguments); err != nil {
		return err
	}
	m, before, err := s.prepare()
	if err != nil {
		return err
	}
	changed := s
	changed.inventory = nil
	changed.dir += "/new"
	if err := changed.edit(*edit); err != nil {
		return err
	}
	other, after, err := changed.prepare()
	if err != nil {
		return err
	}
	telling := differing(before.Tests, after.Tests)
	if len(telling) == 0 {
		return errors.New("no test of the example tells the two policies apart")
	}
	m.drain = *drain
	defer func() { _ = m.down() }()
	if err := m.up(); err != nil {
		return err
	}
	policies := []map[string][]*unstructured.Unstructured{m.emitted, other.emitted}
	var all []passage
	for i := range 2 * *times {
		found, err := m.pass(policies[(i+1)%2], telling, i%2 == 0, *pause)
		if err != nil {
			return err
		}
		all = append(all, found)
	}
	report(all)
	return nil
}

// telling is a request that the two policies treat differently.
type telling struct {
	trial
	old, new result
}

func differing(before, after []trial) []telling {
	var found []telling
	for _, t := range before {
		at := slices.IndexFunc(after, func(other trial) bool { return other.Title == t.Title })
		if at >= 0 && !t.Request.Lost.any() && after[at].Result.Text != t.Result.Text {
			found = append(found, telling{t, t.Result, after[at].Result})
		}
	}
	return found
}

// passage is one change: when the first answer was new, when the last was old, both since the files
// were written, and how many answers were neither.
type passage struct {
	first, last   time.Duration
	sent, neither int
	example       string
	lastOf        map[string]time.Duration // last old answer, by request
}

// watch notes what answers come during one change.
type watch struct {
	mutex   sync.Mutex
	forward bool      // from the old policy to the new one
	begin   time.Time // of the change; zero before
	lastOld time.Time
	found   passage
}

func (w *watch) start() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.begin = time.Now()
	w.lastOld = w.begin
}

func (w *watch) note(t telling, sent time.Time, answer observation) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	before, after := t.old, t.new
	if !w.forward {
		before, after = after, before
	}
	w.found.sent++
	switch {
	case disagreement(after, answer) == "":
		if w.found.first < 0 && !w.begin.IsZero() && sent.After(w.begin) {
			w.found.first = time.Since(w.begin)
		}
	case disagreement(before, answer) == "":
		w.lastOld = time.Now()
		if !w.begin.IsZero() {
			w.found.lastOf[t.Title] = w.lastOld.Sub(w.begin)
		}
	default:
		w.found.neither++
		w.found.example = answer.text() + " " + answer.broken
	}
}

// over complains until there were new answers and, for a while, no old ones.
func (w *watch) over(quiet time.Duration) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.found.first < 0 || time.Since(w.lastOld) < quiet {
		return errors.New("old answers still come")
	}
	return nil
}

// keepSending sends a request again and again until ctx ends.
func (m *mesh) keepSending(ctx context.Context, t telling, pause time.Duration, w *watch) {
	for ctx.Err() == nil {
		sent := time.Now()
		if answer, err := m.send(context.Background(), t.trial); err == nil {
			w.note(t, sent, answer)
		}
		time.Sleep(pause)
	}
}

// pass shows the istiods the objects of another policy while requests run, until all answers have
// been new for a second.
func (m *mesh) pass(to map[string][]*unstructured.Unstructured, all []telling, forward bool, pause time.Duration) (passage, error) {
	w := &watch{forward: forward, found: passage{first: -1, lastOf: map[string]time.Duration{}}}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var group sync.WaitGroup
	for _, t := range all {
		for range 2 {
			group.Add(1)
			go func() {
				defer group.Done()
				m.keepSending(ctx, t, pause, w)
			}()
		}
	}
	time.Sleep(200 * time.Millisecond) // of steady load before the change
	w.start()
	m.emitted = to
	var err error
	for _, c := range m.clusters {
		err = errors.Join(err, m.apply(c))
	}
	if err == nil {
		err = poll(90*time.Second, func() error { return w.over(time.Second + 4*pause) })
	}
	stop()
	group.Wait()
	w.found.last = w.lastOld.Sub(w.begin)
	return w.found, err
}

func report(all []passage) {
	var first, last []time.Duration
	sent, neither := 0, 0
	for _, p := range all {
		first, last = append(first, p.first), append(last, p.last)
		sent += p.sent
		neither += p.neither
		if p.neither > 0 {
			fmt.Println("neither old nor new:", p.neither, "such as", p.example)
		}
	}
	worst := map[string]time.Duration{}
	for _, p := range all {
		for title, at := range p.lastOf {
			worst[title] = max(worst[title], at)
		}
	}
	for _, title := range sortedKeys(worst) {
		fmt.Printf("last old answer to %q after %d ms (worst)\n", title, worst[title].Milliseconds())
	}
	slices.Sort(first)
	slices.Sort(last)
	middle, end := len(all)/2, len(all)-1
	fmt.Printf("%d changes, %d requests, %d of them neither old nor new\n", len(all), sent, neither)
	fmt.Printf("first new answer after %d ms (median), %d ms (worst)\n", first[middle].Milliseconds(), first[end].Milliseconds())
	fmt.Printf("last old answer after %d ms (median), %d ms (worst)\n", last[middle].Milliseconds(), last[end].Milliseconds())
}
