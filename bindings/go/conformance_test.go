//go:build cgo

package checkpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// The steps that the bindings of all languages go through.
var steps = []struct {
	name string
	run  func(*testing.T)
}{
	{"read_fixture", readFixture},
	{"every_dtype", everyDType},
	{"containers", containers},
	{"slots", slots},
	{"deferred_restore", deferredRestore},
	{"status_failures", statusFailures},
	{"report_rows", reportRows},
	{"manager_retention", managerRetention},
	{"custom_state", customState},
	{"cancel", cancel},
	{"name_based", nameBased},
	{"views", views},
	{"leaks", leaks},
}

func TestConformance(t *testing.T) {
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) { withoutLeaks(t, step.run) })
	}
}

// withoutLeaks fails a test after which the library still has a handle, or keeps a value of Go's.
func withoutLeaks(t *testing.T, run func(*testing.T)) {
	t.Helper()
	handles, kept := LiveHandles(), keptValues.Load()
	run(t)
	if t.Failed() || t.Skipped() {
		return
	}
	if now := LiveHandles(); now != handles {
		t.Errorf("%d handles are not freed", int64(now)-int64(handles))
	}
	// What tells the end of a call is released by the library's thread just after it was told.
	for end := time.Now().Add(10 * time.Second); keptValues.Load() > kept && time.Now().Before(end); {
		runtime.Gosched()
	}
	if now := keptValues.Load(); now != kept {
		t.Errorf("%d values are not released", now-kept)
	}
}

var ctx = context.Background()

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check0(t, err)
		return value
	}
}

func check0(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, expected, found T) {
	t.Helper()
	if expected != found {
		t.Errorf("expected %v, found %v", expected, found)
	}
}

func same[T any](t testing.TB, expected, found []T) {
	t.Helper()
	if fmt.Sprint(expected) != fmt.Sprint(found) {
		t.Errorf("expected %v, found %v", expected, found)
	}
}

func is(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("expected %v, found %v", target, err)
	}
}

func because(t testing.TB, err error, code Code, reason Reason) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason {
		t.Fatalf("expected %v for reason %d, found %#v", code, reason, err)
	}
}

const data = "../../tests/data/"

func readFixture(t *testing.T) {
	latest := must(Open(ctx, data+"guide", nil))(t)
	equal(t, Resolution{Entry: "ckpt-5"}, latest.Resolved())
	check0(t, latest.Close())
	r := must(Open(ctx, data+"guide/ckpt-5", nil))(t)
	defer r.Close()
	raw := must(os.ReadFile(data + "guide/manifest.json"))(t)
	if !json.Valid(raw) {
		t.Fatal("the manifest is no JSON")
	}
	kernel := must(r.Get("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"))(t)
	equal(t, Float32, kernel.DType())
	same(t, []int64{1, 5}, kernel.Shape())
	values := must(Read[float32](ctx, kernel))(t)
	equal(t, 5, len(values))
	same(t, values[2:4], must(ReadRegion[float32](ctx, kernel, Region{[]int64{0, 2}, []int64{-1, 2}}, nil))(t))
	into := make([]float32, 5)
	check0(t, ReadInto(ctx, kernel, into, &ReadOptions{Threads: 2, Checksums: ChecksumsWhenWhole}))
	same(t, values, into)
	check0(t, r.ReadManyBytes(ctx, []Tensor{kernel}, [][]byte{bytesOf(into)}, nil))
	same(t, values, into)

	var keys []string
	for key, tensor := range r.All() {
		keys = append(keys, key)
		equal(t, key, tensor.Key())
	}
	equal(t, r.Len(), len(keys))
	equal(t, r.MemorySize() > uint64(len(keys)), true)
	if !slices.IsSorted(keys) {
		t.Error("the keys are not in order")
	}
	for range r.All() {
		break // a loop that is left early lets go of the reader
	}
	graph := must(r.Get("_CHECKPOINTABLE_OBJECT_GRAPH"))(t)
	equal(t, 1, len(must(graph.ReadStrings(nil))(t)))

	_, err := r.Get("net/l1/kernal/.ATTRIBUTES/VARIABLE_VALUE")
	is(t, err, fs.ErrNotExist)
	because(t, err, NotFound, ReasonNoTensor)
	_, err = Read[float64](ctx, kernel)
	because(t, err, InvalidArgument, ReasonDType)
	_, err = Open(ctx, data+"none", nil)
	is(t, err, fs.ErrNotExist)
	_, err = Open(ctx, "with\x00nul", nil)
	is(t, err, fs.ErrInvalid)

	// A view, mapped, is what reading gives.
	view := must(kernel.View(nil))(t)
	r.Close()
	check0(t, view.Use(func(b []byte, alignment int) {
		if !bytes.Equal(b, bytesOf(values)) || alignment < 1 {
			t.Error("the view differs")
		}
	}))
	view.Close()
	is(t, view.Use(func([]byte, int) {}), InvalidArgument)
	_, err = Read[float32](ctx, kernel)
	is(t, err, fs.ErrInvalid)
	check0(t, r.Close())
}

