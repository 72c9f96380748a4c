package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"runtime"
)

// Checkpoint saves and restores what a root object of a graph leads to (tf.train.Checkpoint). It
// keeps the graph alive. Several goroutines may use it at once; their calls come one after the
// other.
type Checkpoint struct {
	*handle[*C.ckpt_checkpoint]
	graph  *Graph // a handle of its own, so that the program may close its
	shared *sharedState
}

// New makes the checkpoint of what root leads to. Edges that are attached come on top, as
// the keyword arguments of tf.train.Checkpoint(root, **attached); without any, its files are those
// of tf.train.Checkpoint(**edges of root).
func New(g *Graph, root Node, attached ...Edge) (*Checkpoint, error) {
	var checkpoint *C.ckpt_checkpoint
	var err error
	if len(attached) == 0 {
		err = call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_checkpoint_new(p, C.ckpt_node(root), &checkpoint, e)
		})
	} else {
		names := make([]string, len(attached))
		for i, edge := range attached {
			names[i] = edge.Name
		}
		var pinner runtime.Pinner
		defer pinner.Unpin()
		err = call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
			all, count := texts(names, &pinner)
			objects, _ := nodes(children(attached))
			return C.ckpt_checkpoint_new_with_root(p, C.ckpt_node(root), all, objects, count, &checkpoint, e)
		})
	}
	if err != nil {
		return nil, err
	}
	return checkpointOf(checkpoint, g.shared), nil
}

func checkpointOf(checkpoint *C.ckpt_checkpoint, w *sharedState) *Checkpoint {
	graph := graphOf(C.ckpt_checkpoint_graph(checkpoint), w)
	return &Checkpoint{own(checkpoint, func(c *C.ckpt_checkpoint) {
		C.ckpt_checkpoint_free(c)
		graph.Close()
	}), graph, w}
}

// Root gives the root object.
func (c *Checkpoint) Root() Node {
	p := c.hold()
	defer c.drop(p)
	return Node(C.ckpt_checkpoint_root(p))
}

// Graph gives another handle of the graph, to be closed.
func (c *Checkpoint) Graph() *Graph {
	p := c.hold()
	defer c.drop(p)
	return graphOf(C.ckpt_checkpoint_graph(p), c.shared)
}

// touch calls a function that saves or restores: slices that moved are followed first.
func (c *Checkpoint) touch(f func(*C.ckpt_checkpoint, **C.ckpt_error) C.ckpt_code) error {
	if err := c.shared.follow(c.graph); err != nil {
		return err
	}
	return call(c.handle, f)
}

// SetLog has log called about values of a checkpoint that were never used and the like; nil for no
// one. A restore keeps the one that was set when it was called.
func (c *Checkpoint) SetLog(log func(Severity, string)) error {
	return call(c.handle, func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code {
		if log == nil {
			return C.go_checkpoint_set_log(p, 0, e)
		}
		return C.go_checkpoint_set_log(p, newValue(&callbackValue{value: log}), e)
	})
}

// SaveCounter gives the variable that counts saves, an int64 scalar; it is made when it is asked
// for first.
func (c *Checkpoint) SaveCounter() (Node, error) {
	var counter C.ckpt_node
	err := c.touch(func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_save_counter(p, &counter, e)
	})
	return Node(counter), err
}

// SaveCount says how often this checkpoint was saved, by the save counter.
func (c *Checkpoint) SaveCount() (int64, error) {
	var count C.int64_t
	err := c.touch(func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_save_count(p, &count, e)
	})
	return int64(count), err
}

// SaveOptions says how a graph is saved (tf.train.CheckpointOptions). The zero value, and nil, are
// the defaults.
type SaveOptions struct {
	Write WriteOptions // how files are written
	Busy  Busy         // what to do while an earlier save is running in the background

	// SnapshotLimit is the most bytes that the copies of all saves in the background of this process
	// take while they are written; 0 for no limit. A save that would exceed it waits until others
	// are written, or fails (Busy).
	SnapshotLimit uint64

	// Written hear, one after the other, that the files of a checkpoint are complete, before the
	// state file says so. An error ends the call, which returns Aborted; the checkpoint stays.
	// (experimental_write_callbacks)
	Written []func(path string) error
}

