//go:build cgo

package checkpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"libcheckpoint.dev/go/checkpoint"
)

// The examples are the snippets of docs/go.md, which a test compares.

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func temporary() (string, func()) {
	directory, err := os.MkdirTemp("", "checkpoint")
	must(err)
	return directory, func() { os.RemoveAll(directory) }
}

func ExampleOpen() {
	// begin: read
	reader, err := checkpoint.Open(context.Background(), "../../tests/data/guide/ckpt-5", nil)
	if errors.Is(err, fs.ErrNotExist) {
		log.Fatal("there is no checkpoint")
	}
	must(err)
	defer reader.Close()
	for key, tensor := range reader.All() {
		if tensor.DType() == checkpoint.Float32 && len(tensor.Shape()) == 2 {
			values, err := checkpoint.Read[float32](context.Background(), tensor)
			must(err)
			fmt.Println(key, tensor.Shape(), len(values))
		}
	}
	// end
	// Output: net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE [1 5] 5
}

func ExampleWriter() {
	directory, remove := temporary()
	defer remove()
	// begin: write
	writer, err := checkpoint.NewWriter(filepath.Join(directory, "model"), nil)
	must(err)
	defer writer.Close()
	must(checkpoint.Add(writer, "weights", []int64{2, 2}, []float32{1, 2, 3, 4}))
	must(writer.AddStrings("words", []int64{2}, []string{"a", "b"}))
	must(writer.Finish(context.Background()))
	// end
	found, err := checkpoint.Verify(context.Background(), filepath.Join(directory, "model"), nil)
	must(err)
	fmt.Println(found.Tensors, "tensors,", len(found.Problems), "problems")
	// Output: 2 tensors, 0 problems
}

func ExampleManager() {
	directory, remove := temporary()
	defer remove()
	// begin: train
	type layer struct {
		Kernel []float32 `ckpt:"kernel" shape:"2,2"`
		Bias   []float32 `ckpt:"bias"`
	}
	model := struct {
		Step   int64    `ckpt:"step"`
		Layers []*layer `ckpt:"layers"`
	}{Layers: []*layer{{Kernel: make([]float32, 4), Bias: make([]float32, 2)}}}

	graph := checkpoint.NewGraph()
	defer graph.Close()
	root, err := graph.AddObject()
	must(err)
	_, err = checkpoint.TrackStruct(graph, root, &model)
	must(err)
	saved, err := checkpoint.New(graph, root)
	must(err)
	defer saved.Close()
	manager, err := checkpoint.NewManager(saved, directory, &checkpoint.ManagerOptions{MaxToKeep: 3})
	must(err)
	defer manager.Close()

	_, status, err := manager.RestoreOrInitialize(context.Background(), nil)
	must(err)
	if status != nil { // there was a checkpoint
		must(status.AssertConsumed())
		must(status.Close())
	}
	for model.Step < 5 {
		model.Step++
		model.Layers[0].Bias[0] += 0.5
		_, err := manager.Save(context.Background(), nil)
		must(err)
	}
	fmt.Println(len(manager.Checkpoints()), "checkpoints stay")
	// end
	// Output: 3 checkpoints stay
}

func ExampleManager_SaveAsync() {
	directory, remove := temporary()
	defer remove()
	graph := checkpoint.NewGraph()
	defer graph.Close()
	root, err := graph.AddObject()
	must(err)
	var step int64
	_, err = checkpoint.TrackStruct(graph, root, &struct {
		Step *int64 `ckpt:"step"`
	}{&step})
	must(err)
	saved, err := checkpoint.New(graph, root)
	must(err)
	defer saved.Close()
	manager, err := checkpoint.NewManager(saved, directory, &checkpoint.ManagerOptions{MaxToKeep: 3})
	must(err)
	defer manager.Close()
	ctx := context.Background()
	// begin: background
	for step < 50 {
		step++
		if step%10 == 0 {
			_, err := manager.SaveAsync(ctx, nil) // goes on when the values are copied
			must(err)                             // also what went wrong with the one before
		}
	}
	must(saved.Sync()) // the last one is on disk
	// end
	fmt.Println(filepath.Base(manager.Latest()), "of", len(manager.Checkpoints()))
	// Output: ckpt-5 of 3
}

// begin: state
// counter is state that says itself how it is saved.
type counter struct{ value int64 }

func (c *counter) Save(sink *checkpoint.Sink) error {
	return checkpoint.Put(sink, "count", nil, []int64{c.value})
}

func (c *counter) Restore(source *checkpoint.Source) error {
	count, err := checkpoint.SourceValue[int64](source.Find("count"))
	if err != nil {
		return err
	}
	c.value = count[0]
	return nil
}

// end

func ExampleState() {
	directory, remove := temporary()
	defer remove()
	graph := checkpoint.NewGraph()
	defer graph.Close()
	state := &counter{value: 3}
	root, err := graph.AddObject()
	must(err)
	node, err := graph.AddState(state)
	must(err)
	must(graph.Track(root, "counter", node))
	saved, err := checkpoint.New(graph, root)
	must(err)
	defer saved.Close()
	path, err := saved.Write(context.Background(), filepath.Join(directory, "c"), nil)
	must(err)
	state.value = 0
	// begin: restore
	status, err := saved.Read(context.Background(), path, &checkpoint.RestoreOptions{VerifyFirst: true})
	must(err)
	defer status.Close()
	report, err := status.Report()
	must(err)
	for _, row := range report.Rows {
		fmt.Println(row.Key, row.State)
	}
	// end
	fmt.Println(state.value)
	// Output:
	// counter/.ATTRIBUTES/count restored
	// 3
}
