package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"math"
	"time"
)

// ManagerOptions says how a directory is managed. The zero value, and nil, are the defaults: all
// checkpoints are kept.
type ManagerOptions struct {
	MaxToKeep    int64            // how many stay, the newest; 0 for all
	KeepEvery    time.Duration    // permanently keeps one otherwise expired checkpoint for each such time; 0 for none
	KeepBest     int              // keeps also the best so many by the metric of each save
	Better       Better           // which metrics are better, for KeepBest
	Name         string           // what checkpoints are called: NAME-NUMBER; ckpt by default
	StepCounter  Node             // the integer scalar that counts the program's steps
	StepsInCalls bool             // steps are given to each call rather than by a counter
	Interval     int64            // saves only when so many steps have gone by since the last save; 0 for always
	LastStep     *int64           // the step of the last save, to count the interval from
	Init         func() error     // gives the program its first values where there is no checkpoint; it may use the graph
	Clock        func() time.Time // another clock than the machine's
	Log          func(Severity, string)
	Locking      Locking        // whether the directory is locked; if the file system can, by default
	LockWait     *time.Duration // how long a save waits for a lock; nil for a minute. Another manager is not waited for
}

// Manager saves a checkpoint again and again in one directory, keeps some of them, and resumes from
// the latest (tf.train.CheckpointManager). It keeps the checkpoint and its graph alive. Several
// goroutines may use it at once.
//
// A save is safe: the new checkpoint is on disk before the state file names it, and that names it
// before an old one is removed. The first save takes the directory's lock, which is the manager's
// until it is closed.
type Manager struct {
	*handle[*C.ckpt_manager]
	graph  *Graph
	shared *sharedState
}

// NewManager makes a manager of a checkpoint in a directory, which the first save makes if need be.
// InvalidArgument for impossible options; DataLoss when the state file names no latest checkpoint.
func NewManager(c *Checkpoint, directory string, options *ManagerOptions) (*Manager, error) {
	d, free, err := path(directory)
	if err != nil {
		return nil, err
	}
	defer free()
	if c == nil {
		return nil, argument("there is no checkpoint")
	}
	made, err := options.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_manager_options_free(made)
	var manager *C.ckpt_manager
	err = call(c.handle, func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_manager_open(p, d, made, &manager, e)
	})
	if err != nil {
		return nil, err
	}
	graph := c.Graph()
	return &Manager{own(manager, func(m *C.ckpt_manager) {
		C.ckpt_manager_free(m)
		graph.Close()
	}), graph, c.shared}, nil
}