// roundTrip writes a tensor and reads it again.
func roundTrip[T Element](t *testing.T, values ...T) {
	prefix := filepath.Join(t.TempDir(), "m")
	w := must(NewWriter(prefix, nil))(t)
	check0(t, Add(w, "v", []int64{int64(len(values))}, values))
	check0(t, w.Finish(ctx))
	is(t, w.Finish(ctx), InvalidArgument)
	r := must(Open(ctx, prefix, nil))(t)
	defer r.Close()
	v := must(r.Get("v"))(t)
	equal(t, DTypeOf[T](), v.DType())
	same(t, values, must(Read[T](ctx, v))(t))
}

func everyDType(t *testing.T) {
	roundTrip(t, true, false)
	roundTrip[int8](t, -128, 127)
	roundTrip[int16](t, -32768, 32767)
	roundTrip[int32](t, -5, 5)
	roundTrip[int64](t, -5, 1<<62)
	roundTrip[uint8](t, 0, 255)
	roundTrip[uint16](t, 0, 65535)
	roundTrip[uint32](t, 0, 1<<32-1)
	roundTrip[uint64](t, 0, 1<<64-1)
	roundTrip[float32](t, -1.5, 3)
	roundTrip(t, -1.5, 1e300)
	roundTrip[complex64](t, 1-2i)
	roundTrip(t, 1-2i)
	roundTrip[F16](t, 0x3c00)
	roundTrip[BF16](t, 0x3f80)
	roundTrip[float32](t)

	// Every fixture's tensor, as bytes or strings, comes out of a writer as it was.
	from := must(Open(ctx, data+"dtypes/all", nil))(t)
	defer from.Close()
	prefix := filepath.Join(t.TempDir(), "all")
	w := must(NewWriter(prefix, &WriteOptions{Alignment: 64, Shards: 2, ReadBack: true}))(t)
	for key, tensor := range from.All() {
		switch tensor.DType() {
		case String:
			check0(t, w.AddStrings(key, tensor.Shape(), must(tensor.ReadStrings(nil))(t)))
		case Variant:
			check0(t, w.AddVariants(key, tensor.Shape(), must(tensor.ReadStrings(nil))(t)))
		default:
			buffer := make([]byte, tensor.Size())
			check0(t, tensor.ReadBytes(ctx, buffer, nil))
			check0(t, w.AddBytes(key, tensor.DType(), tensor.Shape(), buffer))
		}
	}
	runtime.GC() // what was added is kept
	check0(t, w.Finish(ctx))
	to := must(Open(ctx, prefix, nil))(t)
	defer to.Close()
	equal(t, from.Listing(), to.Listing())
	for key, tensor := range from.All() {
		copied := must(to.Get(key))(t)
		if tensor.DType() == String || tensor.DType() == Variant {
			same(t, must(tensor.ReadStrings(nil))(t), must(copied.ReadStrings(nil))(t))
			continue
		}
		a, b := make([]byte, tensor.Size()), make([]byte, copied.Size())
		check0(t, tensor.ReadBytes(ctx, a, nil))
		check0(t, copied.ReadBytes(ctx, b, nil))
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", key)
		}
	}
	if found := must(Verify(ctx, prefix, nil))(t); len(found.Problems) != 0 || found.Tensors != to.Len() {
		t.Errorf("%+v", found)
	}

	// Slices, and bytes that are asked for.
	prefix = filepath.Join(t.TempDir(), "parts")
	w = must(NewWriter(prefix, nil))(t)
	check0(t, AddSlice(w, "p", []int64{4}, Region{[]int64{0}, []int64{2}}, []int32{1, 2}))
	check0(t, AddShapeAndSlice(w, "p", []int64{2}, "4 2,2", []int32{3, 4}))
	check0(t, w.AddReader("r", Int16, []int64{3}, bytes.NewReader(bytesOf([]int16{7, 8, 9}))))
	is(t, Add(w, "short", []int64{3}, []int32{1}), fs.ErrInvalid)
	check0(t, w.Finish(ctx))
	r := must(Open(ctx, prefix, nil))(t)
	defer r.Close()
	p := must(r.Get("p"))(t)
	equal(t, 2, len(must(p.Slices())(t)))
	same(t, []int32{1, 2, 3, 4}, must(Read[int32](ctx, p))(t))
	same(t, []int16{7, 8, 9}, must(Read[int16](ctx, must(r.Get("r"))(t)))(t))
}

