package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"iter"
	"unsafe"
)

// Reader is an open checkpoint: a sorted list of tensors whose values are read on demand (tf.train.CheckpointReader). It does
// not change; several goroutines may use it at once.
type Reader struct {
	*handle[*C.ckpt_reader]
}

// Tensor is a tensor of an open checkpoint. It keeps its reader open unless that is closed by Close; then reading it fails.
type Tensor struct {
	reader  *Reader
	pointer *C.ckpt_tensor
	key     string
	dtype   DType
	shape   []int64
}

// Checksums says when checksums of values are compared.
type Checksums int32

// When checksums are compared.
const (
	ChecksumsAlways    Checksums = C.CKPT_CHECKSUMS_ALWAYS     // always, also where only a part of a stored value is wanted
	ChecksumsWhenWhole Checksums = C.CKPT_CHECKSUMS_WHEN_WHOLE // where whole stored values are read
	ChecksumsNever     Checksums = C.CKPT_CHECKSUMS_NEVER      // never
)

// Format says how a checkpoint is stored.
type Format int32

// The formats.
const (
	FormatV1 Format = C.CKPT_FORMAT_V1 // tables that hold values, before 2017
	FormatV2 Format = C.CKPT_FORMAT_V2 // an index and data files
)

// ReadOptions says how values are read. The zero value, and nil, are the defaults.
type ReadOptions struct {
	Threads   uint32    // the caller's among them; 0 for the library's choice
	Checksums Checksums // when checksums are compared; always by default
}

// OpenOptions says how a checkpoint is opened. The zero value, and nil, are the defaults.
type OpenOptions struct {
	MemoryLimit uint64 // most bytes that listing may take; 0 for the default: 16 MiB and 24 for each byte of the index
}

// Open opens the checkpoint at a path: a prefix, one of its files, a directory with a state file (its latest checkpoint), a
// SavedModel, a V1 file or pattern. The error is fs.ErrNotExist when there is none, DataLoss when the index is damaged.
// (tf.train.load_checkpoint)
func Open(p string, options *OpenOptions) (*Reader, error) {
	c, free, err := path(p)
	if err != nil {
		return nil, err
	}
	defer free()
	var made *C.ckpt_open_options
	var e *C.ckpt_error
	if options != nil && options.MemoryLimit != 0 {
		made = C.ckpt_open_options_new()
		defer C.ckpt_open_options_free(made)
		if C.ckpt_open_options_set_memory_limit(made, C.uint64_t(options.MemoryLimit), &e) != C.CKPT_CODE_OK {
			return nil, takeError(e)
		}
	}
	var reader *C.ckpt_reader
	if C.ckpt_reader_open(c, made, &reader, &e) != C.CKPT_CODE_OK {
		return nil, takeError(e)
	}
	return &Reader{own(reader, func(r *C.ckpt_reader) { C.ckpt_reader_free(r) })}, nil
}

// Prefix gives the prefix of the files.
func (r *Reader) Prefix() string {
	p := r.hold()
	defer r.drop(p)
	return text(C.ckpt_reader_prefix(p))
}

// Format says how the checkpoint is stored.
func (r *Reader) Format() Format {
	p := r.hold()
	defer r.drop(p)
	return Format(C.ckpt_reader_format(p))
}

// Versions gives the version that the writer gave the checkpoint, and the least version of a reader that may read it.
func (r *Reader) Versions() (producer, minConsumer int) {
	p := r.hold()
	defer r.drop(p)
	return int(C.ckpt_reader_producer_version(p)), int(C.ckpt_reader_min_consumer_version(p))
}

// BigEndian says whether the values in the data files are big-endian. What is read is always in native order.
func (r *Reader) BigEndian() bool {
	p := r.hold()
	defer r.drop(p)
	return bool(C.ckpt_reader_is_big_endian(p))
}

// Shards gives the paths of the data files, whether or not they are there.
func (r *Reader) Shards() ([]string, error) {
	p := r.hold()
	defer r.drop(p)
	shards := make([]string, C.ckpt_reader_shard_count(p))
	for i := range shards {
		var s *C.ckpt_string
		var e *C.ckpt_error
		if C.ckpt_reader_shard_path(p, C.uint32_t(i), &s, &e) != C.CKPT_CODE_OK {
			return nil, takeError(e)
		}
		shards[i] = takeString(s)
	}
	return shards, nil
}

