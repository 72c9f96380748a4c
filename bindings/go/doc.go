// Package checkpoint reads, writes, saves and restores TensorFlow's checkpoints without TensorFlow.
//
// A [Reader] opens any checkpoint that TensorFlow wrote. A [Graph] of objects with named edges is
// saved and restored by a [Checkpoint] as by tf.train.Checkpoint, and numbered, kept and resumed by
// a [Manager] as by tf.train.CheckpointManager. A [Writer] writes checkpoints of named tensors, a
// [Saver] saves a graph by names.
//
// The package is a thin layer over libcheckpoint's C library, which the released module has.
// With the build tag checkpoint_system it is the installed one, which pkg-config finds; with
// checkpoint_musl, the module's for musl.
//
// # Conventions
//
// Everything with a Close method holds memory of the library's. Close may be called more than once
// and in any order: what needs another object keeps it alive. What is not closed is freed when the
// garbage collector finds it.
//
// Functions that fail return an [*Error], with the class, a stable reason, and the names of what
// was at fault. errors.Is knows fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid,
// context.Canceled, and the classes of this package, as in errors.Is(err, checkpoint.DataLoss).
//
// Values are slices of fixed-size elements, in row-major order, or of strings. A shape lists the
// dimensions; a scalar has none.
//
// Readers, reports and errors do not change and may be used by several goroutines at once. So may
// graphs, checkpoints, statuses and managers, whose calls take the one lock of their graph: calls
// of several goroutines come one after the other, and a call from inside a callback of the graph
// fails.
package checkpoint