func (o *SaveOptions) make() (*cancellation, *C.ckpt_save_options, error) {
	if o == nil {
		o = &SaveOptions{}
	}
	cancellation := o.Write.cancellation()
	write, err := o.Write.make(cancellation)
	if err != nil {
		cancellation.close()
		return nil, nil, err
	}
	defer C.ckpt_write_options_free(write)
	made := C.ckpt_save_options_new()
	var e *C.ckpt_error
	ok := C.ckpt_save_options_set_write_options(made, write, &e) == C.CKPT_CODE_OK &&
		o.set(made, &e)
	for _, written := range o.Written {
		ok = ok && C.go_save_options_add_callback(made, newValue(&callbackValue{value: written}), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_save_options_free(made)
		cancellation.close()
		return nil, nil, takeError(e)
	}
	return cancellation, made, nil
}

func (c *Checkpoint) save(
	ctx context.Context, options *SaveOptions,
	f func(*C.ckpt_checkpoint, *C.ckpt_save_options, **C.ckpt_string, **C.ckpt_error) C.ckpt_code,
) (string, error) {
	cancellation, made, err := options.make()
	if err != nil {
		return "", err
	}
	defer cancellation.close()
	defer C.ckpt_save_options_free(made)
	var saved *C.ckpt_string
	err = cancellation.run(ctx, func() error {
		return c.touch(func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code { return f(p, made, &saved, e) })
	})
	return takeString(saved), err
}

// Save counts, writes the checkpoint prefix-COUNT (the first is prefix-1), and has the directory's
// state file name it as the latest and only one. It gives its path. (tf.train.Checkpoint.save)
//
// FailedPrecondition when a variable has no value yet, or a list or slot cannot be saved;
// Cancelled, and what the context says, when that is done; Aborted when a callback fails; else what
// Writer.Finish reports. What was at the path is then still there.
func (c *Checkpoint) Save(ctx context.Context, prefix string, options *SaveOptions) (string, error) {
	s, free, err := path(prefix)
	if err != nil {
		return "", err
	}
	defer free()
	return c.save(ctx, options,
		func(p *C.ckpt_checkpoint, o *C.ckpt_save_options, saved **C.ckpt_string, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_checkpoint_save(p, s, o, saved, e)
		})
}

// Write writes the checkpoint prefix, neither counting nor telling the state file.
// (tf.train.Checkpoint.write)
func (c *Checkpoint) Write(ctx context.Context, prefix string, options *SaveOptions) (string, error) {
	s, free, err := path(prefix)
	if err != nil {
		return "", err
	}
	defer free()
	return c.save(ctx, options,
		func(p *C.ckpt_checkpoint, o *C.ckpt_save_options, saved **C.ckpt_string, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_checkpoint_write(p, s, o, saved, e)
		})
}

// WriteNumbered writes the checkpoint prefix-number and makes it the latest and only one in the
// state file. It does not count.
func (c *Checkpoint) WriteNumbered(ctx context.Context, prefix string, number int64, options *SaveOptions) (string, error) {
	s, free, err := path(prefix)
	if err != nil {
		return "", err
	}
	defer free()
	return c.save(ctx, options,
		func(p *C.ckpt_checkpoint, o *C.ckpt_save_options, saved **C.ckpt_string, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_checkpoint_write_numbered(p, s, C.int64_t(number), o, saved, e)
		})
}

// SaveAsync copies what Save would write, and does the rest in the background. When it returns, the
// program may change everything; what is saved is what was there. States, savers and devices are
// asked before it returns; what the options have called is called in the background. When the
// context is done before the save is, the save is cancelled.
//
// One save of a checkpoint runs at a time: calls that save or restore wait for it
// (SaveOptions.Busy), and so does closing the last handle of the checkpoint. That an earlier save
// failed costs this one nothing.
func (c *Checkpoint) SaveAsync(ctx context.Context, prefix string, options *SaveOptions) (*Pending, error) {
	s, free, err := path(prefix)
	if err != nil {
		return nil, err
	}
	defer free()
	return c.saveAsync(ctx, options,
		func(p *C.ckpt_checkpoint, o *C.ckpt_save_options, pending **C.ckpt_pending, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_checkpoint_save_async(p, s, o, pending, e)
		})
}

// WriteAsync copies what Write would write, and does the rest in the background, as SaveAsync does.
func (c *Checkpoint) WriteAsync(ctx context.Context, prefix string, options *SaveOptions) (*Pending, error) {
	s, free, err := path(prefix)
	if err != nil {
		return nil, err
	}
	defer free()
	return c.saveAsync(ctx, options,
		func(p *C.ckpt_checkpoint, o *C.ckpt_save_options, pending **C.ckpt_pending, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_checkpoint_write_async(p, s, o, pending, e)
		})
}

func (c *Checkpoint) saveAsync(
	ctx context.Context, options *SaveOptions,
	f func(*C.ckpt_checkpoint, *C.ckpt_save_options, **C.ckpt_pending, **C.ckpt_error) C.ckpt_code,
) (*Pending, error) {
	cancellation, made, err := options.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_save_options_free(made)
	return cancellation.start(ctx, func(pending **C.ckpt_pending) error {
		return c.touch(func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code { return f(p, made, pending, e) })
	})
}

// Sync waits for the save that is running in the background, if there is one. It returns the error
// of a save in the background that has not been reported yet: of the first one, and at the next
// call of the last one.
func (c *Checkpoint) Sync() error {
	return call(c.handle, func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_sync(p, e)
	})
}

