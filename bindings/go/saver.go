package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"time"
	"unsafe"
)

// SaverOptions says how a saver numbers its checkpoints and keeps them. Nil are the defaults.
type SaverOptions struct {
	MaxToKeep     *int             // how many stay, the newest; 5 by default; 0 for all
	KeepEvery     time.Duration    // permanently keeps one otherwise expired checkpoint for each such time; 0 for the default, 10 000 hours
	PadStepNumber bool             // writes steps with at least eight digits
	AbsolutePaths bool             // has the state file name checkpoints as they were given, as TensorFlow does
	Reshape       bool             // restores values of another shape with as many elements, but not on devices or into parts of tensors; variables keep their shapes
	RestoreOnly   bool             // cannot save, and restores one value into all objects of its name (init_from_checkpoint)
	Clock         func() time.Time // another clock than the machine's
	Locking       Locking          // whether the directory is locked; if the file system can, by default
	LockWait      *time.Duration   // how long to wait for a lock that somebody else holds; nil for a minute
	Log           func(Severity, string)
}

// Saver saves objects of a graph under names of the program's, and restores them by these
// (tf.compat.v1.train.Saver). Its checkpoints have no object graph. It keeps the graph alive.
// Several goroutines may use it at once.
type Saver struct {
	*handle[*C.ckpt_saver]
	graph  *Graph
	shared *sharedState
}

// NamedNode is an object with the name under which it is saved.
type NamedNode = Edge

// NewSaver makes a saver of objects, each under its name. fs.ErrExist when two objects have one
// name, or one object two; InvalidArgument for what has no values.
func NewSaver(g *Graph, objects []NamedNode, options *SaverOptions) (*Saver, error) {
	names := make([]string, len(objects))
	for i, object := range objects {
		names[i] = object.Name
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	return newSaver(g, options, func(p *C.ckpt_graph, o *C.ckpt_saver_options, s **C.ckpt_saver, e **C.ckpt_error) C.ckpt_code {
		all, count := texts(names, &pinner)
		nodes, _ := nodes(children(objects))
		return C.ckpt_saver_new(p, all, nodes, count, o, s, e)
	})
}

// NewSaverOfVariables makes a saver of variables under their own names (NodeOptions.Name).
func NewSaverOfVariables(g *Graph, variables []Node, options *SaverOptions) (*Saver, error) {
	return newSaver(g, options, func(p *C.ckpt_graph, o *C.ckpt_saver_options, s **C.ckpt_saver, e **C.ckpt_error) C.ckpt_code {
		all, count := nodes(variables)
		return C.ckpt_saver_new_of_variables(p, all, count, o, s, e)
	})
}

// NewSaverOfRoot makes a saver of everything that root leads to and that has values, by the
// variables' own names.
func NewSaverOfRoot(g *Graph, root Node, options *SaverOptions) (*Saver, error) {
	return newSaver(g, options, func(p *C.ckpt_graph, o *C.ckpt_saver_options, s **C.ckpt_saver, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_saver_new_of_root(p, C.ckpt_node(root), o, s, e)
	})
}

func newSaver(
	g *Graph, options *SaverOptions,
	f func(*C.ckpt_graph, *C.ckpt_saver_options, **C.ckpt_saver, **C.ckpt_error) C.ckpt_code,
) (*Saver, error) {
	made, err := options.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_saver_options_free(made)
	var saver *C.ckpt_saver
	err = call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code { return f(p, made, &saver, e) })
	if err != nil {
		return nil, err
	}
	graph := g.Share()
	return &Saver{own(saver, func(s *C.ckpt_saver) {
		C.ckpt_saver_free(s)
		graph.Close()
	}), graph, g.shared}, nil
}