// program is a graph with a root, and its checkpoint.
type program struct {
	*Graph
	root Node
	ckpt *Checkpoint
	t    *testing.T
}

func newProgram(t *testing.T) *program {
	g := NewGraph()
	root := must(g.AddObject())(t)
	ckpt := must(New(g, root))(t)
	t.Cleanup(func() {}) // closing is each step's own
	return &program{g, root, ckpt, t}
}

func (p *program) close() {
	p.Close() // the graph before what needs it
	p.ckpt.Close()
}

func (p *program) variable(parent Node, name string, values *[]float32) Node {
	node := must(AddVariable(p.Graph, values, []int64{int64(len(*values))}))(p.t)
	check0(p.t, p.Track(parent, name, node))
	return node
}

func (p *program) save(prefix string) string {
	return must(p.ckpt.Save(ctx, prefix, nil))(p.t)
}

func containers(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "c")
	build := func(values ...float32) (*program, [][]float32, Node) {
		p := newProgram(t)
		all := make([][]float32, len(values))
		nodes := make([]Node, len(values))
		for i, v := range values {
			all[i] = []float32{v}
			nodes[i] = must(AddVariable(p.Graph, &all[i], []int64{1}))(t)
		}
		list, dict := must(p.AddList())(t), must(p.AddDict())(t)
		check0(t, p.Append(list, nodes[0]))
		check0(t, p.Append(list, 0))
		check0(t, p.Append(list, nodes[1]))
		check0(t, p.Set(dict, "k", nodes[2]))
		tuple := must(p.AddNamedTuple([]string{"a"}, []Node{nodes[3]}))(t)
		words := must(p.AddText(fmt.Sprint(values)))(t)
		for name, child := range map[string]Node{"list": list, "dict": dict, "tuple": tuple, "text": words} {
			check0(t, p.Track(p.root, name, child))
		}
		same(t, []Node{nodes[0], 0, nodes[1]}, must(p.Elements(list))(t))
		return p, all, words
	}
	one, _, _ := build(1, 2, 3, 4)
	path := one.save(prefix)
	equal(t, prefix+"-1", path)
	one.close()

	two, values, words := build(0, 0, 0, 0)
	status := must(two.ckpt.Restore(ctx, path, nil))(t)
	check0(t, status.AssertConsumed())
	status.Close()
	same(t, [][]float32{{1}, {2}, {3}, {4}}, values)
	same(t, []string{"[1 2 3 4]"}, must(two.Strings(words))(t))
	list := must(two.Lookup(two.root, "list"))(t)
	must(two.RemoveElement(list, 0))(t)
	_, err := two.ckpt.Save(ctx, prefix, nil)
	because(t, err, FailedPrecondition, ReasonUnsavable)
	two.close()

	// Slices that append moves, and that lose their backing array to others, are followed.
	p := newProgram(t)
	moved := []float32{1, 2}
	node := p.variable(p.root, "v", &moved)
	moved = append(append(make([]float32, 0, 100), moved...), 3)[:2]
	moved[1] = 9
	same(t, []float32{1, 9}, must(Value[float32](p.Graph, node))(t))
	path = p.save(prefix)
	moved = make([]float32, 2)
	runtime.GC()
	must(p.ckpt.Restore(ctx, path, nil))(t).Close()
	same(t, []float32{1, 9}, moved)
	moved = moved[:1]
	_, err = p.ckpt.Save(ctx, prefix, nil)
	is(t, err, fs.ErrInvalid)
	p.close()
}

