// The training loop of TensorFlow's guide to checkpoints, without TensorFlow: a linear model learns
// y = 5x + [0, 1, 2, 3, 4].
//
//	train DIRECTORY STEPS [DIE]
//
// Trains until STEPS steps are done and saves after every tenth, as DIRECTORY/ckpt-1, ckpt-2, ...
// If the directory has a checkpoint, of this program, of examples/c/train.c or of TensorFlow's, it
// goes on from there; with the same bits as if it had never stopped. With DIE it kills itself in
// that step.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"

	"libcheckpoint.dev/go/checkpoint"
)

const (
	outputs   = 5
	examples  = 10
	batch     = 2
	saveEvery = 10
)

// parameter is a trainable variable with its slots.
type parameter struct{ value, m, v []float32 }

func newParameter() parameter {
	return parameter{make([]float32, outputs), make([]float32, outputs), make([]float32, outputs)}
}

// program is the whole program. The library saves its memory and restores into it, in place.
type program struct {
	kernel, bias                      parameter
	iter                              int64 // updates that Adam has done
	beta1, beta2, decay, learningRate float32
	position                          int64 // of the next example
	step                              int32
}

// Save puts the iterator's state, which is more than a variable: it says itself how it is saved and
// restored.
func (p *program) Save(sink *checkpoint.Sink) error {
	return checkpoint.Put(sink, "_POSITION", nil, []int64{p.position})
}

// Restore takes the iterator's state.
func (p *program) Restore(source *checkpoint.Source) error {
	position := source.Find("_POSITION")
	if position == nil {
		return nil // TensorFlow's ITERATOR_STATE, which is its own: begin with the first example
	}
	value, err := checkpoint.SourceValue[int64](position)
	if err != nil || len(value) != 1 {
		return errors.New("the position is no int64")
	}
	p.position = value[0]
	return nil
}

// builder makes the graph of a program's objects, and remembers the first error.
type builder struct {
	*checkpoint.Graph
	err error
}

func (b *builder) node(node checkpoint.Node, err error) checkpoint.Node {
	b.err = errors.Join(b.err, err)
	return node
}

func (b *builder) do(err error) { b.err = errors.Join(b.err, err) }

func (b *builder) parameter(optimizer checkpoint.Node, p *parameter, shape ...int64) checkpoint.Node {
	variable := b.node(checkpoint.AddVariable(b.Graph, &p.value, shape))
	b.do(b.SetSlot(optimizer, variable, "m", b.node(checkpoint.AddVariable(b.Graph, &p.m, shape))))
	b.do(b.SetSlot(optimizer, variable, "v", b.node(checkpoint.AddVariable(b.Graph, &p.v, shape))))
	return variable
}

// newCheckpoint gives the objects that a checkpoint has, by the names of TensorFlow's program.
func newCheckpoint(p *program) (*checkpoint.Checkpoint, error) {
	b := &builder{Graph: checkpoint.NewGraph()}
	defer b.Close() // the checkpoint keeps what it needs
	// ITERATOR is what TensorFlow calls the state of one.
	iterator := b.node(b.AddState(p, checkpoint.NodeOptions{LegacyName: "ITERATOR"}))
	optimizer := b.node(b.AddSlotOwner(nil))
	root, net, l1 := b.node(b.AddObject()), b.node(b.AddObject()), b.node(b.AddObject())
	b.do(b.Track(root, "iterator", iterator))
	b.do(b.Track(root, "net", net))
	b.do(b.Track(root, "optimizer", optimizer))
	b.do(b.Track(root, "step", b.node(checkpoint.AddScalar(b.Graph, &p.step))))
	b.do(b.Track(net, "l1", l1))
	b.do(b.Track(l1, "kernel", b.parameter(optimizer, &p.kernel, 1, outputs)))
	b.do(b.Track(l1, "bias", b.parameter(optimizer, &p.bias, outputs)))
	b.do(b.Track(optimizer, "iter", b.node(checkpoint.AddScalar(b.Graph, &p.iter))))
	for _, rate := range []struct {
		name  string
		value *float32
	}{{"beta_1", &p.beta1}, {"beta_2", &p.beta2}, {"decay", &p.decay}, {"learning_rate", &p.learningRate}} {
		b.do(b.Track(optimizer, rate.name, b.node(checkpoint.AddScalar(b.Graph, rate.value))))
	}
	if b.err != nil {
		return nil, b.err
	}
	return checkpoint.New(b.Graph, root)
}