// LastFailure returns the error of the last save in the background that failed, whether or not it
// has been reported; nil if none has failed. Later saves that succeed do not change it, and a
// cancelled save has not failed. It never waits.
func (c *Checkpoint) LastFailure() error {
	return call(c.handle, func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_last_failure(p, e)
	})
}

// Rename takes what the checkpoint has at From for what the program has at To: paths of objects,
// each with all that is below.
type Rename struct{ From, To string }

// RestoreOptions says how a graph is restored. The zero value, and nil, are the defaults. All
// paths, but the new paths of renames, are paths in the checkpoint: below the subtree if there is
// one, and before any rename. They are those of keys: names of edges joined by "/"; in a name-based
// checkpoint, names of tensors and their scopes. Globs know * (within a name), ** (any number of
// names), ?, [...] and {a,b}. One that matches nothing is a row of the report and a warning in the
// log.
//
//	RestoreOptions{Subtree: "model", Renames: []Rename{{"old", "new"}}, Exclude: []string{"old/b"}}
//
// restores new/kernel from model/old/kernel, and leaves new/b as it is.
type RestoreOptions struct {
	Read              ReadOptions // how values are read; without a type and a conversion
	Include           []string    // globs: only these are restored
	Exclude           []string    // globs: these are left out
	Renames           []Rename    // done together, so that names can be exchanged
	OnMismatch        Mismatch    // what to do about values that do not fit
	Conversion        Conversion  // which values are converted to the dtypes of their variables; none by default
	SkipSlotVariables bool        // leaves slot variables as they are
	Subtree           string      // restores only what the checkpoint has below this path, as if that were its root
	VerifyFirst       bool        // compares all checksums before the first value is assigned

	// Log is that of RestoreNodes: it hears how the path was understood where that may surprise, and
	// of globs that match nothing. A checkpoint, manager or saver has a log of its own.
	Log func(Severity, string)
}