// Len gives the number of tensors.
func (r *Reader) Len() int {
	p := r.hold()
	defer r.drop(p)
	return int(C.ckpt_reader_count(p))
}

// Has says whether there is a tensor with this key.
func (r *Reader) Has(key string) bool {
	p := r.hold()
	defer r.drop(p)
	c, n := name(key)
	return bool(C.ckpt_reader_has(p, c, n))
}

// String lists the tensors: key, type and shape in a line each.
func (r *Reader) String() string {
	var s *C.ckpt_string
	err := call(r.handle, func(p *C.ckpt_reader, e **C.ckpt_error) C.ckpt_code { return C.ckpt_reader_debug_string(p, &s, e) })
	if err != nil {
		return err.Error()
	}
	return takeString(s)
}

func (r *Reader) tensor(t *C.ckpt_tensor) Tensor {
	// One call for all of it, which is what listing costs.
	var about C.go_tensor
	C.go_tensor_about(t, &about)
	return Tensor{
		reader: r, pointer: t, key: text(about.key), dtype: DType(about.dtype), shape: shapeOf(about.shape, int(about.rank)),
	}
}

// Get finds the tensor with this key. The error is fs.ErrNotExist when there is none, and names keys that were perhaps meant.
func (r *Reader) Get(key string) (Tensor, error) {
	p := r.hold()
	defer r.drop(p)
	var t *C.ckpt_tensor
	var e *C.ckpt_error
	c, n := name(key)
	if C.ckpt_reader_find(p, c, n, &t, &e) != C.CKPT_CODE_OK {
		return Tensor{}, takeError(e)
	}
	return r.tensor(t), nil
}

// All goes over the tensors by key, in the order of the keys.
func (r *Reader) All() iter.Seq2[string, Tensor] {
	return func(yield func(string, Tensor) bool) {
		p := r.hold()
		defer r.drop(p)
		for i := 0; ; i++ {
			t := C.ckpt_reader_tensor(p, C.size_t(i))
			if t == nil {
				return
			}
			tensor := r.tensor(t)
			if !yield(tensor.key, tensor) {
				return
			}
		}
	}
}

// Key gives the key: bytes, UTF-8 in every checkpoint that TensorFlow's Python can list.
func (t Tensor) Key() string { return t.key }

// DType gives the type of the elements.
func (t Tensor) DType() DType { return t.dtype }

// Shape gives a copy of the dimensions; none of a scalar.
func (t Tensor) Shape() []int64 { return append([]int64{}, t.shape...) }

// Len gives the number of elements.
func (t Tensor) Len() int { return elements(t.shape) }

// Region is a part of a tensor: where it begins, and how much it takes of each dimension; a length of -1 takes a dimension to
// its end.
type Region struct{ Start, Length []int64 }

// Size gives the bytes of the value; of strings and variants those that are stored, or -1 when that is not known without reading.
func (t Tensor) Size() int64 {
	var size int64
	if t.use(func() { size = int64(C.ckpt_tensor_byte_size(t.pointer)) }) != nil {
		return -1
	}
	return size
}

// Place says in which data file the tensor lies, and where in it; -1 of partitioned tensors and in V1 checkpoints.
func (t Tensor) Place() (shard, offset int64) {
	shard, offset = -1, -1
	t.use(func() { shard, offset = int64(C.ckpt_tensor_shard(t.pointer)), int64(C.ckpt_tensor_offset(t.pointer)) })
	return shard, offset
}

// Slices gives the slices in which a partitioned tensor is stored; none of a tensor stored whole.
func (t Tensor) Slices() ([]Region, error) {
	var slices []Region
	var failed error
	err := t.use(func() {
		for i := range int(C.ckpt_tensor_slice_count(t.pointer)) {
			// One more than the rank, so that there is an address to give.
			region := Region{make([]int64, len(t.shape)+1), make([]int64, len(t.shape)+1)}
			start, _ := dims(region.Start)
			length, _ := dims(region.Length)
			var e *C.ckpt_error
			if C.ckpt_tensor_slice(t.pointer, C.size_t(i), start, length, &e) != C.CKPT_CODE_OK {
				failed = takeError(e)
				return
			}
			slices = append(slices, Region{region.Start[:len(t.shape)], region.Length[:len(t.shape)]})
		}
	})
	if err == nil {
		err = failed
	}
	return slices, err
}