func slots(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "s")
	p := newProgram(t)
	value, m := []float32{1, 2}, []float32{3, 4}
	v := p.variable(p.root, "v", &value)
	owner := must(p.AddSlotOwner(nil))(t)
	check0(t, p.Track(p.root, "optimizer", owner))
	check0(t, p.SetSlot(owner, v, "m", must(AddVariable(p.Graph, &m, []int64{2}))(t)))
	same(t, []string{"m"}, must(p.SlotNames(owner))(t))
	path := p.save(prefix)
	p.close()

	// A slot that is made when the checkpoint has a value for it.
	p = newProgram(t)
	value, made := []float32{0, 0}, make([]float32, 2)
	v = p.variable(p.root, "v", &value)
	owner = must(p.AddSlotOwner(func(r *SlotRequest) error {
		equal(t, "m", r.Name)
		equal(t, v, r.Variable)
		same(t, []int64{2}, r.Shape)
		return MakeSlot(r, made)
	}))(t)
	check0(t, p.Track(p.root, "optimizer", owner))
	status := must(p.ckpt.Restore(ctx, path, nil))(t)
	check0(t, status.AssertConsumed())
	status.Close()
	same(t, []float32{1, 2}, value)
	same(t, []float32{3, 4}, made)
	if must(p.Slot(owner, v, "m"))(t) == 0 {
		t.Error("there is no slot")
	}
	p.close()

	p = newProgram(t)
	p.variable(p.root, "v", &value)
	owner = must(p.AddSlotOwner(func(*SlotRequest) error { panic("no slot") }))(t)
	check0(t, p.Track(p.root, "optimizer", owner))
	_, err := p.ckpt.Restore(ctx, path, nil)
	because(t, err, Aborted, ReasonCallback)
	if !strings.Contains(err.Error(), "no slot") {
		t.Error(err)
	}
	p.close()
}

func deferredRestore(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "d")
	p := newProgram(t)
	value := []float32{5, 6}
	p.variable(p.root, "late", &value)
	path := p.save(prefix)
	p.close()

	p = newProgram(t)
	status := must(p.ckpt.Restore(ctx, path, nil))(t)
	because(t, status.AssertConsumed(), FailedPrecondition, ReasonAssertion)
	equal(t, 1, must(p.Waiting(p.root, "late"))(t))
	late := []float32{0, 0}
	p.variable(p.root, "late", &late)
	same(t, value, late)
	equal(t, true, must(p.WasRestored(must(p.Lookup(p.root, "late"))(t)))(t))
	equal(t, false, must(p.WasRestored(p.root))(t))
	check0(t, status.AssertConsumed())
	status.Close()
	p.close()

	// Of a variable without a value the checkpoint says what it is.
	p = newProgram(t)
	any := must(p.AddOfAnyShape(Invalid))(t)
	check0(t, p.Track(p.root, "late", any))
	_, err := Value[float32](p.Graph, any)
	if err == nil {
		t.Error("there is a value before there is one")
	}
	must(p.ckpt.Restore(ctx, path, nil))(t).Close()
	same(t, value, must(Value[float32](p.Graph, any))(t))
	p.close()
}

func statusFailures(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "f")
	p := newProgram(t)
	a, b := []float32{1}, []float32{2}
	p.variable(p.root, "a", &a)
	path := p.save(prefix)
	p.variable(p.root, "b", &b)
	var said []string
	check0(t, p.ckpt.SetLog(func(_ Severity, line string) { said = append(said, line) }))
	status := must(p.ckpt.Restore(ctx, path, nil))(t)
	equal(t, RestoreObjects, status.Kind())
	equal(t, path, status.Path())
	because(t, status.AssertConsumed(), FailedPrecondition, ReasonAssertion)
	because(t, status.AssertExistingObjectsMatched(), FailedPrecondition, ReasonAssertion)
	because(t, status.AssertRestMatched(), FailedPrecondition, ReasonAssertion)
	check0(t, status.AssertNontrivialMatch())
	check0(t, status.RunRestoreOps())
	check0(t, status.InitializeOrRestore())
	check0(t, status.Drop())
	check0(t, status.Close())
	because(t, status.AssertConsumed(), InvalidArgument, ReasonArgument)
	status = must(p.ckpt.RestoreNothing())(t)
	equal(t, RestoreNone, status.Kind())
	because(t, status.AssertConsumed(), FailedPrecondition, ReasonAssertion)
	status.Close()
	p.close()

	p = newProgram(t)
	check0(t, p.ckpt.SetLog(func(_ Severity, line string) { said = append(said, line); panic("log") }))
	must(p.ckpt.Restore(ctx, path, nil))(t).Close()
	p.close()
	if len(said) == 0 {
		t.Error("nobody said that the value was never used")
	}

	p = newProgram(t)
	_, err := p.ckpt.Restore(ctx, filepath.Join(filepath.Dir(prefix), "none"), nil)
	is(t, err, fs.ErrNotExist)
	because(t, err, NotFound, ReasonNoCheckpoint)
	wrong := []float32{1, 2, 3}
	p.variable(p.root, "a", &wrong)
	_, err = p.ckpt.Restore(ctx, path, nil)
	because(t, err, InvalidArgument, ReasonShape)
	same(t, []float32{1, 2, 3}, wrong)
	check0(t, p.Remove(must(p.Lookup(p.root, "a"))(t)))
	_, err = p.Describe(12345)
	because(t, err, InvalidArgument, ReasonNode)
	p.close()
	_, err = p.AddObject()
	is(t, err, InvalidArgument)
}

