//go:build cgo

package checkpoint

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

var (
	stateType   = reflect.TypeFor[State]()
	adopterType = reflect.TypeFor[adopter]()
)

// elementTypes are the types of elements that are more than their kinds.
var elementTypes = map[reflect.Type]DType{
	reflect.TypeFor[F16](): Float16, reflect.TypeFor[BF16](): Bfloat16, reflect.TypeFor[F8E5M2](): Float8E5M2,
	reflect.TypeFor[F8E4M3FN](): Float8E4M3FN, reflect.TypeFor[F8E4M3FNUZ](): Float8E4M3FNUZ,
	reflect.TypeFor[F8E4M3B11FNUZ](): Float8E4M3B11FNUZ, reflect.TypeFor[F8E5M2FNUZ](): Float8E5M2FNUZ,
}

var elementKinds = map[reflect.Kind]DType{
	reflect.Bool: Bool, reflect.Int8: Int8, reflect.Int16: Int16, reflect.Int32: Int32, reflect.Int64: Int64,
	reflect.Uint8: Uint8, reflect.Uint16: Uint16, reflect.Uint32: Uint32, reflect.Uint64: Uint64,
	reflect.Float32: Float32, reflect.Float64: Float64, reflect.Complex64: Complex64, reflect.Complex128: Complex128,
}

func init() {
	if strconv.IntSize == 64 {
		elementKinds[reflect.Int], elementKinds[reflect.Uint] = Int64, Uint64
	}
}

// tensorOf gives the elements and the dimensions of a type whose values are tensors of one shape:
// an element, an array of elements, an array of such arrays. Invalid of any other.
func tensorOf(t reflect.Type) (DType, []int64) {
	shape := []int64{}
	for t.Kind() == reflect.Array {
		shape = append(shape, int64(t.Len()))
		t = t.Elem()
	}
	if dtype, ok := elementTypes[t]; ok {
		return dtype, shape
	}
	return elementKinds[t.Kind()], shape
}

// fieldType is a field that is tracked.
type fieldType struct {
	name  string
	index []int
	edge  string
	shape []int64 // of its tag; nil if there is none
}

// structType is what of a struct is tracked.
type structType struct {
	fields []fieldType
	err    error
}

// structOf looks at a type once.
func (m *trackedStruct) structOf(t reflect.Type) (*structType, error) {
	made, ok := m.types[t]
	if !ok {
		made = &structType{}
		made.err = made.add(t, nil)
		if made.err == nil && len(made.fields) == 0 {
			made.err = argument(fmt.Sprintf("no field of %s has a tag ckpt:\"NAME\": there is nothing to track", t))
		}
		m.types[t] = made
	}
	return made, made.err
}

func (s *structType) add(t reflect.Type, at []int) error {
	for i := range t.NumField() {
		field := t.Field(i)
		index := append(append([]int{}, at...), i)
		edge, tagged := field.Tag.Lookup("ckpt")
		if field.Anonymous && !tagged {
			if err := s.embed(field, index); err != nil {
				return err
			}
			continue
		}
		if !tagged || edge == "-" {
			continue
		}
		if !field.IsExported() {
			return argument(fmt.Sprintf("the field %s of %s has a tag and is not exported", field.Name, t))
		}
		if err := checkTag(t, field, edge); err != nil {
			return err
		}
		shape, err := shapeTag(t, field)
		if err != nil {
			return err
		}
		s.fields = append(s.fields, fieldType{field.Name, index, edge, shape})
	}
	return nil
}

// embed adds the fields of an embedded struct, which are those of the struct around it.
func (s *structType) embed(field reflect.StructField, index []int) error {
	if isState(field.Type) || isAdopter(field.Type) || field.Type.Kind() == reflect.Interface && field.Type.Implements(stateType) {
		return argument(fmt.Sprintf("the embedded %s has a value of its own, and no name: give it a tag ckpt:\"NAME\"", field.Type))
	}
	switch t := field.Type; {
	case t.Kind() == reflect.Struct:
		return s.add(t, index)
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		var below structType
		if err := below.add(t.Elem(), nil); err != nil || len(below.fields) > 0 {
			return argument(fmt.Sprintf("the embedded pointer %s has fields to track, and may be nil: give it a tag ckpt:\"NAME\"", t))
		}
	}
	return nil
}

