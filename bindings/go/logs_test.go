//go:build cgo

package checkpoint

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whoever is given a path has a log, which hears once that the directory was moved.
func TestLogsOfPaths(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		ctx := context.Background()
		directory := t.TempDir()
		p := newProgram(t)
		value := []float32{1}
		node := p.variable(p.root, "x", &value)
		p.save(filepath.Join(directory, "ckpt"))
		text := "model_checkpoint_path: \"/gone/ckpt-1\"\nall_model_checkpoint_paths: \"/gone/ckpt-1\"\n" +
			"all_model_checkpoint_timestamps: 1000.5\n"
		check0(t, os.WriteFile(filepath.Join(directory, "checkpoint"), []byte(text), 0o666))
		moved := 0
		log := func(severity Severity, text string) {
			if severity == SeverityWarning && strings.Contains(text, "was moved") {
				moved++
			}
		}
		zero := time.Duration(0)
		open := &OpenOptions{Log: log}
		verify := &VerifyOptions{Log: log}
		wait := &WaitOptions{Timeout: &zero, Log: log}
		for name, call := range map[string]func(){
			"Open":                func() { must(Open(ctx, directory, open))(t).Close() },
			"OpenView":            func() { must(OpenView(directory, open))(t).Close() },
			"Latest":              func() { must(Latest(directory, open))(t) },
			"ReadState":           func() { must(ReadState(directory, "", open))(t) },
			"PinLatest":           func() { must(PinLatest(directory, open))(t).Close() },
			"Verify":              func() { must(Verify(ctx, directory, verify))(t) },
			"WaitForNew":          func() { must(WaitForNew(ctx, directory, "", wait))(t) },
			"Collect":             func() { must(Collect(ctx, directory, &CollectOptions{Keep: 1, DryRun: true, Log: log}))(t) },
			"RepairCheckpoint":    func() { must(RepairState(ctx, directory, &RepairOptions{DryRun: true, Log: log}))(t) },
			"Repair, with Verify": func() { must(RepairState(ctx, directory, &RepairOptions{DryRun: true, Verify: *verify}))(t) },
			"LatestValid": func() {
				_, _, err := LatestValid(ctx, directory, verify)
				check0(t, err)
			},
			"RestoreNodes": func() {
				check0(t, p.RestoreNodes(directory, []Match{{Node: 1, Object: node}}, &RestoreOptions{Log: log}))
			},
		} {
			moved = 0
			call()
			if moved != 1 {
				t.Errorf("%s: said %d times that the directory was moved", name, moved)
			}
		}
		p.close()
	})
}

// What changes a directory locks it as its options say.
func TestLocksOfPaths(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		ctx := context.Background()
		directory := t.TempDir()
		p := newProgram(t)
		value := []float32{1}
		p.variable(p.root, "x", &value)
		path := p.save(filepath.Join(directory, "ckpt"))
		check0(t, os.WriteFile(filepath.Join(directory, "checkpoint"), []byte("nonsense"), 0o666))
		log := func(Severity, string) {}
		negative := -time.Second
		is(t, Remove(path, &RemoveOptions{LockWait: &negative, Log: log}), InvalidArgument)
		_, err := RepairState(ctx, directory, &RepairOptions{LockWait: &negative, Log: log})
		is(t, err, InvalidArgument)
		is(t, UpdateState(directory, "", CheckpointState{Latest: path}, &UpdateOptions{LockWait: &negative}), InvalidArgument)
		wait := time.Duration(0)
		for _, locking := range []Locking{LockingIfPossible, LockingRequired, LockingNone} {
			must(RepairState(ctx, directory, &RepairOptions{Locking: locking, LockWait: &wait, Log: log}))(t)
			update := &UpdateOptions{Locking: locking, LockWait: &wait, Log: log}
			check0(t, UpdateState(directory, "", CheckpointState{Latest: path}, update))
			check0(t, Remove(path, &RemoveOptions{Locking: locking, LockWait: &wait, Log: log}))
			path = p.save(filepath.Join(directory, "ckpt"))
		}
		p.close()
	})
}