func (o *ManagerOptions) make() (*C.ckpt_manager_options, error) {
	if o == nil {
		return nil, nil
	}
	made := C.ckpt_manager_options_new()
	var e *C.ckpt_error
	ok := o.set(made, &e)
	set := func(wanted bool, f func() C.ckpt_code) {
		if ok && wanted {
			ok = f() == C.CKPT_CODE_OK
		}
	}
	set(o.Init != nil, func() C.ckpt_code {
		return C.go_manager_options_set_init(made, newValue(&callbackValue{value: o.Init}), &e)
	})
	set(o.Clock != nil, func() C.ckpt_code {
		return C.go_manager_options_set_clock(made, newValue(&callbackValue{value: clock{now: o.Clock}}), &e)
	})
	set(o.Log != nil, func() C.ckpt_code {
		return C.go_manager_options_set_log(made, newValue(&callbackValue{value: o.Log}), &e)
	})
	if !ok {
		C.ckpt_manager_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// Checkpoint gives another handle of the manager's checkpoint, to be closed.
func (m *Manager) Checkpoint() *Checkpoint {
	p := m.hold()
	defer m.drop(p)
	if p == nil {
		return nil
	}
	return checkpointOf(C.ckpt_manager_checkpoint(p), m.shared)
}

// Directory gives the directory, as it was given.
func (m *Manager) Directory() string {
	p := m.hold()
	defer m.drop(p)
	return text(C.ckpt_manager_directory(p))
}

// Interval gives how many steps there are from one save to the next; false when the
// manager does not save by steps.
func (m *Manager) Interval() (int64, bool) {
	p := m.hold()
	defer m.drop(p)
	var steps C.int64_t
	bySteps := C.ckpt_manager_checkpoint_interval(p, &steps)
	return int64(steps), bool(bySteps)
}

// Latest gives the checkpoint that was recorded last; empty if there is none. That it is
// still there is not looked at.
func (m *Manager) Latest() string {
	p := m.hold()
	defer m.drop(p)
	return takeString(C.ckpt_manager_latest_checkpoint(p))
}

// Checkpoints gives the newest checkpoints, those that may be removed in their turn, oldest first.
func (m *Manager) Checkpoints() []string {
	p := m.hold()
	defer m.drop(p)
	return takeStrings(C.ckpt_manager_checkpoints(p))
}

// LastFailure returns what LastFailure of the manager's checkpoint returns.
func (m *Manager) LastFailure() error {
	return call(m.handle, func(p *C.ckpt_manager, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_manager_last_failure(p, e)
	})
}

// Best gives all managed checkpoints with a metric, the best first.
func (m *Manager) Best() []string {
	p := m.hold()
	defer m.drop(p)
	return takeStrings(C.ckpt_manager_best_checkpoints(p))
}

// Metric gives the metric that a checkpoint of Best was saved with; false when it is
// none of those.
func (m *Manager) Metric(checkpoint string) (float64, bool) {
	p := m.hold()
	defer m.drop(p)
	c, n := name(checkpoint)
	metric := float64(C.ckpt_manager_metric(p, c, n))
	return metric, !math.IsNaN(metric)
}

// ManagerSaveOptions says how a manager saves. The zero value, and nil, are the defaults.
type ManagerSaveOptions struct {
	Number         *int64   // the checkpoint's number, in place of the save counter's (checkpoint_number)
	NumberOf       Node     // the same by an integer scalar of the graph
	IgnoreInterval bool     // saves even if it is too early for the next save
	Step           *int64   // the program's step, in place of the step counter's
	Metric         *float64 // how good what is saved is
	MetricOf       Node     // the same by a scalar of the graph
	Save           SaveOptions
}

func (o *ManagerSaveOptions) make(save *C.ckpt_save_options) (*C.ckpt_manager_save_options, error) {
	made := C.ckpt_manager_save_options_new()
	var e *C.ckpt_error
	ok := o.set(made, &e) && C.ckpt_manager_save_options_set_save_options(made, save, &e) == C.CKPT_CODE_OK
	if !ok {
		C.ckpt_manager_save_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// Save saves a checkpoint, makes it the latest, and removes what is too many. It gives the
// checkpoint's path; an empty one when the manager saves by steps and it is too early.
// (tf.train.CheckpointManager.save)
//
// Unavailable when another process saves in this directory; FailedPrecondition with ReasonReplaced
// when one has since the manager was opened; else what Checkpoint.Save reports.
func (m *Manager) Save(ctx context.Context, options *ManagerSaveOptions) (string, error) {
	return m.save(ctx, options,
		func(p *C.ckpt_manager, o *C.ckpt_manager_save_options, saved **C.ckpt_string, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_manager_save(p, o, saved, e)
		})
}

func (m *Manager) save(
	ctx context.Context, options *ManagerSaveOptions,
	f func(*C.ckpt_manager, *C.ckpt_manager_save_options, **C.ckpt_string, **C.ckpt_error) C.ckpt_code,
) (string, error) {
	if options == nil {
		options = &ManagerSaveOptions{}
	}
	cancellation, save, err := options.Save.make()
	if err != nil {
		return "", err
	}
	defer cancellation.close()
	defer C.ckpt_save_options_free(save)
	made, err := options.make(save)
	if err != nil {
		return "", err
	}
	defer C.ckpt_manager_save_options_free(made)
	var saved *C.ckpt_string
	err = cancellation.run(ctx, func() error {
		return m.touch(func(p *C.ckpt_manager, e **C.ckpt_error) C.ckpt_code { return f(p, made, &saved, e) })
	})
	return takeString(saved), err
}

// SaveAsync copies what Save would save, and does the rest in the background, as
// Checkpoint.SaveAsync does: the checkpoint is recorded, and what is too many is removed, when it
// is complete. It gives nil when the manager saves by steps and it is too early; that is said
// without waiting.
func (m *Manager) SaveAsync(ctx context.Context, options *ManagerSaveOptions) (*Pending, error) {
	if options == nil {
		options = &ManagerSaveOptions{}
	}
	cancellation, save, err := options.Save.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_save_options_free(save)
	made, err := options.make(save)
	if err != nil {
		cancellation.close()
		return nil, err
	}
	defer C.ckpt_manager_save_options_free(made)
	return cancellation.start(ctx, func(pending **C.ckpt_pending) error {
		return m.touch(func(p *C.ckpt_manager, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_manager_save_async(p, made, pending, e)
		})
	})
}

// Phase gives what a phase of the last save of this manager has cost so far, in the background or
// not.
func (m *Manager) Phase(phase Phase) (PhaseCost, error) {
	return costOf(func(bytes *C.uint64_t, seconds *C.double) error {
		return call(m.handle, func(p *C.ckpt_manager, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_manager_phase(p, C.ckpt_phase(phase), bytes, seconds, e)
		})
	})
}

func (m *Manager) touch(f func(*C.ckpt_manager, **C.ckpt_error) C.ckpt_code) error {
	if err := m.shared.follow(m.graph); err != nil {
		return err
	}
	return call(m.handle, f)
}

// ResumeOptions says how a program resumes. The zero value, and nil, are the defaults.
type ResumeOptions struct {
	LatestValid bool   // restores the newest checkpoint that is whole; every byte of it is read for that
	Step        *int64 // the program's step after restoring, in place of the step counter's
	Restore     RestoreOptions
}

// RestoreOrInitialize restores the latest checkpoint; where there is none, it calls the manager's
// init function, if there is one, and gives no path and no status.
// (tf.train.CheckpointManager.restore_or_initialize)
func (m *Manager) RestoreOrInitialize(ctx context.Context, options *ResumeOptions) (string, *Status, error) {
	if options == nil {
		options = &ResumeOptions{}
	}
	var restored *C.ckpt_string
	var status *C.ckpt_status
	err := withFlag(ctx, func(flag *C.ckpt_cancel) error {
		restore, err := options.Restore.make(flag)
		if err != nil {
			return err
		}
		defer C.ckpt_restore_options_free(restore)
		made := C.ckpt_resume_options_new()
		defer C.ckpt_resume_options_free(made)
		var e *C.ckpt_error
		ok := options.set(made, &e) && C.ckpt_resume_options_set_restore_options(made, restore, &e) == C.CKPT_CODE_OK
		if !ok {
			return takeError(e)
		}
		return m.touch(func(p *C.ckpt_manager, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_manager_restore_or_initialize(p, made, &restored, &status, e)
		})
	})
	return takeString(restored), statusOf(status), err
}

// LatestValid gives the newest checkpoint of the directory that is whole, every checksum of it
// compared, and those that are newer and not whole; no path if there is none.
func (m *Manager) LatestValid(ctx context.Context) (string, []BrokenCheckpoint, error) {
	var found *C.ckpt_string
	var broken *C.ckpt_broken_checkpoints
	p := m.hold()
	defer m.drop(p)
	pending, err := await(ctx, func(pending **C.ckpt_pending, e **C.ckpt_error) { C.ckpt_manager_latest_valid_async(p, pending, e) })
	if err != nil {
		return "", nil, err
	}
	defer C.ckpt_pending_free(pending)
	var e *C.ckpt_error
	C.ckpt_pending_take_valid_checkpoint(pending, &found, &broken, &e)
	defer C.ckpt_broken_checkpoints_free(broken)
	return takeString(found), brokenOf(broken), stopped(ctx, takeError(e))
}

//export goInit
func goInit(value C.go_value, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error { return g.value.(func() error)() })
}
