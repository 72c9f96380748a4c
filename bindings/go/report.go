package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import "unsafe"

// RowState says what became of a value.
type RowState int32

// What became of a value.
const (
	RowRestored      RowState = C.CKPT_ROW_STATE_RESTORED       // the object has the value of the checkpoint
	RowDeferred      RowState = C.CKPT_ROW_STATE_DEFERRED       // the object is not there yet; it gets the value when it is tracked
	RowMissing       RowState = C.CKPT_ROW_STATE_MISSING        // the program has an object for which the checkpoint has no value
	RowUnused        RowState = C.CKPT_ROW_STATE_UNUSED         // the checkpoint has a value that the program has no use for
	RowShapeMismatch RowState = C.CKPT_ROW_STATE_SHAPE_MISMATCH // the value has another shape than the object
	RowDTypeMismatch RowState = C.CKPT_ROW_STATE_DTYPE_MISMATCH // the value has another dtype than the object
	RowSkipped       RowState = C.CKPT_ROW_STATE_SKIPPED        // the object was left as it was
	RowTorn          RowState = C.CKPT_ROW_STATE_TORN           // the object has neither its old value nor the new one
)

// String gives the state's name, e.g. "shape mismatch".
func (s RowState) String() string { return C.GoString(C.ckpt_row_state_name(C.ckpt_row_state(s))) }

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
	Candidate    string   // the path on the other side that is plainly meant; empty if there is none
	Detail       string   // more on why
}

// Report says what became of every value of a restore: a row for each value of the checkpoint, then one for each object of the
// program that it has no value for.
type Report struct {
	Rows    []Row
	Summary string // one line: how many rows there are of each state
	Table   string // for people: a line for each row
	JSON    []byte // for programs
}

// Count says how many rows have a state.
func (r *Report) Count(state RowState) int {
	n := 0
	for i := range r.Rows {
		if r.Rows[i].State == state {
			n++
		}
	}
	return n
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
