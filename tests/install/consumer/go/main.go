// The same in Go.
//
//	consumer PATH
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"libcheckpoint.dev/go/checkpoint"
)

func main() {
	reader, err := checkpoint.Open(context.Background(), os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	tensor, err := reader.Get("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE")
	if err != nil {
		log.Fatal(err)
	}
	kernel, err := checkpoint.Read[float32](context.Background(), tensor)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("header %s\nlibrary %s\nkernel", checkpoint.HeaderVersion, checkpoint.Version())
	for _, value := range kernel {
		fmt.Printf(" %.6f", value)
	}
	fmt.Println()
}
