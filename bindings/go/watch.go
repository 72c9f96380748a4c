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
	"time"
)

// WaitOptions says how to wait for checkpoints. The zero value, and nil, are the defaults.
type WaitOptions struct {
	Timeout      *time.Duration // gives up rather than wait longer; nil for never
	PollInterval time.Duration  // between two looks; 0 for a second
	MinInterval  time.Duration  // at least this between two checkpoints of Checkpoints

	// Log hears once of a state file that cannot be used for now, and how the path of a checkpoint
	// was understood where that may surprise.
	Log func(Severity, string)
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
	ok := o.set(made, &e) &&
		C.go_wait_options_set_clock(made, newValue(&callbackValue{value: clock{sleep: sleep}}), &e) == C.CKPT_CODE_OK
	if ok && o.Log != nil {
		ok = C.go_wait_options_set_log(made, newValue(&callbackValue{value: o.Log}), &e) == C.CKPT_CODE_OK
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
	if ctx != nil && errors.As(err, &e) && e.Code == Cancelled && e.cause == nil {
		e.cause = contextError(ctx)
	}
	return err
}

// WaitForNew waits until the latest checkpoint of a directory, which need not be there
// yet, is another one than last (which may be empty). It gives its path; an empty one when time ran
// out.
func WaitForNew(ctx context.Context, directory, last string, options *WaitOptions) (string, error) {
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

// Checkpoints goes over the checkpoints of a directory as they appear
// (tf.train.checkpoints_iterator): the latest only, and never the same twice in a row. It ends when
// time runs out and done, which may be nil, does not say that there will be more; or with an error.
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
			isDone = newValue(&callbackValue{value: done})
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

// clock is another time than the machine's.
type clock struct {
	now   func() time.Time
	sleep func(time.Duration) error
}

//export goNow
func goNow(value C.go_value) C.double {
	now := time.Now()
	_ = contained(func() error { // if it fails, it is the machine's time
		if clock := valueOf(value).value.(clock); clock.now != nil {
			now = clock.now()
		}
		return nil
	})
	return C.double(float64(now.UnixNano()) / 1e9)
}

//export goSleep
func goSleep(value C.go_value, seconds C.double) C.ckpt_code {
	sleep := valueOf(value).value.(clock).sleep
	if contained(func() error { return sleep(time.Duration(float64(seconds) * float64(time.Second))) }) != nil {
		return C.CKPT_CODE_CANCELLED
	}
	return C.CKPT_CODE_OK
}

//export goIsDone
func goIsDone(value C.go_value) C.bool {
	// A program whose function panics is not to wait forever.
	return C.bool(answered(true, valueOf(value).value.(func() bool)))
}