func reportRows(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "r")
	p := newProgram(t)
	a, b := []float32{1}, []float32{2}
	p.variable(p.root, "a", &a)
	p.variable(p.root, "b", &b)
	path := p.save(prefix)
	p.close()
	p = newProgram(t)
	wide, missing := []float32{0, 0}, []float32{0}
	p.variable(p.root, "a", &wide)
	p.variable(p.root, "c", &missing)
	dry := must(p.ckpt.DryRun(ctx, path, nil))(t)
	status := must(p.ckpt.Read(ctx, path, &RestoreOptions{OnMismatch: MismatchSkip, VerifyFirst: true}))(t)
	report := must(status.Report())(t)
	status.ExpectPartial().Close()
	equal(t, len(dry.Rows), len(report.Rows))
	states := map[string]RowState{}
	for _, row := range report.Rows {
		states[row.Path] = row.State
	}
	equal(t, RowShapeMismatch, states["a"])
	equal(t, RowDeferred, states["b"])
	equal(t, RowMissing, states["c"])
	equal(t, 1, report.Count(RowShapeMismatch))
	globs := must(p.ckpt.DryRun(ctx, path, &RestoreOptions{Include: []string{"a", "no/such/*"}}))(t)
	counts := map[RowState]int{}
	for _, row := range globs.Rows {
		counts[row.State]++
	}
	equal(t, 1, counts[RowUnmatchedGlob])
	for state := RowRestored; state <= RowUnmatchedGlob; state++ {
		equal(t, counts[state], globs.Count(state))
	}
	equal(t, "shape mismatch", RowShapeMismatch.String())
	for _, row := range report.Rows {
		if row.Path == "a" {
			same(t, []int64{1}, row.SavedShape)
			same(t, []int64{2}, row.ProgramShape)
			equal(t, Float32, row.SavedDType)
			equal(t, "a/.ATTRIBUTES/VARIABLE_VALUE", row.Key)
		}
	}
	if report.Summary == "" || report.Table == "" || !json.Valid(report.JSON) {
		t.Error("there are no texts")
	}
	status = must(p.ckpt.Read(ctx, path, &RestoreOptions{
		Exclude: []string{"a"}, Renames: []Rename{{"b", "c"}}, Include: []string{"**"}, Read: ReadOptions{Threads: 1},
	}))(t)
	status.ExpectPartial().Close()
	same(t, []float32{2}, missing)
	p.close()
}

