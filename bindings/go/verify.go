package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import "context"

// VerifyOptions says how a checkpoint is verified. The zero value, and nil, are the defaults.
type VerifyOptions struct {
	Threads    uint32                         // 0 for the library's choice
	SkipValues bool                           // reads no values: verifies the index, the lengths of the data files and the keys of the object graph
	Log        func(Severity, string)         // hears how the path was understood where that may surprise; what is wrong with a checkpoint is in the result
	Progress   func(done, total uint64) error // hears how many bytes of how many were checked; its error stops the call
}

// Verification is what verifying found.
type Verification struct {
	Verdict  Verdict  // what the checkpoint is good for
	Problems []*Error // at most 10 000, the reason for the verdict first; none when the checkpoint is whole
	Tensors  int      // tensors listed
	Bytes    uint64   // bytes of values that were checked
	Files    int      // files that were there
}

// Verify checks every checksum of every block and tensor of a checkpoint, that slices cover their
// tensors, and that every key of the object graph is there. It goes on after a fault: no error says
// that it came to the end, not that the checkpoint is whole; see [Verification.Verdict].
func Verify(ctx context.Context, p string, options *VerifyOptions) (*Verification, error) {
	var found *C.ckpt_verification
	err := options.verifying(ctx, p, func(c *C.char, made *C.ckpt_verify_options, pending **C.ckpt_pending, e **C.ckpt_error) {
		C.ckpt_verify_async(c, made, pending, e)
	}, func(pending *C.ckpt_pending, e **C.ckpt_error) { C.ckpt_pending_take_verification(pending, &found, e) })
	if err != nil {
		return nil, err
	}
	defer C.ckpt_verification_free(found)
	v := &Verification{
		Verdict: Verdict(C.ckpt_verification_verdict(found)), Tensors: int(C.ckpt_verification_tensor_count(found)), Bytes: uint64(C.ckpt_verification_byte_count(found)),
		Files: int(C.ckpt_verification_file_count(found)),
	}
	for i := range C.ckpt_verification_problem_count(found) {
		v.Problems = append(v.Problems, errorOf(C.ckpt_verification_problem(found, i)))
	}
	return v, nil
}

// verifying runs in the background what takes a path and these options, and takes its result.
func (o *VerifyOptions) verifying(
	ctx context.Context, p string, begin func(*C.char, *C.ckpt_verify_options, **C.ckpt_pending, **C.ckpt_error),
	take func(*C.ckpt_pending, **C.ckpt_error),
) error {
	c, free, err := path(p)
	if err != nil {
		return err
	}
	defer free()
	cancellation, made, err := o.make()
	if err != nil {
		return err
	}
	defer cancellation.close()
	defer C.ckpt_verify_options_free(made)
	pending, err := await(ctx, func(pending **C.ckpt_pending, e **C.ckpt_error) { begin(c, made, pending, e) })
	if err != nil {
		return err
	}
	defer C.ckpt_pending_free(pending)
	var e *C.ckpt_error
	take(pending, &e)
	return stopped(ctx, cancellation.stopper.because(takeError(e)))
}

// repairing runs what takes a path and these options.
func (o *VerifyOptions) repairing(ctx context.Context, p string, run func(*C.char, *C.ckpt_verify_options, **C.ckpt_error)) error {
	c, free, err := path(p)
	if err != nil {
		return err
	}
	defer free()
	cancellation, made, err := o.make()
	if err != nil {
		return err
	}
	defer cancellation.close()
	defer C.ckpt_verify_options_free(made)
	return cancellation.run(ctx, func() error {
		var e *C.ckpt_error
		run(c, made, &e)
		return takeError(e)
	})
}

func (o *VerifyOptions) make() (*cancellation, *C.ckpt_verify_options, error) {
	if o == nil {
		o = &VerifyOptions{}
	}
	cancellation := newCancellation(o.Progress)
	made := C.ckpt_verify_options_new()
	var e *C.ckpt_error
	ok := o.set(made, &e) &&
		C.ckpt_verify_options_set_cancel(made, cancellation.cancel.pointer, &e) == C.CKPT_CODE_OK
	if ok && o.Log != nil {
		ok = C.go_verify_options_set_log(made, newValue(&callbackValue{value: o.Log}), &e) == C.CKPT_CODE_OK
	}
	if ok && o.Progress != nil {
		ok = C.go_verify_options_set_progress(made, newValue(&callbackValue{value: cancellation.stopper}), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_verify_options_free(made)
		cancellation.close()
		return nil, nil, takeError(e)
	}
	return cancellation, made, nil
}