// Everything is computed in float32, in the order that is written here: so the same bits come out
// wherever it is done again. The conversions keep a compiler from fusing a product with a sum.

func power(base float32, exponent int64) float32 {
	product := float32(1)
	for range exponent {
		product = float32(product * base)
	}
	return product
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// update is one of Adam, with TensorFlow's formula.
func (p *program) update(q *parameter, gradient []float32) {
	correction := sqrt(1-power(p.beta2, p.iter)) / (1 - power(p.beta1, p.iter))
	rate := float32(p.learningRate * correction)
	for j := range outputs {
		q.m[j] = float32(p.beta1*q.m[j]) + float32((1-p.beta1)*gradient[j])
		q.v[j] = float32(p.beta2*q.v[j]) + float32((1-p.beta2)*float32(gradient[j]*gradient[j]))
		q.value[j] = q.value[j] - float32(rate*q.m[j])/(sqrt(q.v[j])+1e-7)
	}
}

// trainStep does one step with the next batch, and gives the loss: the mean of |output - label|.
func (p *program) trainStep() float32 {
	var loss float32
	kernelGradient, biasGradient := make([]float32, outputs), make([]float32, outputs)
	for range batch {
		x := float32(p.position)
		for j := range outputs {
			difference := float32(x*p.kernel.value[j]) + p.bias.value[j] - (float32(x*5) + float32(j))
			var sign float32
			if difference > 0 {
				sign = 1
			} else if difference < 0 {
				sign = -1
			}
			loss += float32(math.Abs(float64(difference)))
			kernelGradient[j] += float32(sign * x)
			biasGradient[j] += sign
		}
		p.position = (p.position + 1) % examples
	}
	for j := range outputs {
		kernelGradient[j] /= batch * outputs
		biasGradient[j] /= batch * outputs
	}
	p.iter++
	p.update(&p.kernel, kernelGradient)
	p.update(&p.bias, biasGradient)
	p.step++
	return loss / (batch * outputs)
}

// resume goes on from the directory's latest checkpoint, if it has one.
func resume(c *checkpoint.Checkpoint, p *program, directory string) error {
	status, err := c.Restore(context.Background(), directory, nil)
	var e *checkpoint.Error
	if errors.As(err, &e) && e.Reason == checkpoint.ReasonNoCheckpoint {
		fmt.Println("from the beginning")
		return nil
	}
	if err != nil {
		return err
	}
	defer status.Close()
	fmt.Printf("from step %d of %s\n", p.step, status.Path())
	return status.AssertExistingObjectsMatched()
}

func train(directory string, steps, die int32) error {
	p := &program{
		kernel: newParameter(), bias: newParameter(), beta1: 0.9, beta2: 0.999, learningRate: 0.1,
	}
	for j := range p.kernel.value {
		p.kernel.value[j] = 0.25 * float32(j-2) // "random", the same each time
	}
	c, err := newCheckpoint(p)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := resume(c, p, directory); err != nil {
		return err
	}
	for p.step < steps {
		loss := p.trainStep()
		if p.step == die {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // till it comes
		}
		if p.step%saveEvery == 0 {
			// When this returns the checkpoint is on disk; when the machine dies before, the one
			// before it is still the latest.
			if _, err := c.Save(context.Background(), filepath.Join(directory, "ckpt"), nil); err != nil {
				return err
			}
			fmt.Printf("step %d: loss %.2f, saved\n", p.step, loss)
		}
	}
	printBits("kernel", p.kernel.value)
	printBits("bias", p.bias.value)
	return nil
}

// printBits prints values exactly, as C's %a does.
func printBits(name string, values []float32) {
	fmt.Print(name)
	for _, value := range values {
		fmt.Print(" ", exponent.ReplaceAllString(strconv.FormatFloat(float64(value), 'x', -1, 64), "p$1$2"))
	}
	fmt.Println()
}

// Go gives exponents two digits at least.
var exponent = regexp.MustCompile(`p([+-])0([0-9])$`)

func main() {
	if len(os.Args) != 3 && len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: train DIRECTORY STEPS [DIE]")
		os.Exit(2)
	}
	steps, err := strconv.Atoi(os.Args[2])
	die := -1
	if err == nil && len(os.Args) == 4 {
		die, err = strconv.Atoi(os.Args[3])
	}
	if err == nil {
		err = train(os.Args[1], int32(steps), int32(die))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}
