package main

import (
	"fmt"
	"math"

	"libcheckpoint.dev/go/checkpoint"
)

// weights are those of a small convolutional net that tf_keras saved with save_weights: Conv2D,
// BatchNormalization, Flatten, Dense. Their shapes are those of the checkpoint.
type weights struct {
	Conv struct {
		Kernel checkpoint.Array[float32] `ckpt:"kernel"` // height, width, channels in, channels out
		Bias   checkpoint.Array[float32] `ckpt:"bias"`
	} `ckpt:"layer_with_weights-0"`
	Norm struct {
		Gamma    []float32 `ckpt:"gamma"`
		Beta     []float32 `ckpt:"beta"`
		Mean     []float32 `ckpt:"moving_mean"`
		Variance []float32 `ckpt:"moving_variance"`
	} `ckpt:"layer_with_weights-1"`
	Head struct {
		Kernel checkpoint.Array[float32] `ckpt:"kernel"` // features, classes
		Bias   []float32                 `ckpt:"bias"`
	} `ckpt:"layer_with_weights-2"`
}

const side = 4 // of an image, which is square and has one channel

// check fails unless the shapes fit each other, so that predict cannot.
func (w *weights) check() error {
	kernel, head := w.Conv.Kernel.Shape, w.Head.Kernel.Shape
	if len(kernel) != 4 || len(head) != 2 || kernel[2] != 1 || kernel[0] > side || kernel[1] > side {
		return fmt.Errorf("the net takes %dx%d images: its kernels have the shapes %v and %v", side, side, kernel, head)
	}
	channels := int(kernel[3])
	for _, each := range [][]float32{w.Conv.Bias.Values, w.Norm.Gamma, w.Norm.Beta, w.Norm.Mean, w.Norm.Variance} {
		if len(each) != channels {
			return fmt.Errorf("the net has %d channels, but a vector of %d values for them", channels, len(each))
		}
	}
	features := (side - kernel[0] + 1) * (side - kernel[1] + 1) * kernel[3]
	if head[0] != features || head[1] != int64(len(w.Head.Bias)) {
		return fmt.Errorf("the net has %d features and %d classes: its last kernel has the shape %v", features, len(w.Head.Bias), head)
	}
	return nil
}

// predict gives the logits of the classes for an image, row by row.
func (w *weights) predict(image *[side * side]float32) []float32 {
	shape := w.Conv.Kernel.Shape
	height, width, channels := int(shape[0]), int(shape[1]), int(shape[3])
	classes := len(w.Head.Bias)
	logits := append([]float32{}, w.Head.Bias...)
	feature := 0
	for y := range side - height + 1 {
		for x := range side - width + 1 {
			for c := range channels {
				sum := w.Conv.Bias.Values[c]
				for i := range height {
					for j := range width {
						sum += image[(y+i)*side+x+j] * w.Conv.Kernel.Values[(i*width+j)*channels+c]
					}
				}
				deviation := float32(math.Sqrt(float64(w.Norm.Variance[c]) + 1e-3)) // epsilon of Keras
				sum = w.Norm.Gamma[c]*(sum-w.Norm.Mean[c])/deviation + w.Norm.Beta[c]
				for k := range classes {
					logits[k] += sum * w.Head.Kernel.Values[feature*classes+k]
				}
				feature++
			}
		}
	}
	return logits
}
