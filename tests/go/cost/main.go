// What the binding costs: 100 tensors of 1 KiB are found and read by key, in C and in Go, in turns;
// the medians and their ratio.
package main

/*
#cgo pkg-config: checkpoint
#include <checkpoint.h>
#include <stdio.h>
#include <stdlib.h>

enum { TENSORS = 100, SIZE = 1024 };

static int read_all(const ckpt_reader *reader, void *buffer) {
    for (int i = 0; i < TENSORS; i++) {
        char key[16];
        const ckpt_tensor *tensor = NULL;
        int len = snprintf(key, sizeof key, "tensor/%02d", i);
        if (ckpt_reader_find(reader, key, (size_t)len, &tensor, NULL) != CKPT_CODE_OK) return 1;
        if (ckpt_reader_read(reader, tensor, NULL, buffer, SIZE, NULL) != CKPT_CODE_OK) return 1;
    }
    return 0;
}
*/
import "C"

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unsafe"

	"libcheckpoint.dev/go/checkpoint"
)

const rounds = 201

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func write(prefix string) {
	writer, err := checkpoint.NewWriter(prefix, nil)
	must(err)
	for i := range C.TENSORS {
		must(checkpoint.Add(writer, fmt.Sprintf("tensor/%02d", i), []int64{C.SIZE / 4}, make([]float32, C.SIZE/4)))
	}
	must(writer.Finish(context.Background()))
}

func main() {
	directory, err := os.MkdirTemp("", "cost")
	must(err)
	defer os.RemoveAll(directory)
	prefix := filepath.Join(directory, "m")
	write(prefix)

	path := C.CString(prefix)
	defer C.free(unsafe.Pointer(path))
	var inC *C.ckpt_reader
	if C.ckpt_reader_open(path, nil, &inC, nil) != C.CKPT_CODE_OK {
		log.Fatal("the checkpoint cannot be opened")
	}
	defer C.ckpt_reader_free(inC)
	inGo, err := checkpoint.Open(context.Background(), prefix, nil)
	must(err)
	defer inGo.Close()
	buffer := C.malloc(C.SIZE)
	defer C.free(buffer)
	values := make([]float32, C.SIZE/4)

	var c, g []time.Duration
	for range rounds {
		start := time.Now()
		if C.read_all(inC, buffer) != 0 {
			log.Fatal("a tensor cannot be read")
		}
		c = append(c, time.Since(start))
		start = time.Now()
		for i := range C.TENSORS {
			tensor, err := inGo.Get(fmt.Sprintf("tensor/%02d", i))
			must(err)
			must(checkpoint.ReadInto(context.Background(), tensor, values, nil))
		}
		g = append(g, time.Since(start))
	}
	slices.Sort(c)
	slices.Sort(g)
	cTime, goTime := c[rounds/2].Seconds()*1e6, g[rounds/2].Seconds()*1e6
	fmt.Printf("100 tensors of 1 KiB: C %.1f us, Go %.1f us (%.2f x)\n", cTime, goTime, goTime/cTime)
}
