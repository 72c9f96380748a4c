module consumer

go 1.24

require libcheckpoint.dev/go/checkpoint v0.0.0
