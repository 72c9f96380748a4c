//go:build cgo

package checkpoint_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"libcheckpoint.dev/go/checkpoint"
)

var ctx = context.Background()

func ExampleLoad() {
	// begin: load
	type layer struct {
		Kernel checkpoint.Array[float32] `ckpt:"kernel"` // takes its shape from the checkpoint
		Bias   []float32                 `ckpt:"bias"`
	}
	var net struct {
		Conv layer `ckpt:"layer_with_weights-0"`
		Norm struct {
			Gamma []float32 `ckpt:"gamma"`
			Beta  []float32 `ckpt:"beta"`
		} `ckpt:"layer_with_weights-1"`
		Head *layer `ckpt:"layer_with_weights-2"`
	}
	report, err := checkpoint.Load(ctx, "../../tests/data/tf_keras_net", &net, nil)
	must(err)
	fmt.Println(net.Conv.Kernel.Shape, net.Norm.Gamma, net.Head.Kernel.Shape)
	// end
	fmt.Println(report.Count(checkpoint.RowRestored), "values")
	// Output:
	// [2 2 1 3] [2 2.125 2.25] [27 2]
	// 6 values
}

func ExampleReadMany() {
	reader, err := checkpoint.Open(ctx, "../../tests/data/guide/ckpt-5", nil)
	must(err)
	defer reader.Close()
	var wanted []checkpoint.Tensor
	for _, name := range []string{"net/l1/kernel", "net/l1/bias"} {
		tensor, err := reader.Get(name)
		must(err)
		wanted = append(wanted, tensor)
	}
	values, err := checkpoint.ReadMany[float64](ctx, wanted, &checkpoint.ReadOptions{Conversion: checkpoint.ConversionExact})
	must(err)
	fmt.Println(len(values[0]), len(values[1]))
	// Output: 5 5
}

func ExampleGraph() {
	graph := checkpoint.NewGraph()
	defer graph.Close()
	root, err := graph.AddObject()
	must(err)
	kernel := []float32{1, 2, 3, 4}
	variable, err := checkpoint.AddVariable(graph, &kernel, []int64{2, 2})
	must(err)
	must(graph.Track(root, "kernel", variable))
	about, err := graph.Describe(variable)
	must(err)
	fmt.Println(about.Kind, about.DType, about.Shape)
	// Output: variable float32 [2 2]
}

func ExampleTrackStruct() {
	directory, remove := temporary()
	defer remove()
	type layer struct {
		Bias []float32 `ckpt:"bias"`
	}
	var model struct {
		Layers []layer `ckpt:"layers"`
	}
	graph := checkpoint.NewGraph()
	defer graph.Close()
	root, err := graph.AddObject()
	must(err)
	_, err = checkpoint.TrackStruct(graph, root, &model)
	must(err)
	saved, err := checkpoint.New(graph, root)
	must(err)
	defer saved.Close()
	model.Layers = append(model.Layers, layer{[]float32{1}}, layer{[]float32{2, 3}}) // is saved, too
	path, err := saved.Write(ctx, filepath.Join(directory, "m"), nil)
	must(err)
	reader, err := checkpoint.Open(ctx, path, nil)
	must(err)
	defer reader.Close()
	bias, err := reader.Get("layers/1/bias")
	must(err)
	fmt.Println(bias)
	// Output: layers/1/bias/.ATTRIBUTES/VARIABLE_VALUE float32 [2]
}

func ExampleSaver() {
	directory, remove := temporary()
	defer remove()
	graph := checkpoint.NewGraph()
	defer graph.Close()
	weights := []float32{1, 2}
	variable, err := checkpoint.AddVariable(graph, &weights, []int64{2})
	must(err)
	saver, err := checkpoint.NewSaver(graph, []checkpoint.NamedNode{{Name: "dense/kernel", Child: variable}}, nil)
	must(err)
	defer saver.Close()
	step := int64(7)
	path, err := saver.Save(ctx, filepath.Join(directory, "model"), &checkpoint.SaverSaveOptions{GlobalStep: &step})
	must(err)
	fmt.Println(filepath.Base(path))
	// Output: model-7
}

func ExamplePin() {
	directory, remove := temporary()
	defer remove()
	type weights struct {
		W []float32 `ckpt:"w"`
	}
	_, err := checkpoint.Write(ctx, filepath.Join(directory, "ckpt-1"), &weights{[]float32{1}}, nil)
	must(err)
	must(checkpoint.UpdateState(directory, "", checkpoint.CheckpointState{Latest: filepath.Join(directory, "ckpt-1")}, nil))

	pin, err := checkpoint.PinLatest(directory, nil) // no manager removes it meanwhile
	must(err)
	defer pin.Close()
	var loaded weights
	_, err = checkpoint.Load(ctx, pin.Prefix(), &loaded, nil)
	must(err)
	fmt.Println(loaded.W)
	// Output: [1]
}

func ExampleCheckpoints() {
	soon := 10 * time.Millisecond
	for path, err := range checkpoint.Checkpoints(ctx, "../../tests/data/guide", &checkpoint.WaitOptions{Timeout: &soon}, nil) {
		must(err)
		fmt.Println(filepath.Base(path))
	}
	// Output: ckpt-5
}

func ExampleUseView() {
	directory, remove := temporary()
	defer remove()
	prefix := filepath.Join(directory, "aligned")
	writer, err := checkpoint.NewWriter(prefix, &checkpoint.WriteOptions{Alignment: 64})
	must(err)
	defer writer.Close()
	must(checkpoint.Add(writer, "w", []int64{3}, []float64{1, 2, 3}))
	must(writer.Finish(ctx))
	reader, err := checkpoint.Open(ctx, prefix, nil)
	must(err)
	defer reader.Close()
	tensor, err := reader.Get("w")
	must(err)
	view, err := tensor.View(nil) // mapped, not copied
	must(err)
	defer view.Close()
	must(checkpoint.UseView(view, func(values []float64) { fmt.Println(values) }))
	// Output: [1 2 3]
}

func ExampleLogTo() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	reader, err := checkpoint.Open(ctx, "../../tests/data/guide/ckpt-5", &checkpoint.OpenOptions{Log: checkpoint.LogTo(logger)})
	must(err)
	defer reader.Close()
	_, err = reader.Get("net/l1/nothing")
	logger.Info("opened", "it", reader, "code", err.(*checkpoint.Error).Code)
	// Output:
	// level=INFO msg=opened it.prefix=../../tests/data/guide/ckpt-5 it.tensors=12 code=NOT_FOUND
}
