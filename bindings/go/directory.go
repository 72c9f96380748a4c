package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"math"
	"time"
	"unsafe"
)

// Latest gives the latest checkpoint that the state file of a directory names; empty when
// there is no state file, or none of that checkpoint's files is there. DataLoss when the state file
// cannot be understood. (tf.train.latest_checkpoint)
func Latest(directory string, options *OpenOptions) (string, error) {
	d, free, err := path(directory)
	if err != nil {
		return "", err
	}
	defer free()
	made, err := options.make()
	if err != nil {
		return "", err
	}
	defer C.ckpt_open_options_free(made)
	var found *C.ckpt_string
	var e *C.ckpt_error
	C.ckpt_latest_checkpoint(d, made, &found, &e)
	return takeString(found), takeError(e)
}

// CheckpointState is what the state file of a directory says. A time that nobody said is the zero
// time.
type CheckpointState struct {
	Latest        string      // the latest checkpoint
	Paths         []string    // all that are listed, oldest first
	Timestamps    []time.Time // when each was written; as many as paths, or none
	LastPreserved time.Time   // when the last checkpoint that is kept for good was made
}

// ReadState reads the state file of a directory; nil when there is none. fileName may be
// empty for the usual one, checkpoint. (tf.train.get_checkpoint_state)
func ReadState(directory, fileName string, options *OpenOptions) (*CheckpointState, error) {
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
	made, err := options.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_open_options_free(made)
	var found *C.ckpt_checkpoint_state
	var e *C.ckpt_error
	if C.ckpt_get_checkpoint_state(d, file, made, &found, &e) != C.CKPT_CODE_OK || found == nil {
		return nil, takeError(e)
	}
	defer C.ckpt_checkpoint_state_free(found)
	state := &CheckpointState{
		Latest:        text(C.ckpt_checkpoint_state_latest(found)),
		LastPreserved: timeOf(float64(C.ckpt_checkpoint_state_last_preserved(found))),
	}
	for i := range C.ckpt_checkpoint_state_count(found) {
		state.Paths = append(state.Paths, text(C.ckpt_checkpoint_state_path(found, i)))
		state.Timestamps = append(state.Timestamps, timeOf(float64(C.ckpt_checkpoint_state_timestamp(found, i))))
	}
	return state, nil
}

// timeOf gives a time of the library's, in seconds since the epoch; the zero time of none.
func timeOf(seconds float64) time.Time {
	if math.IsNaN(seconds) || math.IsInf(seconds, 0) {
		return time.Time{}
	}
	whole, rest := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(rest*1e6))*1000) // of which a float64 has microseconds
}

// secondsOf gives a time as the library has it; NaN of the zero time.
func secondsOf(t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9
}

// UpdateOptions says how a state file is replaced. The zero value, and nil, are the defaults.
type UpdateOptions struct {
	Durability Durability             // what survives a power cut; all by default
	Locking    Locking                // whether the directory is locked; if the file system can, by default
	LockWait   *time.Duration         // how long to wait while somebody changes the state; nil for a minute
	Log        func(Severity, string) // hears that the file system has no locks and the like
}

func (o *UpdateOptions) set(update *C.ckpt_state_update, e **C.ckpt_error) bool {
	if o == nil {
		return true
	}
	ok := C.ckpt_state_update_set_durability(update, C.ckpt_durability(o.Durability), e) == C.CKPT_CODE_OK &&
		C.ckpt_state_update_set_locking(update, C.ckpt_locking(o.Locking), e) == C.CKPT_CODE_OK
	if o.LockWait != nil {
		ok = ok && C.ckpt_state_update_set_lock_wait(update, C.double(o.LockWait.Seconds()), e) == C.CKPT_CODE_OK
	}
	if ok && o.Log != nil {
		ok = C.go_state_update_set_log(update, newValue(&callbackValue{value: o.Log}), e) == C.CKPT_CODE_OK
	}
	return ok
}

// UpdateState replaces the state file of a directory: all of it or nothing. fileName may be empty
// for the usual one. (tf.train.update_checkpoint_state)
func UpdateState(directory, fileName string, state CheckpointState, options *UpdateOptions) error {
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
	ok := options.set(update, &e)
	if fileName != "" {
		ok = ok && C.ckpt_state_update_set_file_name(update, strings[2], &e) == C.CKPT_CODE_OK
	}
	for _, p := range strings[3:] {
		ok = ok && C.ckpt_state_update_add_path(update, p, &e) == C.CKPT_CODE_OK
	}
	for _, t := range state.Timestamps {
		ok = ok && C.ckpt_state_update_add_timestamp(update, C.double(secondsOf(t)), &e) == C.CKPT_CODE_OK
	}
	if !state.LastPreserved.IsZero() {
		ok = ok && C.ckpt_state_update_set_last_preserved(update, C.double(secondsOf(state.LastPreserved)), &e) == C.CKPT_CODE_OK
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

// Mtimes gives when each checkpoint was written. Those that are not there are left out.
// (tf.train.get_checkpoint_mtimes)
func Mtimes(prefixes []string) ([]time.Time, error) {
	all, free, err := paths(prefixes)
	if err != nil {
		return nil, err
	}
	defer free()
	seconds := make([]float64, len(prefixes))
	var found C.size_t
	var e *C.ckpt_error
	C.ckpt_checkpoint_mtimes(
		unsafe.SliceData(all), C.size_t(len(all)), (*C.double)(unsafe.Pointer(unsafe.SliceData(seconds))), &found, &e)
	times := make([]time.Time, found)
	for i := range times {
		times[i] = timeOf(seconds[i])
	}
	return times, takeError(e)
}

// RemoveOptions says how a checkpoint is removed. The zero value, and nil, are the defaults.
type RemoveOptions struct {
	Locking  Locking                // whether the directory is locked; if the file system can, by default
	LockWait *time.Duration         // how long to wait for a lock that somebody else holds; nil for a minute
	Log      func(Severity, string) // hears that the file system has no locks and the like
}

// make gives options to be freed; nil for the defaults.
func (o *RemoveOptions) make() (*C.ckpt_remove_options, error) {
	if o == nil {
		return nil, nil
	}
	made := C.ckpt_remove_options_new()
	var e *C.ckpt_error
	ok := o.set(made, &e)
	if ok && o.Log != nil {
		ok = C.go_remove_options_set_log(made, newValue(&callbackValue{value: o.Log}), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_remove_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// Remove removes the checkpoint at a prefix: the index first. The state file stays as it is.
// (tf.train.remove_checkpoint)
func Remove(prefix string, options *RemoveOptions) error {
	c, free, err := path(prefix)
	if err != nil {
		return err
	}
	defer free()
	made, err := options.make()
	if err != nil {
		return err
	}
	defer C.ckpt_remove_options_free(made)
	var e *C.ckpt_error
	C.ckpt_remove_checkpoint(c, made, &e)
	return takeError(e)
}

// Pin is a checkpoint that is held: no manager of this library removes it, in whatever process,
// until it is closed or the process ends.
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

// PinLatest holds the latest checkpoint of a directory, also while others are saved and removed
// there; nil if there is none.
func PinLatest(directory string, options *OpenOptions) (*Pin, error) {
	c, free, err := path(directory)
	if err != nil {
		return nil, err
	}
	defer free()
	made, err := options.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_open_options_free(made)
	var pin *C.ckpt_pin
	var e *C.ckpt_error
	C.ckpt_pin_latest(c, made, &pin, &e)
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
