package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import (
	"iter"
	"slices"
	"unsafe"
)

// Row is a value of a report.
type Row struct {
	Path         string   // the object: names of edges joined by "/", in the checkpoint; of a missing one, in the program
	Key          string   // the key in the checkpoint; of a missing one, the key that it would have
	State        RowState // what became of it
	SavedDType   DType    // Invalid where the checkpoint has no such tensor
	SavedShape   []int64  // nil where the checkpoint has no such tensor
	ProgramDType DType    // Invalid where the program has no such object, takes what comes, or has state of its own
	ProgramShape []int64  // nil likewise; -1 for a dimension that may be anything
	ProgramSlice string   // of a part of a tensor, whose shape ProgramShape then is: which slice, as "0,4:-"; empty of others
	Node         Node     // the object in the program; 0 where it has none
	SavedNode    int64    // the node in the checkpoint's object graph; -1 where it has none
	Candidate    string   // the path on the other side that is probably meant; empty if there is none
	Detail       string   // more on why, if the rest of the row does not say it
}

// Report says what became of every value of a restore: a row for each value of the checkpoint, then
// one for each object of the program that it has no value for.
type Report struct {
	Rows    []Row
	Summary string // one line: how many rows there are of each state
	Table   string // for people: a line for each row
	JSON    []byte // for programs

	counts map[RowState]int
}

// Count says how many rows have a state.
func (r *Report) Count(state RowState) int {
	if r == nil {
		return 0 // before the first restore there is no report
	}
	return r.counts[state]
}

// Of goes over the rows that have one of these states, in their order; over all rows if there are
// none.
func (r *Report) Of(states ...RowState) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		if r == nil {
			return
		}
		for _, row := range r.Rows {
			if (len(states) == 0 || slices.Contains(states, row.State)) && !yield(row) {
				return
			}
		}
	}
}

// String gives the summary.
func (r *Report) String() string {
	if r == nil {
		return "no report"
	}
	return r.Summary
}

// takeReport copies a report that belongs to the caller, and frees it; nil of none.
func takeReport(r *C.ckpt_report) *Report {
	if r == nil {
		return nil
	}
	defer C.ckpt_report_free(r)
	report := &Report{
		Rows:    make([]Row, C.ckpt_report_count(r)),
		Summary: text(C.ckpt_report_summary(r)), Table: text(C.ckpt_report_table(r)), JSON: []byte(text(C.ckpt_report_json(r))),
		counts: map[RowState]int{},
	}
	for i := range report.Rows {
		row := C.ckpt_report_get(r, C.size_t(i))
		report.Rows[i] = Row{
			Path: text(C.ckpt_report_row_path(row)), Key: text(C.ckpt_report_row_key(row)),
			State:        RowState(C.ckpt_report_row_state(row)),
			SavedDType:   DType(C.ckpt_report_row_saved_dtype(row)),
			SavedShape:   knownShape(C.ckpt_report_row_saved_shape(row), C.ckpt_report_row_saved_rank(row)),
			ProgramDType: DType(C.ckpt_report_row_program_dtype(row)),
			ProgramShape: knownShape(C.ckpt_report_row_program_shape(row), C.ckpt_report_row_program_rank(row)),
			ProgramSlice: text(C.ckpt_report_row_program_slice(row)),
			Node:         Node(C.ckpt_report_row_node(row)), SavedNode: int64(C.ckpt_report_row_saved_node(row)),
			Candidate: text(C.ckpt_report_row_candidate(row)), Detail: text(C.ckpt_report_row_detail(row)),
		}
		report.counts[report.Rows[i].State]++
	}
	return report
}

// knownShape copies a shape; nil when its rank is -1.
func knownShape(dims *C.int64_t, rank C.int32_t) []int64 {
	if rank < 0 {
		return nil
	}
	return append([]int64{}, unsafe.Slice((*int64)(unsafe.Pointer(dims)), int(rank))...)
}
