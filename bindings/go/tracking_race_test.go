//go:build cgo

package checkpoint

import (
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// Several goroutines save and restore one model. A restore sets values of its maps while others
// look at them, which the runtime and the race detector refuse without a lock.
func TestModelsAreSavedAndRestoredAtOnce(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		type models struct {
			Rates   map[string]float64    `ckpt:"rates"`
			Moments map[string][]float32  `ckpt:"moments"`
			Pairs   map[string][2]float32 `ckpt:"pairs"`
			Values  []float32             `ckpt:"values"`
		}
		m := &models{map[string]float64{}, map[string][]float32{}, map[string][2]float32{}, []float32{1}}
		for i := range 30 {
			key := strconv.Itoa(i)
			m.Rates[key], m.Moments[key], m.Pairs[key] = float64(i), []float32{float32(i)}, [2]float32{float32(i), 1}
		}
		p := newProgram(t)
		defer p.close()
		must(TrackStruct(p.Graph, p.root, m))(t)
		path := p.save(filepath.Join(t.TempDir(), "m"))
		// What is restored into the slices has another length than they have.
		for key := range m.Moments {
			m.Moments[key] = nil
		}
		m.Values = nil
		const rounds = 60
		var all sync.WaitGroup
		for _, step := range []func() error{
			func() error {
				status, err := p.ckpt.Read(ctx, path, nil)
				if err != nil {
					return err
				}
				return status.Close()
			},
			func() error { _, err := p.ckpt.SaveCount(); return err },
			func() error { _, err := p.ckpt.DryRun(ctx, path, nil); return err },
			// More models in the graph, all of which each call looks at.
			func() error {
				root, err := p.AddObject()
				if err != nil {
					return err
				}
				_, err = TrackStruct(p.Graph, root, &ofRates{map[string]float64{"x": 1}})
				return err
			},
		} {
			all.Add(1)
			go func() {
				defer all.Done()
				for range rounds {
					if err := step(); err != nil {
						t.Error(err)
						return
					}
				}
			}()
		}
		all.Wait()
		equal(t, 30, len(m.Rates))
		equal(t, 29, m.Rates["29"])
		same(t, []float32{29}, m.Moments["29"])
		same(t, []float32{1}, m.Values)
	})
}
