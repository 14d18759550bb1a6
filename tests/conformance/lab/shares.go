package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
)

// draws is how often a weighted route is asked.
const draws = 400

// shareTolerance is how many standard deviations an observed share may be off: by chance alone it
// would be more once in about 150,000 routes.
const shareTolerance = 4.5

// weighted picks, for every rule that spreads over different servers, one request that it decides.
func weighted(findings []finding) []trial {
	var chosen []trial
	seen := map[string]bool{}
	for _, f := range findings {
		key := fmt.Sprintf("%s %s", asText(f.Result.Branches), f.Request.Cluster)
		if f.wrong != "" || f.skipped != "" || seen[key] || !spreads(f.Result.Branches) {
			continue
		}
		seen[key] = true
		chosen = append(chosen, f.trial)
	}
	return chosen
}

// spreads tells whether the branches can be told apart by who answers.
func spreads(branches []resultBranch) bool {
	var all []string
	for _, branch := range branches {
		if branch.Blocked != nil || len(branch.Tiers) == 0 {
			return false
		}
		for _, id := range podsOf(branch.Tiers[0]) {
			if slices.Contains(all, id) {
				return false
			}
			all = append(all, id)
		}
	}
	return len(branches) > 1
}

// checkShares sends a request often and compares how often each branch got it with its weight.
func (m *mesh) checkShares(t trial) (string, error) {
	var mutex sync.Mutex
	var group sync.WaitGroup
	counts := map[string]int{}
	problems := make([]error, draws)
	slots := make(chan struct{}, 8)
	for i := range draws {
		group.Add(1)
		slots <- struct{}{}
		go func() {
			defer group.Done()
			answer, err := m.send(context.Background(), t)
			mutex.Lock()
			counts[answer.pod]++
			mutex.Unlock()
			problems[i] = err
			<-slots
		}()
	}
	group.Wait()
	for _, err := range problems {
		if err != nil {
			return "", err
		}
	}
	for _, branch := range t.Result.Branches {
		got := 0
		for _, id := range podsOf(branch.Tiers[0]) {
			got += counts[id]
		}
		share := branch.Weight / 100
		expected := share * draws
		bound := shareTolerance*math.Sqrt(draws*share*(1-share)) + 1
		if math.Abs(float64(got)-expected) > bound {
			return fmt.Sprintf("%g%% should go to %v: %.0f of %d, give or take %.0f; %d did", branch.Weight, podsOf(branch.Tiers[0]), expected, draws, bound, got), nil
		}
	}
	return "", nil
}
