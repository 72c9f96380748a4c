//go:build cgo

package checkpoint

import (
	"path/filepath"
	"testing"
)

// TestParts saves a table by rows, as two workers do, and restores it by columns.
func TestParts(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		directory := t.TempDir()
		sections := []string{filepath.Join(directory, "upper"), filepath.Join(directory, "lower")}
		for worker, section := range sections {
			g := NewGraph()
			rows := []float32{float32(worker), float32(worker), float32(worker), float32(worker)}
			part := &Part{[]int64{4, 2}, Region{[]int64{2 * int64(worker), 0}, []int64{2, -1}}}
			table := must(AddVariable(g, &rows, []int64{2, 2}, NodeOptions{Part: part}))(t)
			s := must(NewSaver(g, []NamedNode{{"table", table}}, nil))(t)
			must(s.Save(ctx, section, nil))(t)
			s.Close()
			g.Close()
		}
		merged := filepath.Join(directory, "merged")
		check0(t, Merge(ctx, merged, sections, nil))
		g := NewGraph()
		defer g.Close()
		columns := []float32{-1, -1, -1, -1}
		part := &Part{[]int64{4, 2}, Region{[]int64{0, 1}, []int64{-1, 1}}}
		table := must(AddVariable(g, &columns, []int64{4, 1}, NodeOptions{Name: "table", Part: part}))(t)
		s := must(NewSaverOfVariables(g, []Node{table}, nil))(t)
		defer s.Close()
		report := must(s.Restore(ctx, merged, nil))(t)
		same(t, []float32{0, 0, 1, 1}, columns)
		equal(t, 1, len(report.Rows))
		equal(t, "-:1,1", report.Rows[0].ProgramSlice)
		same(t, []int64{4, 2}, report.Rows[0].ProgramShape)
		_, err := AddVariable(g, &columns, []int64{4}, NodeOptions{Part: part})
		because(t, err, InvalidArgument, ReasonShape)
		_, err = AddVariable(g, &columns, []int64{4, 1}, NodeOptions{Part: &Part{[]int64{4, 2}, Region{[]int64{0}, []int64{4}}}})
		because(t, err, InvalidArgument, ReasonShape)
	})
}
