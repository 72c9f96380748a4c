package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"time"
)

// LatestValid finds the newest checkpoint of a directory that is whole or, only if there
// is none, the newest incomplete one, and those that are newer and not whole, an incomplete one
// that it takes among them; no path if there is none.
func LatestValid(ctx context.Context, directory string, options *VerifyOptions) (string, []BrokenCheckpoint, error) {
	var found *C.ckpt_string
	var broken *C.ckpt_broken_checkpoints
	err := options.verifying(ctx, directory, func(d *C.char, made *C.ckpt_verify_options, pending **C.ckpt_pending, e **C.ckpt_error) {
		C.ckpt_latest_valid_checkpoint_async(d, made, pending, e)
	}, func(pending *C.ckpt_pending, e **C.ckpt_error) {
		C.ckpt_pending_take_valid_checkpoint(pending, &found, &broken, e)
	})
	defer C.ckpt_broken_checkpoints_free(broken)
	return takeString(found), brokenOf(broken), err
}

// RepairedState is a state file that was made anew.
type RepairedState struct {
	Latest string             // the latest checkpoint that it names
	Paths  []string           // all that it lists, oldest first
	New    bool               // whether it differs from the state file before
	Broken []BrokenCheckpoint // checkpoints that are not whole; incomplete ones are listed if none is whole
}

// RepairOptions says how a state file is repaired. The zero value, and nil, are the defaults.
type RepairOptions struct {
	DryRun   bool                   // says only what the state file would be, and takes no lock
	Verify   VerifyOptions          // how checkpoints are verified
	Locking  Locking                // whether the directory is locked; if the file system can, by default
	LockWait *time.Duration         // how long to wait while somebody changes the state; nil for a minute
	Log      func(Severity, string) // hears that the directory was moved, that there are no locks and the like; by default that of Verify
}

