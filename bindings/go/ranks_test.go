//go:build cgo

package checkpoint

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// channels are ranks that are goroutines. A rank that leaves closes its channel to the first.
type channels struct {
	rank               int
	toFirst, fromFirst []chan []byte
}

func (c *channels) Rank() int  { return c.rank }
func (c *channels) Count() int { return len(c.toFirst) }

func (c *channels) Gather(message []byte) ([][]byte, error) {
	message = append([]byte{}, message...)
	if c.rank > 0 {
		c.toFirst[c.rank] <- message
		return nil, nil
	}
	all := [][]byte{message}
	for _, other := range c.toFirst[1:] {
		all = append(all, <-other) // nil of one that has left
	}
	return all, nil
}

func (c *channels) Broadcast(message []byte) ([]byte, error) {
	if c.rank > 0 {
		told, ok := <-c.fromFirst[c.rank]
		if !ok {
			return nil, errors.New("the first rank has left")
		}
		return told, nil
	}
	for _, other := range c.fromFirst[1:] {
		other <- append([]byte{}, message...)
	}
	return message, nil
}

// asRanks runs so many goroutines, each with a part of a table; the rank away leaves at once.
func asRanks(t *testing.T, count, away int, run func(*channels, *Graph, *Checkpoint) error) []error {
	t.Helper()
	toFirst, fromFirst := make([]chan []byte, count), make([]chan []byte, count)
	for i := range count {
		toFirst[i], fromFirst[i] = make(chan []byte, 1), make(chan []byte, 4)
	}
	errs := make([]error, count)
	var group sync.WaitGroup
	for rank := range count {
		group.Add(1)
		go func() {
			defer group.Done()
			if rank == away {
				close(toFirst[rank])
				return
			}
			g := NewGraph()
			defer g.Close()
			rows := []float32{float32(rank), float32(rank)}
			part := &Part{[]int64{2 * int64(count)}, Region{[]int64{2 * int64(rank)}, []int64{2}}}
			root, err := g.AddObject()
			table, err2 := AddVariable(g, &rows, []int64{2}, NodeOptions{Part: part})
			c, err3 := New(g, root)
			if errs[rank] = errors.Join(err, err2, err3, g.Track(root, "table", table)); errs[rank] == nil {
				defer c.Close()
				errs[rank] = run(&channels{rank, toFirst, fromFirst}, g, c)
			}
		}()
	}
	group.Wait()
	return errs
}

func TestRanks(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		directory := t.TempDir()
		prefix := filepath.Join(directory, "ckpt")
		var sections [3]string
		for _, err := range asRanks(t, 3, -1, func(r *channels, _ *Graph, c *Checkpoint) error {
			_, err := c.WriteRanked(ctx, prefix, r, nil)
			saved, err2 := c.SaveRanked(ctx, prefix, r, nil)
			var err3 error
			sections[r.rank], err3 = c.WriteSection(ctx, filepath.Join(directory, "own"), r, nil)
			m, err4 := NewManager(c, filepath.Join(directory, "managed"), nil)
			if err := errors.Join(err, err2, err3, err4); err != nil {
				return err
			}
			defer m.Close()
			managed, err := m.SaveRanked(ctx, r, nil)
			if err == nil && (saved != prefix+"-1" || managed != filepath.Join(directory, "managed", "ckpt-2")) {
				err = errors.New("saved as " + saved + " and " + managed)
			}
			return err
		}) {
			check0(t, err)
		}
		check0(t, Merge(ctx, filepath.Join(directory, "merged"), sections[:], nil))
		for _, path := range []string{"ckpt", "ckpt-1", "merged", "managed/ckpt-2"} {
			r := must(Open(ctx, filepath.Join(directory, path), nil))(t)
			table := must(r.Get("table/.ATTRIBUTES/VARIABLE_VALUE"))(t)
			same(t, []float32{0, 0, 1, 1, 2, 2}, must(Read[float32](ctx, table))(t))
			equal(t, 3, len(must(table.Slices())(t)))
			r.Close()
		}
		// A rank that never comes is named to all, and what was there stays.
		for rank, err := range asRanks(t, 3, 2, func(r *channels, _ *Graph, c *Checkpoint) error {
			_, err := c.WriteRanked(ctx, filepath.Join(directory, "none"), r, nil)
			return err
		}) {
			if rank < 2 {
				because(t, err, Unavailable, ReasonRank)
				if !strings.Contains(err.Error(), "rank 2 did not take part") {
					t.Errorf("rank %d: %v", rank, err)
				}
			}
		}
		if _, err := Open(ctx, filepath.Join(directory, "none"), nil); err == nil {
			t.Error("a checkpoint is there")
		}
	})
}