func managerRetention(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "run")
	p := newProgram(t)
	value := []float32{0}
	p.variable(p.root, "v", &value)
	initialised := false
	m := must(NewManager(p.ckpt, directory, &ManagerOptions{
		MaxToKeep: 2, KeepBest: 1, Better: BetterLower, Init: func() error { initialised = true; return nil },
	}))(t)
	p.close() // the manager keeps what it needs
	found, status, err := m.RestoreOrInitialize(ctx, nil)
	check0(t, err)
	if found != "" || status != nil || !initialised {
		t.Error("it did not begin anew")
	}
	for i := range 4 {
		value[0] = float32(i + 1)
		metric := float64(i)
		path := must(m.Save(ctx, &ManagerSaveOptions{Metric: &metric}))(t)
		equal(t, fmt.Sprintf("%s/ckpt-%d", directory, i+1), path)
	}
	same(t, []string{directory + "/ckpt-3", directory + "/ckpt-4"}, m.Checkpoints())
	equal(t, directory+"/ckpt-1", m.Best()[0])
	metric, _ := m.Metric(directory + "/ckpt-1")
	equal(t, 0.0, metric)
	equal(t, directory+"/ckpt-4", m.Latest())
	equal(t, directory+"/ckpt-4", must(Latest(directory, nil))(t))
	equal(t, false, must(Exists(directory+"/ckpt-2"))(t))
	equal(t, 1, len(must(Mtimes([]string{directory + "/ckpt-2", directory + "/ckpt-3"}))(t)))
	state := must(ReadState(directory, "", nil))(t)
	equal(t, directory+"/ckpt-4", state.Latest)
	equal(t, len(state.Paths), len(state.Timestamps))
	valid, broken, err := m.LatestValid(ctx)
	check0(t, err)
	equal(t, directory+"/ckpt-4", valid)
	equal(t, 0, len(broken))

	pin := must(PinLatest(directory, nil))(t)
	equal(t, directory+"/ckpt-4", pin.Prefix())
	pin.Close()
	value[0] = 0
	found, status, err = m.RestoreOrInitialize(ctx, &ResumeOptions{LatestValid: true})
	check0(t, err)
	equal(t, directory+"/ckpt-4", found)
	check0(t, status.AssertConsumed())
	status.Close()
	equal(t, 4, value[0])
	c := m.Checkpoint()
	equal(t, int64(4), must(c.SaveCount())(t))
	c.Close()
	m.Close()

	same(t, []string{directory + "/ckpt-3"}, must(Collect(ctx, directory, &CollectOptions{Keep: 1}))(t))
	check0(t, UpdateState(directory, "", CheckpointState{Latest: directory + "/ckpt-4"}, &UpdateOptions{Durability: DurabilityNone}))
	repaired := must(RepairState(ctx, directory, &RepairOptions{DryRun: true}))(t)
	equal(t, directory+"/ckpt-4", repaired.Latest)
	zero := time.Duration(0)
	for path, err := range Checkpoints(ctx, directory, &WaitOptions{Timeout: &zero}, nil) {
		check0(t, err)
		equal(t, directory+"/ckpt-4", path)
	}
	equal(t, "", must(WaitForNew(ctx, directory, directory+"/ckpt-4", &WaitOptions{Timeout: &zero}))(t))
	check0(t, Remove(directory+"/ckpt-4", nil))
	equal(t, "", must(Latest(directory, nil))(t))
}

// table is state of its own: a hash table.
type table struct {
	keys, values []int64
	fail         error
	graph        *Graph
}

func (s *table) Save(sink *Sink) error {
	if s.fail != nil {
		return s.fail
	}
	if s.graph != nil {
		_, err := s.graph.AddObject()
		return err
	}
	if err := Put(sink, "-keys", []int64{int64(len(s.keys))}, s.keys); err != nil {
		return err
	}
	if err := sink.PutStrings("-name", nil, []string{"table"}); err != nil {
		return err
	}
	return sink.PutReader("-values", Int64, []int64{int64(len(s.values))}, bytes.NewReader(bytesOf(s.values)))
}

func (s *table) Restore(source *Source) (err error) {
	if s.fail != nil {
		panic(s.fail)
	}
	if s.keys, err = SourceValue[int64](source.Find("-keys")); err != nil {
		return err
	}
	n := 0
	for range source.All() {
		n++
	}
	if name := source.Find("-name"); n != 3 || name == nil || name.Strings[0] != "table" {
		return fmt.Errorf("%d tensors", n)
	}
	s.values, err = SourceValue[int64](source.Find("-values"))
	return err
}