func (o *RepairOptions) make(verify *C.ckpt_verify_options, e **C.ckpt_error) *C.ckpt_repair_options {
	made := C.ckpt_repair_options_new()
	ok := o.set(made, e) && C.ckpt_repair_options_set_verify_options(made, verify, e) == C.CKPT_CODE_OK
	if ok && o.Log != nil {
		ok = C.go_repair_options_set_log(made, newValue(&callbackValue{value: o.Log}), e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_repair_options_free(made)
		return nil
	}
	return made
}

// RepairState makes a state file for a directory that names what is whole.
func RepairState(ctx context.Context, directory string, options *RepairOptions) (*RepairedState, error) {
	if options == nil {
		options = &RepairOptions{}
	}
	var found *C.ckpt_repaired_state
	err := options.Verify.repairing(ctx, directory, func(d *C.char, verify *C.ckpt_verify_options, e **C.ckpt_error) {
		if made := options.make(verify, e); made != nil {
			defer C.ckpt_repair_options_free(made)
			C.ckpt_repair_checkpoint_state(d, made, &found, e)
		}
	})
	if err != nil {
		return nil, err
	}
	defer C.ckpt_repaired_state_free(found)
	repaired := &RepairedState{
		Latest: text(C.ckpt_repaired_state_latest(found)), New: bool(C.ckpt_repaired_state_is_new(found)),
		Broken: brokenOf(C.ckpt_repaired_state_broken(found)),
	}
	for i := range C.ckpt_repaired_state_count(found) {
		repaired.Paths = append(repaired.Paths, text(C.ckpt_repaired_state_path(found, i)))
	}
	return repaired, nil
}

// CollectOptions says which checkpoints stay.
type CollectOptions struct {
	Keep      int            // the newest, at least 1
	KeepEvery time.Duration  // permanently keeps one otherwise expired checkpoint for each such time; 0 for none
	KeepBest  int            // and the best by the metrics that a manager's program gave
	Better    Better         // which metrics are better
	DryRun    bool           // says only what would be removed
	Locking   Locking        // whether the directory is locked; if the file system can, by default
	LockWait  *time.Duration // how long to wait while somebody changes the state; nil for a minute
	OlderThan *time.Duration // removes also what crashes left longer ago, where the file system has no locks

	// Log hears the warnings of [Collected], also if the call fails.
	Log func(Severity, string)
}

// Collect removes the managed checkpoints of a directory that are too many, as a manager does after
// a save, and what crashes left; without options only that. It gives what was removed, oldest
// first.
//
// When the context is done nothing is begun. It does not wait for locks beyond the deadline of the
// context; what it has begun it ends.
func Collect(ctx context.Context, directory string, options *CollectOptions) ([]string, error) {
	var removed *C.ckpt_strings
	err := options.collecting(ctx, directory, func(d *C.char, made *C.ckpt_collect_options, e **C.ckpt_error) {
		C.ckpt_collect_checkpoints(d, made, &removed, e)
	})
	if err != nil {
		return nil, err
	}
	return takeStrings(removed), nil
}

// collecting runs what takes a directory and these options.
func (o *CollectOptions) collecting(
	ctx context.Context, directory string, run func(*C.char, *C.ckpt_collect_options, **C.ckpt_error),
) error {
	if err := finished(ctx); err != nil {
		return err
	}
	d, free, err := path(directory)
	if err != nil {
		return err
	}
	defer free()
	keep := ^C.size_t(0) // without options all checkpoints stay
	if o != nil {
		keep = C.size_t(max(0, o.Keep))
	}
	made := C.ckpt_collect_options_new(keep)
	defer C.ckpt_collect_options_free(made)
	var e *C.ckpt_error
	if o = o.until(ctx); o != nil {
		ok := o.set(made, &e)
		if ok && o.Log != nil {
			ok = C.go_collect_options_set_log(made, newValue(&callbackValue{value: o.Log}), &e) == C.CKPT_CODE_OK
		}
		if !ok {
			return takeError(e)
		}
	}
	run(d, made, &e)
	return takeError(e)
}

// until gives options that wait for locks no longer than a context lets them.
func (o *CollectOptions) until(ctx context.Context) *CollectOptions {
	if ctx == nil {
		return o
	}
	deadline, has := ctx.Deadline()
	if !has {
		return o
	}
	limited := CollectOptions{}
	if o != nil {
		limited = *o
	}
	wait := time.Minute
	if limited.LockWait != nil {
		wait = *limited.LockWait
	}
	wait = min(wait, max(0, time.Until(deadline)))
	limited.LockWait = &wait
	return &limited
}

// Collected is what collecting did.
type Collected struct {
	Removed   []string     // the checkpoints removed, or those that would be, oldest first
	Kept      []string     // the managed ones that stay, oldest first
	Leftovers []string     // files that crashes left, removed as well
	Warnings  []string     // what did not make the call fail, a line each
	Failed    []NotRemoved // no longer listed, but still there; the next change tries again
}

// NotRemoved is an expired checkpoint that could not be removed.
type NotRemoved struct {
	Prefix  string
	Problem *Error
}

// CollectWithDetails does as [Collect], and tells more: what stays, and what could not be removed,
// and why.
func CollectWithDetails(ctx context.Context, directory string, options *CollectOptions) (*Collected, error) {
	var found *C.ckpt_collected
	err := options.collecting(ctx, directory, func(d *C.char, made *C.ckpt_collect_options, e **C.ckpt_error) {
		C.ckpt_collect_checkpoints_with_details(d, made, &found, e)
	})
	if err != nil {
		return nil, err
	}
	defer C.ckpt_collected_free(found)
	collected := &Collected{
		Removed: stringsOf(C.ckpt_collected_removed(found)), Kept: stringsOf(C.ckpt_collected_kept(found)),
		Leftovers: stringsOf(C.ckpt_collected_leftovers(found)), Warnings: stringsOf(C.ckpt_collected_warnings(found)),
	}
	for i := range C.ckpt_collected_failed_count(found) {
		collected.Failed = append(collected.Failed, NotRemoved{
			text(C.ckpt_collected_failed_prefix(found, i)), errorOf(C.ckpt_collected_failed_problem(found, i)),
		})
	}
	return collected, nil
}

// BrokenCheckpoint is a checkpoint that is not whole, with the first thing that is wrong with it.
type BrokenCheckpoint struct {
	Prefix  string
	Verdict Verdict // damaged if it cannot be read
	Problem *Error
}

func brokenOf(b *C.ckpt_broken_checkpoints) []BrokenCheckpoint {
	all := make([]BrokenCheckpoint, C.ckpt_broken_checkpoints_count(b))
	for i := range all {
		at := C.size_t(i)
		all[i] = BrokenCheckpoint{
			text(C.ckpt_broken_checkpoints_prefix(b, at)), Verdict(C.ckpt_broken_checkpoints_verdict(b, at)),
			errorOf(C.ckpt_broken_checkpoints_problem(b, at)),
		}
	}
	return all
}
