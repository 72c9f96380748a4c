package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"io"
	"unsafe"
)

// A device is where a value lives that the processor cannot reach: an io.ReaderAt of its bytes,
// row-major and in native order. If it is an io.WriterAt too, the value can be restored; what else
// it is is used as well.
type (
	// Describer says what shape the value has now; false when there is none yet.
	Describer interface {
		Describe() (shape []int64, ok bool)
	}
	// Preparer hears that a value is about to be written.
	Preparer interface {
		Prepare(dtype DType, shape []int64) error
	}
	// Finisher hears that a value was written; complete if all bytes came and their checksum was
	// right.
	Finisher interface{ Finish(complete bool) error }
)

// AddDevice adds a variable whose value is on a device. shape: what shapes it takes, -1 for a
// dimension that may be anything. concurrent: whether it may be read by several threads at once.
func (g *Graph) AddDevice(dtype DType, shape []int64, device io.ReaderAt, concurrent bool, options ...NodeOptions) (Node, error) {
	if device == nil {
		return 0, argument("there is no device")
	}
	made, err := newDevice(device, concurrent)
	if err != nil {
		return 0, err
	}
	defer C.ckpt_device_free(made)
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		d, rank := dims(shape)
		return C.ckpt_graph_add_device(p, C.ckpt_dtype(dtype), d, C.int32_t(rank), made, o, n, e)
	})
}

func newDevice(device io.ReaderAt, concurrent bool) (*C.ckpt_device, error) {
	made := C.go_device_new(newValue(&callbackValue{value: device}))
	var e *C.ckpt_error
	ok := C.ckpt_device_set_read(made, C.ckpt_read_callback(C.go_ckpt_read), C.bool(concurrent), &e) == C.CKPT_CODE_OK
	if _, is := device.(io.WriterAt); ok && is {
		ok = C.ckpt_device_set_write(made, C.ckpt_write_at_callback(C.go_ckpt_write_at), &e) == C.CKPT_CODE_OK
	}
	if _, is := device.(Describer); ok && is {
		ok = C.ckpt_device_set_describe(made, C.ckpt_describe_callback(C.go_ckpt_describe), &e) == C.CKPT_CODE_OK
	}
	if _, is := device.(Preparer); ok && is {
		ok = C.ckpt_device_set_prepare(made, C.ckpt_prepare_callback(C.go_ckpt_prepare), &e) == C.CKPT_CODE_OK
	}
	if _, is := device.(Finisher); ok && is {
		ok = C.ckpt_device_set_finish(made, C.ckpt_finish_callback(C.go_ckpt_finish), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_device_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

//export goDescribe
func goDescribe(value C.go_value, dimensions *C.int64_t) C.int32_t {
	var shape []int64
	describer := valueOf(value).value.(Describer)
	has := answered(false, func() (has bool) {
		shape, has = describer.Describe()
		return has
	})
	if !has || len(shape) > C.CKPT_MAX_RANK {
		return -1
	}
	copy(unsafe.Slice((*int64)(unsafe.Pointer(dimensions)), C.CKPT_MAX_RANK), shape)
	return C.int32_t(len(shape))
}

//export goPrepare
func goPrepare(value C.go_value, dtype C.ckpt_dtype, shape *C.int64_t, rank C.size_t, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error { return g.value.(Preparer).Prepare(DType(dtype), shapeOf(shape, int(rank))) })
}

//export goWriteAt
func goWriteAt(value C.go_value, offset C.uint64_t, data unsafe.Pointer, size C.size_t, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		_, err := g.value.(io.WriterAt).WriteAt(unsafe.Slice((*byte)(data), int(size)), int64(offset))
		return err
	})
}

//export goFinish
func goFinish(value C.go_value, complete C.bool, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error { return g.value.(Finisher).Finish(bool(complete)) })
}