func checkTag(t reflect.Type, field reflect.StructField, edge string) error {
	name, option, has := strings.Cut(edge, ",")
	if has {
		return &Error{
			Code: InvalidArgument, Reason: ReasonArgument, Expected: strconv.Quote(name), Found: strconv.Quote(edge),
			Message: fmt.Sprintf("the tag ckpt:%q of the field %s of %s has the option %q: expected a name alone, %q",
				edge, field.Name, t, option, name),
		}
	}
	if edge == "" {
		return argument(fmt.Sprintf("the tag ckpt:\"\" of the field %s of %s has no name", field.Name, t))
	}
	return nil
}

func shapeTag(t reflect.Type, field reflect.StructField) ([]int64, error) {
	tag, ok := field.Tag.Lookup("shape")
	if !ok {
		return nil, nil
	}
	refused := func(why string) error {
		return &Error{
			Code: InvalidArgument, Reason: ReasonShape, Found: strconv.Quote(tag), Expected: "lengths, as 2,3",
			Message: fmt.Sprintf("the tag shape:%q of the field %s of %s %s", tag, field.Name, t, why),
		}
	}
	shape, open := []int64{}, 0
	for _, dim := range strings.Split(tag, ",") {
		n, err := strconv.ParseInt(dim, 10, 64)
		if err != nil || n < -1 {
			return nil, refused(fmt.Sprintf("has %q: expected a length, or -1 for any", dim))
		}
		if n < 0 {
			open++
		}
		shape = append(shape, n)
	}
	if !takesShape(field.Type) {
		return nil, refused(fmt.Sprintf("means nothing for a %s: %s", field.Type, shapeHint))
	}
	if open > 1 {
		return nil, refused("has more than one -1: the length of a slice says only one; use an Array")
	}
	if open > 0 && field.Type.Kind() != reflect.Slice {
		return nil, refused("has a -1: only a slice has any length")
	}
	return shape, nil
}

const shapeHint = "only a number, an array, a slice of these or an Array has a shape"

// takesShape says whether a tag shape means something for values of a type; of an interface, what
// is in it says that later.
func takesShape(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer && !isState(t) {
		t = t.Elem()
	}
	if isState(t) {
		return false
	}
	if t.Kind() == reflect.Interface || isAdopter(t) {
		return true
	}
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	dtype, _ := tensorOf(t)
	return dtype != Invalid
}

// isState says whether values of a type, or those in places with an address, save themselves.
func isState(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && (t.Implements(stateType) || reflect.PointerTo(t).Implements(stateType))
}

func isAdopter(t reflect.Type) bool { return reflect.PointerTo(t).Implements(adopterType) }

// checkSelf refuses a struct that says itself what it is, or has the methods of an embedded one
// that does, and has fields to track, too: these would be left out.
func checkSelf(t reflect.Type) error {
	what := "a State"
	switch {
	case isState(t):
	case isAdopter(t):
		what = "an Array"
	default:
		return nil
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, field := range reflect.VisibleFields(t) {
		if edge, tagged := field.Tag.Lookup("ckpt"); tagged && edge != "-" {
			return argument(fmt.Sprintf(
				"a %s is %s, and its field %s has a tag ckpt:%q: expected one of the two; what is embedded is to be a field with a name",
				t, what, field.Name, edge))
		}
	}
	return nil
}

// refusal is the error of a type that cannot be tracked, with what to do about it.
func refusal(t reflect.Type) error {
	hint := "expected numbers, bools, arrays, slices and maps of these, structs, or a State"
	switch t.Kind() {
	case reflect.String:
		hint = "a string is no tensor: track it with Graph.AddText or Graph.AddStrings"
	case reflect.Int, reflect.Uint:
		hint = "its size is not the same everywhere: use int64 or uint64"
	case reflect.Uintptr, reflect.UnsafePointer, reflect.Chan, reflect.Func:
		hint = "it means nothing in another process"
	case reflect.Map:
		hint = "a dict has strings for keys"
	}
	return argument(fmt.Sprintf("a value of type %s cannot be tracked: %s", t, hint))
}
