package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"errors"
	"iter"
	"math"
	"time"
	"unsafe"
)

// LatestCheckpoint gives the latest checkpoint that the state file of a directory names; empty when there is no state file, or
// none of that checkpoint's files is there. DataLoss when the state file cannot be understood. (tf.train.latest_checkpoint)
func LatestCheckpoint(directory string) (string, error) {
	d, free, err := path(directory)
	if err != nil {
		return "", err
	}
	defer free()
	var found *C.ckpt_string
	var e *C.ckpt_error
	C.ckpt_latest_checkpoint(d, &found, &e)
	return takeString(found), takeError(e)
}

// CheckpointState is what the state file of a directory says. Times are seconds since the epoch; NaN where nobody said.
type CheckpointState struct {
	Latest        string   // the latest checkpoint
	Paths         []string // all that are listed, oldest first
	Timestamps    []float64
	LastPreserved float64 // when the last checkpoint that is kept for good was made
}

// GetCheckpointState reads the state file of a directory; nil when there is none. fileName may be empty for the usual one,
// checkpoint. (tf.train.get_checkpoint_state)
func GetCheckpointState(directory, fileName string) (*CheckpointState, error) {
	d, free, err := path(directory)
	if err != nil {
		return nil, err
	}
	defer free()
	var file *C.char
	if fileName != "" {
		c, free, err := path(fileName)
		if err != nil {
			return nil, err
		}
		defer free()
		file = c
	}
	var found *C.ckpt_checkpoint_state
	var e *C.ckpt_error
	if C.ckpt_get_checkpoint_state(d, file, &found, &e) != C.CKPT_CODE_OK || found == nil {
		return nil, takeError(e)
	}
	defer C.ckpt_checkpoint_state_free(found)
	state := &CheckpointState{
		Latest:        text(C.ckpt_checkpoint_state_latest(found)),
		LastPreserved: float64(C.ckpt_checkpoint_state_last_preserved(found)),
	}
	for i := range C.ckpt_checkpoint_state_count(found) {
		state.Paths = append(state.Paths, text(C.ckpt_checkpoint_state_path(found, i)))
		state.Timestamps = append(state.Timestamps, float64(C.ckpt_checkpoint_state_timestamp(found, i)))
	}
	return state, nil
}

// UpdateCheckpointState replaces the state file of a directory: all of it or nothing. Timestamps are as many as paths, or none;
// a LastPreserved of NaN or 0 is none. fileName may be empty for the usual one. (tf.train.update_checkpoint_state)
func UpdateCheckpointState(directory, fileName string, state CheckpointState, durability Durability) error {
	strings, free, err := paths(append([]string{directory, state.Latest, fileName}, state.Paths...))
	if err != nil {
		return err
	}
	defer free()
	var update *C.ckpt_state_update
	var e *C.ckpt_error
	if C.ckpt_state_update_new(strings[1], &update, &e) != C.CKPT_CODE_OK {
		return takeError(e)
	}
	defer C.ckpt_state_update_free(update)
	ok := C.ckpt_state_update_set_durability(update, C.ckpt_durability(durability), &e) == C.CKPT_CODE_OK
	if fileName != "" {
		ok = ok && C.ckpt_state_update_set_file_name(update, strings[2], &e) == C.CKPT_CODE_OK
	}
	for _, p := range strings[3:] {
		ok = ok && C.ckpt_state_update_add_path(update, p, &e) == C.CKPT_CODE_OK
	}
	for _, t := range state.Timestamps {
		ok = ok && C.ckpt_state_update_add_timestamp(update, C.double(t), &e) == C.CKPT_CODE_OK
	}
	if !math.IsNaN(state.LastPreserved) && state.LastPreserved != 0 {
		ok = ok && C.ckpt_state_update_set_last_preserved(update, C.double(state.LastPreserved), &e) == C.CKPT_CODE_OK
	}
	if ok {
		C.ckpt_update_checkpoint_state(strings[0], update, &e)
	}
	return takeError(e)
}

// Exists says whether there is a checkpoint at a prefix. (tf.train.checkpoint_exists)
func Exists(prefix string) (bool, error) {
	c, free, err := path(prefix)
	if err != nil {
		return false, err
	}
	defer free()
	var exists C.bool
	var e *C.ckpt_error
	C.ckpt_checkpoint_exists(c, &exists, &e)
	return bool(exists), takeError(e)
}

