//go:build cgo

package checkpoint

import (
	"reflect"
	"testing"
)

// TestZeroValuesFail calls every method of the types that stand for something of the library's with
// zero arguments: by their zero values, and by nil where a function gives that without an error.
// None panics or waits forever.
func TestZeroValuesFail(t *testing.T) {
	for _, of := range []any{
		new(Checkpoint), new(CheckpointView), new(Graph), new(Manager), new(Pending), new(Pin), new(Reader), new(Saver), new(Sink),
		new(SlotRequest), new(Source), new(Status), new(Tensor), new(View), new(Writer), (*Pending)(nil), (*Report)(nil), (*Status)(nil),
	} {
		value := reflect.ValueOf(of)
		for i := range value.NumMethod() {
			func() {
				defer func() {
					if what := recover(); what != nil {
						t.Errorf("%T.%s (nil: %v) panics: %v", of, value.Type().Method(i).Name, value.IsNil(), what)
					}
				}()
				method := value.Method(i)
				var arguments []reflect.Value
				for n := range method.Type().NumIn() {
					if !method.Type().IsVariadic() || n < method.Type().NumIn()-1 {
						arguments = append(arguments, reflect.Zero(method.Type().In(n)))
					}
				}
				method.Call(arguments)
			}()
		}
	}
}