// make gives options with a flag, which may be nil.
func (o *RestoreOptions) make(flag *C.ckpt_cancel) (*C.ckpt_restore_options, error) {
	if o == nil && flag == nil {
		return nil, nil
	}
	if o == nil {
		o = &RestoreOptions{}
	}
	made := C.ckpt_restore_options_new()
	var e *C.ckpt_error
	read, err := o.Read.make(nil)
	if err != nil {
		C.ckpt_restore_options_free(made)
		return nil, err
	}
	defer C.ckpt_read_options_free(read)
	ok := C.ckpt_restore_options_set_cancel(made, flag, &e) == C.CKPT_CODE_OK &&
		(read == nil || C.ckpt_restore_options_set_read_options(made, read, &e) == C.CKPT_CODE_OK) && o.set(made, &e)
	if ok && o.Log != nil {
		ok = C.go_restore_options_set_log(made, newValue(&callbackValue{value: o.Log}), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_restore_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

func (c *Checkpoint) restore(
	ctx context.Context, p string, options *RestoreOptions,
	f func(*C.ckpt_checkpoint, *C.char, *C.ckpt_restore_options, **C.ckpt_error) C.ckpt_code,
) error {
	s, free, err := path(p)
	if err != nil {
		return err
	}
	defer free()
	return withFlag(ctx, func(flag *C.ckpt_cancel) error {
		made, err := options.make(flag)
		if err != nil {
			return err
		}
		defer C.ckpt_restore_options_free(made)
		return c.touch(func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code { return f(p, s, made, e) })
	})
}

// Restore restores the program from the checkpoint at a path, which may be anything that Open
// takes. Every object that the root leads to by the edges that were saved takes its value; what the
// program does not have yet is restored when it is tracked. (tf.train.Checkpoint.restore)
//
// All that can be known is checked before the first value is assigned; if it fails then, nothing
// has changed. Else LastReport says of each value what became of it. fs.ErrNotExist when there is
// no checkpoint; InvalidArgument when a value does not fit its object; DataLoss when the checkpoint
// is damaged; Aborted when a callback fails; Cancelled, and what the context says, when that is
// done: before the first value is assigned nothing has changed then.
func (c *Checkpoint) Restore(ctx context.Context, p string, options *RestoreOptions) (*Status, error) {
	var status *C.ckpt_status
	err := c.restore(ctx, p, options,
		func(p *C.ckpt_checkpoint, s *C.char, o *C.ckpt_restore_options, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_checkpoint_restore(p, s, o, &status, e)
		})
	return statusOf(status), err
}

// Read does the same without the save counter, for what Write wrote. (tf.train.Checkpoint.read)
func (c *Checkpoint) Read(ctx context.Context, p string, options *RestoreOptions) (*Status, error) {
	var status *C.ckpt_status
	err := c.restore(ctx, p, options,
		func(p *C.ckpt_checkpoint, s *C.char, o *C.ckpt_restore_options, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_checkpoint_read(p, s, o, &status, e)
		})
	return statusOf(status), err
}

// RestoreNothing restores nothing, but makes the save counter. All assertions of the status fail.
// (tf.train.Checkpoint.restore(None))
func (c *Checkpoint) RestoreNothing() (*Status, error) {
	var status *C.ckpt_status
	err := c.touch(func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_restore_nothing(p, &status, e)
	})
	return statusOf(status), err
}

// DryRun says what Read would do. Nothing is assigned, and nothing waits for it. What does not fit
// is in the rows.
func (c *Checkpoint) DryRun(ctx context.Context, p string, options *RestoreOptions) (*Report, error) {
	var report *C.ckpt_report
	err := c.restore(ctx, p, options,
		func(p *C.ckpt_checkpoint, s *C.char, o *C.ckpt_restore_options, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_checkpoint_dry_run(p, s, o, &report, e)
		})
	return takeReport(report), err
}

// LastReport says what became of every value in the last restore or read, also in one that failed;
// nil before the first.
func (c *Checkpoint) LastReport() (*Report, error) {
	var report *C.ckpt_report
	err := call(c.handle, func(p *C.ckpt_checkpoint, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_last_report(p, &report, e)
	})
	return takeReport(report), err
}

//export goWritten
func goWritten(value C.go_value, path *C.char, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error { return g.value.(func(string) error)(C.GoString(path)) })
}

//export goLog
func goLog(value C.go_value, severity C.ckpt_severity, text *C.char, size C.size_t) {
	log, line := valueOf(value).value.(func(Severity, string)), C.GoStringN(text, C.int(size))
	_ = contained(func() error { // there is nobody to tell
		log(Severity(severity), line)
		return nil
	})
}
