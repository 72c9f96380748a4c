module libcheckpoint.dev/go/checkpoint

go 1.24