// Mtimes gives when each checkpoint was written, in seconds since the epoch. Those that are not there are left out.
// (tf.train.get_checkpoint_mtimes)
func Mtimes(prefixes []string) ([]float64, error) {
	all, free, err := paths(prefixes)
	if err != nil {
		return nil, err
	}
	defer free()
	times := make([]float64, len(prefixes))
	var found C.size_t
	var e *C.ckpt_error
	C.ckpt_checkpoint_mtimes(
		unsafe.SliceData(all), C.size_t(len(all)), (*C.double)(unsafe.Pointer(unsafe.SliceData(times))), &found, &e)
	return times[:found], takeError(e)
}

// Remove removes the checkpoint at a prefix: the index first. The state file stays as it is. (tf.train.remove_checkpoint)
func Remove(prefix string) error {
	c, free, err := path(prefix)
	if err != nil {
		return err
	}
	defer free()
	var e *C.ckpt_error
	C.ckpt_remove_checkpoint(c, &e)
	return takeError(e)
}

// Pin is a checkpoint that is held: no manager of this library removes it, in whatever process, until it is closed or the process
// ends.
type Pin struct {
	*handle[*C.ckpt_pin]
}

// NewPin holds the checkpoint at a prefix. fs.ErrNotExist when there is none.
func NewPin(prefix string) (*Pin, error) {
	c, free, err := path(prefix)
	if err != nil {
		return nil, err
	}
	defer free()
	var pin *C.ckpt_pin
	var e *C.ckpt_error
	C.ckpt_pin_new(c, &pin, &e)
	return pinOf(pin), takeError(e)
}

// PinLatest holds the latest checkpoint of a directory, also while others are saved and removed there; nil if there is none.
func PinLatest(directory string) (*Pin, error) {
	c, free, err := path(directory)
	if err != nil {
		return nil, err
	}
	defer free()
	var pin *C.ckpt_pin
	var e *C.ckpt_error
	C.ckpt_pin_latest(c, &pin, &e)
	return pinOf(pin), takeError(e)
}

func pinOf(pin *C.ckpt_pin) *Pin {
	if pin == nil {
		return nil
	}
	return &Pin{own(pin, func(p *C.ckpt_pin) { C.ckpt_pin_free(p) })}
}

// Prefix gives the prefix of the checkpoint that is held.
func (p *Pin) Prefix() string {
	pin := p.hold()
	defer p.drop(pin)
	return text(C.ckpt_pin_prefix(pin))
}

// WaitOptions says how to wait for checkpoints. The zero value, and nil, are the defaults.
type WaitOptions struct {
	Timeout      *time.Duration // gives up rather than wait longer; nil for never
	PollInterval time.Duration  // between two looks; 0 for a second
	MinInterval  time.Duration  // at least this between two checkpoints of Checkpoints
}

