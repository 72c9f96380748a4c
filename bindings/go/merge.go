package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"time"
	"unsafe"
)

// MergeOptions says how checkpoints are merged. The zero value, and nil, are the defaults.
type MergeOptions struct {
	AllowMissing bool           // whether sections may be missing, which names (part-00000-of-00002) and slices tell: those that are there are merged
	KeepInputs   bool           // whether the sections stay
	Durability   Durability     // what survives a power cut; all by default
	Locking      Locking        // whether the directory is locked; if the file system can, by default
	LockWait     *time.Duration // how long to wait for a lock that somebody else holds; nil for a minute

	// Log hears that the file system has no locks and the like.
	Log func(Severity, string)

	// Progress hears how many bytes of how many are done; its error stops the call.
	Progress func(done, total uint64) error
}

// Merge merges checkpoints, given by their prefixes, into one, as the workers of a distributed
// program do with the sections that each of them wrote (tf.raw_ops.MergeV2Checkpoints). Sections
// are removed in the end, unless the options keep them.
func Merge(ctx context.Context, destination string, sections []string, options *MergeOptions) error {
	if options == nil {
		options = &MergeOptions{}
	}
	c, free, err := path(destination)
	if err != nil {
		return err
	}
	defer free()
	prefixes, freeAll, err := paths(sections)
	if err != nil {
		return err
	}
	defer freeAll()
	cancellation := newCancellation(options.Progress)
	defer cancellation.close()
	made := C.ckpt_merge_options_new()
	defer C.ckpt_merge_options_free(made)
	var e *C.ckpt_error
	ok := options.set(made, &e) &&
		C.ckpt_merge_options_set_cancel(made, cancellation.cancel.pointer, &e) == C.CKPT_CODE_OK
	if ok && options.Log != nil {
		ok = C.go_merge_options_set_log(made, newValue(&callbackValue{value: options.Log}), &e) == C.CKPT_CODE_OK
	}
	if ok && options.Progress != nil {
		ok = C.go_merge_options_set_progress(made, newValue(&callbackValue{value: cancellation.stopper}), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		return takeError(e)
	}
	pending, err := await(ctx, func(pending **C.ckpt_pending, e **C.ckpt_error) {
		C.ckpt_merge_async(c, unsafe.SliceData(prefixes), C.size_t(len(sections)), made, pending, e)
	})
	if err != nil {
		return err
	}
	defer C.ckpt_pending_free(pending)
	C.ckpt_pending_wait(pending, nil, &e)
	return stopped(ctx, cancellation.stopper.because(takeError(e)))
}
