module libcheckpoint.dev/go/examples

go 1.24

require libcheckpoint.dev/go/checkpoint v0.0.0

replace libcheckpoint.dev/go/checkpoint => ../../bindings/go
