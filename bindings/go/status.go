package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

// Status is what became of a restore, and becomes of it as the program goes on: values that wait
// for objects are restored when these are tracked. Several goroutines may use it at once.
//
// When it is closed, and everything that waits for its restore is gone, the checkpoint's log hears
// what was never used, unless ExpectPartial was called. One that the garbage collector closes says
// nothing.
type Status struct {
	*handle[*C.ckpt_status]
}

func statusOf(status *C.ckpt_status) *Status {
	if status == nil {
		return nil
	}
	return &Status{ownWith(status, func(s *C.ckpt_status) { C.ckpt_status_free(s) }, func(s *C.ckpt_status) {
		C.ckpt_status_expect_partial(s)
		C.ckpt_status_free(s)
	})}
}

// A restore that did not come to be has a nil status, which fails as a closed one does.
func (s *Status) hold() *C.ckpt_status {
	if s == nil {
		return nil
	}
	return s.handle.hold()
}

// Close frees the status. Calling it again does nothing, as on nil; it never fails.
func (s *Status) Close() error {
	if s == nil {
		return nil
	}
	return s.handle.Close()
}

func (s *Status) drop(p *C.ckpt_status) {
	if s != nil {
		s.handle.drop(p)
	}
}

// Kind says what kind of restore it is of.
func (s *Status) Kind() RestoreKind {
	p := s.hold()
	defer s.drop(p)
	return RestoreKind(C.ckpt_status_kind(p))
}

// Path gives the prefix of the checkpoint that was restored; empty if there is none.
func (s *Status) Path() string {
	p := s.hold()
	defer s.drop(p)
	return text(C.ckpt_status_path(p))
}

// AssertConsumed fails unless everything in the checkpoint was restored, and every object of the
// program from it. It fails with FailedPrecondition and ReasonAssertion, and names the first few
// objects; the report has all.
func (s *Status) AssertConsumed() error {
	return call(s, func(p *C.ckpt_status, e **C.ckpt_error) C.ckpt_code { return C.ckpt_status_assert_consumed(p, e) })
}

// AssertExistingObjectsMatched fails unless every object of the program that is there by now, and
// has values, got its value from the checkpoint.
func (s *Status) AssertExistingObjectsMatched() error {
	return call(s, func(p *C.ckpt_status, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_status_assert_existing_objects_matched(p, e)
	})
}

// AssertRestMatched fails unless all the rest matched: as AssertExistingObjectsMatched, but for
// what the options leave out. That is what they exclude and, with MismatchSkip, what does not fit.
func (s *Status) AssertRestMatched() error {
	return call(s, func(p *C.ckpt_status, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_status_assert_rest_matched(p, e)
	})
}

// AssertNontrivialMatch fails unless anything but the root was matched.
func (s *Status) AssertNontrivialMatch() error {
	return call(s, func(p *C.ckpt_status, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_status_assert_nontrivial_match(p, e)
	})
}

// ExpectPartial has nothing said in the end about values that were not used. It gives the status
// back.
func (s *Status) ExpectPartial() *Status {
	p := s.hold()
	defer s.drop(p)
	C.ckpt_status_expect_partial(p)
	return s
}

// RunRestoreOps does nothing, as in TensorFlow when it is eager: values are restored at once, or
// when their objects are tracked.
func (s *Status) RunRestoreOps() error {
	return call(s, func(p *C.ckpt_status, e **C.ckpt_error) C.ckpt_code { return C.ckpt_status_run_restore_ops(p, e) })
}

// InitializeOrRestore does nothing, as in TensorFlow when it is eager.
func (s *Status) InitializeOrRestore() error {
	return call(s, func(p *C.ckpt_status, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_status_initialize_or_restore(p, e)
	})
}

// Report says what became of every value, as things stand now.
func (s *Status) Report() (*Report, error) {
	var report *C.ckpt_report
	err := call(s, func(p *C.ckpt_status, e **C.ckpt_error) C.ckpt_code { return C.ckpt_status_report(p, &report, e) })
	return takeReport(report), err
}

// Drop lets nothing wait for this restore any more: what is tracked later is not restored from it.
// Nothing is said about values that were not used. The status is still to be closed.
func (s *Status) Drop() error {
	return call(s, func(p *C.ckpt_status, e **C.ckpt_error) C.ckpt_code { return C.ckpt_status_drop(p, e) })
}