// use does something with the tensor while its reader stays open.
func (t Tensor) use(f func()) error {
	if t.reader == nil {
		return argument("the tensor is the zero value")
	}
	p := t.reader.hold()
	if p == nil {
		return argument("the reader was closed")
	}
	defer t.reader.drop(p)
	f()
	return nil
}

func elements(shape []int64) int {
	n := 1
	for _, dim := range shape {
		n *= int(dim)
	}
	return n
}

func (o *ReadOptions) make() (*C.ckpt_read_options, error) {
	if o == nil || *o == (ReadOptions{}) {
		return nil, nil
	}
	made := C.ckpt_read_options_new()
	var e *C.ckpt_error
	if C.ckpt_read_options_set_threads(made, C.uint32_t(o.Threads), &e) != C.CKPT_CODE_OK ||
		C.ckpt_read_options_set_checksums(made, C.ckpt_checksums(o.Checksums), &e) != C.CKPT_CODE_OK {
		C.ckpt_read_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// Read gives the value of a tensor of a fixed-size dtype. T has to be the tensor's type; uint8, uint16 and uint32 also stand
// for types of their size that Go does not have. (CheckpointReader.get_tensor)
//
// InvalidArgument for another type; fs.ErrNotExist when a data file is missing; DataLoss when it is too short or a checksum
// does not match.
func Read[T Element](t Tensor) ([]T, error) {
	if err := check[T](t.dtype); err != nil {
		return nil, err
	}
	values, err := room[T](t.Size())
	if err != nil {
		return nil, err
	}
	if err := t.ReadBytes(bytesOf(values), nil); err != nil {
		return nil, err
	}
	return values, nil
}

// room makes memory for a value of size bytes. What a file says may be more than there is in the world.
func room[T Element](size int64) ([]T, error) {
	var zero T
	if size > 1<<46 {
		return nil, &Error{Code: ResourceExhausted, Reason: ReasonLimit, Message: "the tensor is larger than any memory"}
	}
	return make([]T, max(0, size)/int64(unsafe.Sizeof(zero))), nil
}

// ReadInto reads the value of a tensor into memory, which has exactly as many elements, straight and with several threads.
func ReadInto[T Element](t Tensor, values []T, options *ReadOptions) error {
	buffer, err := sizedBytes(t.dtype, values)
	if err != nil {
		return err
	}
	return t.ReadBytes(buffer, options)
}

// ReadRegion reads a part of a tensor.
func ReadRegion[T Element](t Tensor, region Region, options *ReadOptions) ([]T, error) {
	if err := check[T](t.dtype); err != nil {
		return nil, err
	}
	values := make([]T, region.elements(t.shape))
	if err := t.ReadRegionBytes(region, bytesOf(values), options); err != nil {
		return nil, err
	}
	return values, nil
}

// elements says how many elements a region of a tensor has; 0 if it is none, which the library then says.
func (r Region) elements(shape []int64) int {
	if len(r.Start) != len(shape) || len(r.Length) != len(shape) {
		return 0
	}
	n := int64(1)
	for i, length := range r.Length {
		if r.Start[i] < 0 || r.Start[i] > shape[i] || length < -1 || length > shape[i]-r.Start[i] {
			return 0
		}
		if length == -1 {
			length = shape[i] - r.Start[i]
		}
		n *= length
	}
	return int(n)
}

// ReadBytes reads the value of a tensor of a fixed-size dtype as bytes in native order into a buffer of exactly their size.
func (t Tensor) ReadBytes(buffer []byte, options *ReadOptions) error {
	made, err := options.make()
	if err != nil {
		return err
	}
	defer C.ckpt_read_options_free(made)
	var e *C.ckpt_error
	err = t.use(func() {
		data, size := memory(buffer)
		C.go_reader_read(t.reader.pointer, t.pointer, made, data, size, &e)
	})
	if err != nil {
		return err
	}
	return takeError(e)
}

// ReadRegionBytes does the same with a part of a tensor.
func (t Tensor) ReadRegionBytes(region Region, buffer []byte, options *ReadOptions) error {
	if len(region.Start) != len(region.Length) {
		return argument("a region has a start and a length for each dimension")
	}
	made, err := options.make()
	if err != nil {
		return err
	}
	defer C.ckpt_read_options_free(made)
	var e *C.ckpt_error
	err = t.use(func() {
		start, rank := dims(region.Start)
		length, _ := dims(region.Length)
		data, size := memory(buffer)
		C.go_reader_read_slice(t.reader.pointer, t.pointer, start, length, rank, made, data, size, &e)
	})
	if err != nil {
		return err
	}
	return takeError(e)
}

// ReadStrings gives the elements of a string tensor; of a variant tensor the serialized elements.
func (t Tensor) ReadStrings(options *ReadOptions) ([]string, error) {
	return t.strings(options, nil)
}

// ReadRegionStrings does the same with a part of a tensor.
func (t Tensor) ReadRegionStrings(region Region, options *ReadOptions) ([]string, error) {
	if len(region.Start) != len(region.Length) {
		return nil, argument("a region has a start and a length for each dimension")
	}
	return t.strings(options, &region)
}

func (t Tensor) strings(options *ReadOptions, region *Region) ([]string, error) {
	made, err := options.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_read_options_free(made)
	var found *C.ckpt_strings
	var e *C.ckpt_error
	err = t.use(func() {
		if region == nil {
			C.ckpt_reader_read_strings(t.reader.pointer, t.pointer, made, &found, &e)
			return
		}
		start, rank := dims(region.Start)
		length, _ := dims(region.Length)
		C.ckpt_reader_read_strings_slice(t.reader.pointer, t.pointer, start, length, rank, made, &found, &e)
	})
	if err == nil {
		err = takeError(e)
	}
	if err != nil {
		return nil, err
	}
	return takeStrings(found), nil
}

// ReadMany reads tensors of one reader at once, with several threads: tensor i into buffers[i], which has exactly its size. The
// buffers must not overlap.
func (r *Reader) ReadMany(tensors []Tensor, buffers [][]byte, options *ReadOptions) error {
	if len(tensors) != len(buffers) {
		return argument("there is a buffer for each tensor")
	}
	pointers := make([]*C.ckpt_tensor, len(tensors))
	for i, t := range tensors {
		if t.reader != r {
			return argument("the tensor " + t.key + " is of another reader")
		}
		pointers[i] = t.pointer
	}
	made, err := options.make()
	if err != nil {
		return err
	}
	defer C.ckpt_read_options_free(made)
	var pinner pins
	defer pinner.Unpin()
	data, sizes := pinner.buffers(buffers)
	return call(r.handle, func(p *C.ckpt_reader, e **C.ckpt_error) C.ckpt_code {
		return C.go_reader_read_many(p, unsafe.SliceData(pointers), C.size_t(len(tensors)), made, data, sizes, e)
	})
}

// View is a tensor as it lies in its data file, mapped into memory. It outlives its reader. It has to be closed: the garbage
// collector does not see its size.
type View struct {
	*handle[*C.ckpt_view]
}

// View maps the value of a fixed-size tensor without copying it. While the view is open nobody may truncate or rewrite the data
// file in place; replacing it by rename is harmless.
//
// FailedPrecondition for strings, partitioned tensors, V1 checkpoints and values of the other byte order.
func (t Tensor) View(options *ReadOptions) (*View, error) {
	made, err := options.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_read_options_free(made)
	var view *C.ckpt_view
	var e *C.ckpt_error
	if err := t.use(func() { C.ckpt_reader_view(t.reader.pointer, t.pointer, made, &view, &e) }); err != nil {
		return nil, err
	}
	if e != nil {
		return nil, takeError(e)
	}
	return &View{own(view, func(v *C.ckpt_view) { C.ckpt_view_free(v) })}, nil
}

// Use gives f the bytes, row-major and little-endian, which must not be changed, nor used when f has returned; and the largest
// power of two, up to 4096, that their address is a multiple of.
func (v *View) Use(f func(bytes []byte, alignment int)) error {
	p := v.hold()
	if p == nil {
		return argument("the view was closed")
	}
	defer v.drop(p)
	bytes := C.ckpt_view_bytes(p)
	f(unsafe.Slice((*byte)(bytes.data), int(bytes.len)), int(C.ckpt_view_alignment(p)))
	return nil
}