func (o *SaverOptions) make() (*C.ckpt_saver_options, error) {
	if o == nil {
		return nil, nil
	}
	if o.MaxToKeep != nil && *o.MaxToKeep < 0 {
		return nil, argument("no checkpoint is to stay")
	}
	made := C.ckpt_saver_options_new()
	var e *C.ckpt_error
	ok := o.set(made, &e)
	if ok && o.Clock != nil {
		ok = C.go_saver_options_set_clock(made, newValue(&callbackValue{value: clock{now: o.Clock}}), &e) == C.CKPT_CODE_OK
	}
	if ok && o.Log != nil {
		ok = C.go_saver_options_set_log(made, newValue(&callbackValue{value: o.Log}), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_saver_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

func (s *Saver) touch(f func(*C.ckpt_saver, **C.ckpt_error) C.ckpt_code) error {
	if err := s.shared.follow(s.graph); err != nil {
		return err
	}
	return call(s.handle, f)
}

func (s *Saver) strings(f func(*C.ckpt_saver, **C.ckpt_strings, **C.ckpt_error) C.ckpt_code) ([]string, error) {
	var found *C.ckpt_strings
	err := call(s.handle, func(p *C.ckpt_saver, e **C.ckpt_error) C.ckpt_code { return f(p, &found, e) })
	return takeStrings(found), err
}

// Names gives the names under which objects are saved, sorted.
func (s *Saver) Names() ([]string, error) {
	return s.strings(func(p *C.ckpt_saver, found **C.ckpt_strings, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_saver_names(p, found, e)
	})
}

// SaverSaveOptions says how one checkpoint is saved by names. Nil are the defaults.
type SaverSaveOptions struct {
	GlobalStep     *int64 // appends -STEP to the prefix
	GlobalStepOf   Node   // the same by an integer scalar of the graph
	LatestFilename string // another name for the state file than checkpoint
	NoState        bool   // does not record the checkpoint in the state file, nor remove old ones
	Save           SaveOptions
}

// Save writes the checkpoint prefix, or prefix-STEP, records it, and removes old ones. It gives its
// path.
func (s *Saver) Save(ctx context.Context, prefix string, options *SaverSaveOptions) (string, error) {
	if options == nil {
		options = &SaverSaveOptions{}
	}
	all, free, err := paths([]string{prefix, options.LatestFilename})
	if err != nil {
		return "", err
	}
	defer free()
	cancellation, save, err := options.Save.make()
	if err != nil {
		return "", err
	}
	defer cancellation.close()
	defer C.ckpt_save_options_free(save)
	made := C.ckpt_saver_save_options_new()
	defer C.ckpt_saver_save_options_free(made)
	var e *C.ckpt_error
	ok := options.set(made, &e) && C.ckpt_saver_save_options_set_save_options(made, save, &e) == C.CKPT_CODE_OK
	if ok && options.LatestFilename != "" {
		ok = C.ckpt_saver_save_options_set_latest_filename(made, all[1], &e) == C.CKPT_CODE_OK
	}
	if !ok {
		return "", takeError(e)
	}
	var saved *C.ckpt_string
	err = cancellation.run(ctx, func() error {
		return s.touch(func(p *C.ckpt_saver, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_saver_save(p, all[0], made, &saved, e)
		})
	})
	return takeString(saved), err
}

// Restore restores all objects from the checkpoint at a path. One that has an object graph, and not
// the names, is restored by the full names of variables. Paths in the options are names of tensors
// and their scopes. A name that ends in ":0" is also looked up without that.
func (s *Saver) Restore(ctx context.Context, p string, options *RestoreOptions) (*Report, error) {
	c, free, err := path(p)
	if err != nil {
		return nil, err
	}
	defer free()
	var report *C.ckpt_report
	err = withFlag(ctx, func(flag *C.ckpt_cancel) error {
		made, err := options.make(flag)
		if err != nil {
			return err
		}
		defer C.ckpt_restore_options_free(made)
		return s.touch(func(p *C.ckpt_saver, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_saver_restore(p, c, made, &report, e)
		})
	})
	return takeReport(report), err
}

// LastReport says what became of every value in the last restore, also in one that failed; nil
// before the first.
func (s *Saver) LastReport() (*Report, error) {
	var report *C.ckpt_report
	err := call(s.handle, func(p *C.ckpt_saver, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_saver_last_report(p, &report, e)
	})
	return takeReport(report), err
}

// LastCheckpoints gives the checkpoints that were recorded and are not removed yet, oldest first.
func (s *Saver) LastCheckpoints() ([]string, error) {
	return s.strings(func(p *C.ckpt_saver, found **C.ckpt_strings, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_saver_last_checkpoints(p, found, e)
	})
}

// SetLastCheckpoints takes these paths for the checkpoints that were recorded, oldest first, and
// times for when they were made. times may be nil: then none of them is ever removed.
func (s *Saver) SetLastCheckpoints(recorded []string, times []time.Time) error {
	if times != nil && len(times) != len(recorded) {
		return argument(fmt.Sprintf("there is a time for each checkpoint: expected %d, found %d", len(recorded), len(times)))
	}
	var seconds []float64
	for _, t := range times {
		seconds = append(seconds, secondsOf(t))
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	return call(s.handle, func(p *C.ckpt_saver, e **C.ckpt_error) C.ckpt_code {
		all, count := texts(recorded, &pinner)
		return C.ckpt_saver_set_last_checkpoints(p, all, (*C.double)(unsafe.Pointer(unsafe.SliceData(seconds))), count, e)
	})
}

// RecoverLastCheckpoints takes those of these checkpoints that are there for the ones that were
// recorded, with the times of their files: what a program that was ended gives the saver of its
// next run.
func (s *Saver) RecoverLastCheckpoints(recorded []string) error {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	return call(s.handle, func(p *C.ckpt_saver, e **C.ckpt_error) C.ckpt_code {
		all, count := texts(recorded, &pinner)
		return C.ckpt_saver_recover_last_checkpoints(p, all, count, e)
	})
}