func customState(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "t")
	p := newProgram(t)
	s := &table{keys: []int64{1, 2}, values: []int64{10, 20}}
	node := must(p.AddState(s))(t)
	check0(t, p.Track(p.root, "table", node))
	path := p.save(prefix)
	s.keys, s.values = nil, nil
	must(p.ckpt.Restore(ctx, path, nil))(t).Close()
	same(t, []int64{1, 2}, s.keys)
	same(t, []int64{10, 20}, s.values)

	// What a callback fails with, or panics with, is what the error unwraps to.
	s.fail = errors.New("the table is locked")
	_, err := p.ckpt.Save(ctx, prefix, nil)
	because(t, err, Aborted, ReasonCallback)
	is(t, err, s.fail)
	if !strings.Contains(err.Error(), s.fail.Error()) {
		t.Error(err)
	}
	_, err = p.ckpt.Restore(ctx, path, nil)
	is(t, err, Aborted)
	is(t, err, s.fail)
	s.fail = nil
	s.graph = p.Graph // a callback may not call the graph that called it
	_, err = p.ckpt.Save(ctx, prefix, nil)
	is(t, err, Aborted)
	if !strings.Contains(err.Error(), "callback") {
		t.Error(err)
	}
	p.close()

	// A value on a device.
	p = newProgram(t)
	d := &device{bytes: bytesOf([]int32{1, 2, 3})}
	check0(t, p.Track(p.root, "d", must(p.AddDevice(Int32, []int64{3}, d, false))(t)))
	path = p.save(prefix)
	d.bytes = make([]byte, 12)
	must(p.ckpt.Restore(ctx, path, nil))(t).Close()
	same(t, bytesOf([]int32{1, 2, 3}), d.bytes)
	equal(t, true, d.complete)
	p.close()
}

type device struct {
	bytes    []byte
	complete bool
}

func (d *device) ReadAt(b []byte, at int64) (int, error)  { return copy(b, d.bytes[at:]), nil }
func (d *device) WriteAt(b []byte, at int64) (int, error) { return copy(d.bytes[at:], b), nil }
func (d *device) Finish(complete bool) error              { d.complete = complete; return nil }

func cancel(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "x")
	p := newProgram(t)
	value := make([]float32, 1<<20)
	p.variable(p.root, "v", &value)
	done, stop := context.WithCancelCause(ctx)
	why := errors.New("enough")
	stop(why)
	_, err := p.ckpt.Save(done, prefix, nil)
	because(t, err, Cancelled, ReasonCallback)
	is(t, err, context.Canceled)
	is(t, err, why)
	if found, _ := filepath.Glob(prefix + "*.index"); len(found) != 0 {
		t.Error("there is a checkpoint")
	}
	_, err = p.ckpt.Save(ctx, prefix, &SaveOptions{Write: WriteOptions{Progress: func(done, total uint64) error { return why }}})
	is(t, err, Cancelled)
	is(t, err, why)
	_, err = p.ckpt.Save(ctx, prefix, &SaveOptions{Write: WriteOptions{Progress: func(uint64, uint64) error { panic(why) }}})
	is(t, err, Cancelled)
	is(t, err, why)
	var last, all uint64
	var written []string
	path := must(p.ckpt.Save(ctx, prefix, &SaveOptions{
		Write:   WriteOptions{Progress: func(done, total uint64) error { last, all = done, total; return nil }},
		Written: []func(string) error{func(path string) error { written = append(written, path); return nil }},
	}))(t)
	equal(t, all, last)
	same(t, []string{path}, written)
	_, err = p.ckpt.Save(ctx, prefix, &SaveOptions{Written: []func(string) error{func(string) error { return why }}})
	is(t, err, Aborted)
	is(t, err, why)
	p.close()

	_, err = Verify(done, path, nil)
	is(t, err, why)
	is(t, Merge(done, prefix+"-merged", []string{path}, nil), why)
	check0(t, Merge(ctx, prefix+"-merged", []string{path}, &MergeOptions{KeepInputs: true}))
	_, err = WaitForNew(done, t.TempDir(), "", nil)
	is(t, err, why)
}

func leaks(t *testing.T) {
	// What nobody closes is freed by the garbage collector, a status without a word.
	prefix := filepath.Join(t.TempDir(), "l")
	handles, kept := LiveHandles(), keptValues.Load()
	func() {
		p := newProgram(t)
		value := []float32{1}
		p.variable(p.root, "v", &value)
		path := p.save(prefix)
		q := newProgram(t)
		check0(t, q.ckpt.SetLog(func(_ Severity, line string) { t.Error(line) }))
		must(q.ckpt.Restore(ctx, path, nil))(t)
		r := must(Open(ctx, path, nil))(t)
		must(must(r.Get("v/.ATTRIBUTES/VARIABLE_VALUE"))(t).View(nil))(t)
		w := must(NewWriter(prefix+"w", nil))(t)
		check0(t, Add(w, "v", []int64{1}, value))
	}()
	for range 200 {
		runtime.GC()
		if LiveHandles() == handles && keptValues.Load() == kept {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d handles and %d values stay", LiveHandles()-handles, keptValues.Load()-kept)
}