// make gives options whose clock ends the wait when the context is done.
func (o *WaitOptions) make(ctx context.Context) (*C.ckpt_wait_options, error) {
	if o == nil {
		o = &WaitOptions{}
	}
	made := C.ckpt_wait_options_new()
	var e *C.ckpt_error
	sleep := func(d time.Duration) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
	ok := C.go_wait_options_set_clock(made, give(&given{value: clock{sleep: sleep}}), &e) == C.CKPT_CODE_OK
	if o.Timeout != nil {
		ok = ok && C.ckpt_wait_options_set_timeout(made, C.double(o.Timeout.Seconds()), &e) == C.CKPT_CODE_OK
	}
	if o.PollInterval != 0 {
		ok = ok && C.ckpt_wait_options_set_poll_interval(made, C.double(o.PollInterval.Seconds()), &e) == C.CKPT_CODE_OK
	}
	if o.MinInterval != 0 {
		ok = ok && C.ckpt_wait_options_set_min_interval(made, C.double(o.MinInterval.Seconds()), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_wait_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// stopped has an error unwrap to what the context says.
func stopped(ctx context.Context, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Code == Cancelled && e.cause == nil {
		e.cause = context.Cause(ctx)
	}
	return err
}

// WaitForNewCheckpoint waits until the latest checkpoint of a directory, which need not be there yet, is another one than last
// (which may be empty). It gives its path; an empty one when time ran out.
func WaitForNewCheckpoint(ctx context.Context, directory, last string, options *WaitOptions) (string, error) {
	d, free, err := path(directory)
	if err != nil {
		return "", err
	}
	defer free()
	var l *C.char
	if last != "" {
		c, free, err := path(last)
		if err != nil {
			return "", err
		}
		defer free()
		l = c
	}
	made, err := options.make(ctx)
	if err != nil {
		return "", err
	}
	defer C.ckpt_wait_options_free(made)
	var found *C.ckpt_string
	var e *C.ckpt_error
	C.ckpt_wait_for_new_checkpoint(d, l, made, &found, &e)
	return takeString(found), stopped(ctx, takeError(e))
}

// Checkpoints goes over the checkpoints of a directory as they appear (tf.train.checkpoints_iterator): the latest only, and
// never the same twice in a row. It ends when time runs out and done, which may be nil, does not say that there will be more;
// or with an error.
func Checkpoints(ctx context.Context, directory string, options *WaitOptions, done func() bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		d, free, err := path(directory)
		if err != nil {
			yield("", err)
			return
		}
		defer free()
		made, err := options.make(ctx)
		if err != nil {
			yield("", err)
			return
		}
		defer C.ckpt_wait_options_free(made)
		var isDone C.go_value
		if done != nil {
			isDone = give(&given{value: done})
		}
		var iterator *C.ckpt_checkpoints_iterator
		var e *C.ckpt_error
		if C.go_checkpoints_iterator_new(d, made, isDone, &iterator, &e) != C.CKPT_CODE_OK {
			yield("", takeError(e))
			return
		}
		defer C.ckpt_checkpoints_iterator_free(iterator)
		for {
			var found *C.ckpt_string
			C.ckpt_checkpoints_iterator_next(iterator, &found, &e)
			if e != nil {
				yield("", stopped(ctx, takeError(e)))
				return
			}
			if found == nil || !yield(takeString(found), nil) {
				return
			}
		}
	}
}

// LatestValidCheckpoint finds the newest checkpoint of a directory that is whole, every checksum of it compared, and those that
// are newer and not whole; no path if there is none.
func LatestValidCheckpoint(ctx context.Context, directory string, options *VerifyOptions) (string, []Broken, error) {
	var found *C.ckpt_string
	var broken *C.ckpt_broken_checkpoints
	err := options.verifying(ctx, directory, func(d *C.char, made *C.ckpt_verify_options, e **C.ckpt_error) {
		C.ckpt_latest_valid_checkpoint(d, made, &found, &broken, e)
	})
	defer C.ckpt_broken_checkpoints_free(broken)
	return takeString(found), brokenOf(broken), err
}

// Repaired is a state file that was made anew.
type Repaired struct {
	Latest string   // the latest checkpoint that it names
	Paths  []string // all that it lists, oldest first
	New    bool     // whether it differs from the state file before
	Broken []Broken // checkpoints that it does not list since they are not whole
}

// RepairCheckpointState makes a state file for a directory that names what is whole; with dryRun it says only what it would be.
func RepairCheckpointState(ctx context.Context, directory string, dryRun bool, options *VerifyOptions) (*Repaired, error) {
	var found *C.ckpt_repaired_state
	err := options.verifying(ctx, directory, func(d *C.char, made *C.ckpt_verify_options, e **C.ckpt_error) {
		C.ckpt_repair_checkpoint_state(d, C.bool(dryRun), made, &found, e)
	})
	if err != nil {
		return nil, err
	}
	defer C.ckpt_repaired_state_free(found)
	repaired := &Repaired{
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
	Keep            int     // the newest, at least 1
	KeepEveryNHours float64 // and one for each so many hours; 0 for none
	KeepBest        int     // and the best by the metrics that a manager's program gave
	Better          Better  // which metrics are better
	DryRun          bool    // says only what would be removed
}

// Collect removes the managed checkpoints of a directory that are too many, as a manager does after a save, and what crashes
// left; without options only that. It gives what was removed, oldest first.
func Collect(directory string, options *CollectOptions) ([]string, error) {
	d, free, err := path(directory)
	if err != nil {
		return nil, err
	}
	defer free()
	var made *C.ckpt_collect_options
	var e *C.ckpt_error
	if options != nil {
		made = C.ckpt_collect_options_new(C.size_t(max(0, options.Keep)))
		defer C.ckpt_collect_options_free(made)
		ok := C.ckpt_collect_options_set_keep_checkpoint_every_n_hours(made, C.double(options.KeepEveryNHours), &e) == C.CKPT_CODE_OK &&
			C.ckpt_collect_options_set_dry_run(made, C.bool(options.DryRun), &e) == C.CKPT_CODE_OK
		if ok && options.KeepBest != 0 {
			ok = C.ckpt_collect_options_set_keep_best(made, C.size_t(options.KeepBest), C.ckpt_better(options.Better), &e) == C.CKPT_CODE_OK
		}
		if !ok {
			return nil, takeError(e)
		}
	}
	var removed *C.ckpt_strings
	if C.ckpt_collect_checkpoints(d, made, &removed, &e) != C.CKPT_CODE_OK {
		return nil, takeError(e)
	}
	return takeStrings(removed), nil
}
