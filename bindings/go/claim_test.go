//go:build cgo

package checkpoint

import (
	"runtime"
	"strings"
	"testing"
)

// TestClaims reads a checkpoint of a few hundred bytes that claims 2^30 and 2^40 elements: memory
// for them would kill the process.
func TestClaims(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		r := must(Open(ctx, "../../tests/hostile/claim", nil))(t)
		defer r.Close()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, key := range []string{"billion", "trillion"} {
			tensor := must(r.Get(key))(t)
			most := Region{[]int64{1}, []int64{-1}}
			for name, read := range map[string]func() error{
				"Read":       func() error { _, err := Read[float32](ctx, tensor); return err },
				"ReadRegion": func() error { _, err := ReadRegion[float32](ctx, tensor, most, nil); return err },
				"View":       func() error { _, err := tensor.View(nil); return err },
				"ReadInto":   func() error { return ReadInto(ctx, tensor, make([]float32, 4), nil) },
			} {
				err := read()
				if name == "ReadInto" {
					because(t, err, InvalidArgument, ReasonShape)
					continue
				}
				because(t, err, DataLoss, ReasonTruncated)
				if e := err.(*Error); e.Tensor != key || !strings.HasSuffix(e.File, "claim.data-00000-of-00001") {
					t.Errorf("%s of %s does not name tensor and file: %v", name, key, err)
				}
			}
		}
		labels := must(r.Get("strings"))(t)
		_, err := labels.ReadStrings(nil)
		because(t, err, DataLoss, ReasonTruncated)
		_, err = labels.ReadRegionStrings(Region{[]int64{5}, []int64{1 << 39}}, nil)
		because(t, err, DataLoss, ReasonTruncated)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%d bytes were allocated", used)
		}
	})
}

// TestElements reads as T what a tensor holds, and as unsigned integers the bits of what Go lacks.
func TestElements(t *testing.T) {
	prefix := t.TempDir() + "/all"
	w := must(NewWriter(prefix, nil))(t)
	check0(t, w.AddBytes("half", Float16, []int64{2}, []byte{1, 2, 3, 4}))
	check0(t, w.AddBytes("float", Float32, []int64{1}, []byte{1, 2, 3, 4}))
	check0(t, w.Finish(ctx))
	r := must(Open(ctx, prefix, nil))(t)
	defer r.Close()
	half := must(r.Get("half"))(t)
	same(t, []uint16{0x0201, 0x0403}, must(Read[uint16](ctx, half))(t))
	same(t, []F16{0x0201, 0x0403}, must(Read[F16](ctx, half))(t))
	_, err := Read[int16](ctx, half)
	because(t, err, InvalidArgument, ReasonDType)
	if e := err.(*Error); e.Tensor != "half" || e.File != r.Prefix() || e.Expected != "int16" || e.Found != "float16" {
		t.Errorf("it does not say what is of another type: %#v", e)
	}
	because(t, ReadInto(ctx, half, make([]BF16, 2), nil), InvalidArgument, ReasonDType)
	_, err = Read[uint32](ctx, must(r.Get("float"))(t))
	because(t, err, InvalidArgument, ReasonDType)
	for _, wrong := range []Region{{[]int64{0}, []int64{3}}, {[]int64{3}, []int64{-1}}, {[]int64{-1}, []int64{1}}, {}, {[]int64{0}, nil}} {
		_, err = ReadRegion[F16](ctx, half, wrong, nil)
		because(t, err, InvalidArgument, ReasonShape)
	}
}
