package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libcheckpoint.dev/go/checkpoint"
)

// The test's program is also the other process, which saves.
func TestMain(m *testing.M) {
	if directory := os.Getenv("SERVE_TEST_SAVES_IN"); directory != "" {
		if err := saveUntilStdinEnds(directory); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// ofNumber makes weights of the fixture's shapes that only one checkpoint has: each value is the
// number of it.
func ofNumber(number int) *weights {
	value := func(count int) []float32 {
		all := make([]float32, count)
		for i := range all {
			all[i] = float32(number)
		}
		return all
	}
	w := new(weights)
	w.Conv.Kernel = checkpoint.Array[float32]{Shape: []int64{2, 2, 1, 3}, Values: value(12)}
	w.Conv.Bias = checkpoint.Array[float32]{Shape: []int64{3}, Values: value(3)}
	w.Norm.Gamma, w.Norm.Beta, w.Norm.Mean, w.Norm.Variance = value(3), value(3), value(3), value(3)
	w.Head.Kernel = checkpoint.Array[float32]{Shape: []int64{27, 2}, Values: value(54)}
	w.Head.Bias = value(2)
	return w
}

func saveUntilStdinEnds(directory string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	graph := checkpoint.NewGraph()
	defer graph.Close()
	root, err := graph.AddObject()
	if err != nil {
		return err
	}
	w := ofNumber(0)
	if _, err := checkpoint.TrackStruct(graph, root, w); err != nil {
		return err
	}
	saved, err := checkpoint.New(graph, root)
	if err != nil {
		return err
	}
	defer saved.Close()
	manager, err := checkpoint.NewManager(saved, directory, &checkpoint.ManagerOptions{MaxToKeep: 2})
	if err != nil {
		return err
	}
	defer manager.Close()
	for number := int64(1); ctx.Err() == nil; number++ {
		*w = *ofNumber(int(number))
		if _, err := manager.Save(ctx, &checkpoint.ManagerSaveOptions{Number: &number}); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// client asks one server.
type client struct {
	http.Client
	url string
}

func (c *client) predict(image *[side * side]float32) (answer, error) {
	asked, err := json.Marshal(request{image[:]})
	if err != nil {
		return answer{}, err
	}
	response, err := c.Post(c.url+"/predict", "application/json", bytes.NewReader(asked))
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	var found answer
	if err == nil {
		err = json.Unmarshal(body, &found)
	}
	return found, err
}

// started serves a copy of what tf_keras wrote.
func started(t *testing.T) (directory string, s *server, c *client, end func()) {
	directory = t.TempDir()
	for _, name := range []string{"checkpoint", "weights.index", "weights.data-00000-of-00001"} {
		content, err := os.ReadFile("../../../tests/data/tf_keras_net/" + name)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(directory, name), content, 0o644))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	s = newServer(slog.New(slog.NewTextHandler(io.Discard, nil)), 8)
	go func() { ended <- s.serve(ctx, listener, directory, time.Millisecond) }()
	c = &client{url: "http://" + listener.Addr().String()}
	c.Timeout = time.Minute
	c.Transport = &http.Transport{MaxIdleConnsPerHost: clients}
	var image [side * side]float32
	for end := time.Now().Add(time.Minute); ; runtime.Gosched() {
		if _, err = c.predict(&image); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	return directory, s, c, func() {
		stop()
		check(t, <-ended)
		c.CloseIdleConnections()
	}
}

const clients = 16

var isRace bool

// What tf_keras predicts for this image with these weights: a Sequential of Conv2D(3, 2),
// BatchNormalization, Flatten and Dense(2) that has loaded them.
var expectedLogits = []float64{467.3970947265625, 473.3420715332031}

func TestServesWhatKerasWrote(t *testing.T) {
	_, _, c, end := started(t)
	defer end()
	var image [side * side]float32
	for i := range image {
		image[i] = float32(i) / 16
	}
	found, err := c.predict(&image)
	check(t, err)
	if found.Checkpoint != "weights" {
		t.Errorf("expected weights, found %s", found.Checkpoint)
	}
	for k, expected := range expectedLogits {
		if difference := math.Abs(float64(found.Logits[k])/expected - 1); difference > 1e-4 {
			t.Errorf("class %d: expected %g, found %g", k, expected, found.Logits[k])
		}
	}
	response, err := c.Post(c.url+"/predict", "application/json", strings.NewReader(`{"image": [1]}`))
	check(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("expected 400, found %s", response.Status)
	}
}

// 10 000 requests while another process saves: each is answered, by one checkpoint and no other,
// and memory, goroutines and handles are as many at the end as after the first 2 000.
func TestServesWhileAnotherProcessSaves(t *testing.T) {
	directory, _, c, end := started(t)
	handles := checkpoint.LiveHandles()
	saver := exec.Command(os.Args[0])
	saver.Env = append(os.Environ(), "SERVE_TEST_SAVES_IN="+directory)
	saver.Stderr = os.Stderr
	stdin, err := saver.StdinPipe()
	check(t, err)
	check(t, saver.Start())
	var waited atomic.Bool
	wait := func() error {
		stdin.Close()
		waited.Store(true)
		return saver.Wait()
	}
	defer func() {
		if !waited.Load() {
			wait()
		}
	}()

	var seen sync.Map
	ask := func(count int) {
		var left atomic.Int64
		left.Store(int64(count))
		var all sync.WaitGroup
		for range clients {
			all.Add(1)
			go func() {
				defer all.Done()
				for left.Add(-1) >= 0 {
					var image [side * side]float32
					image[5] = 1
					found, err := c.predict(&image)
					if err != nil {
						t.Errorf("lost: %v", err)
						return
					}
					seen.Store(found.Checkpoint, true)
					number, err := strconv.Atoi(strings.TrimPrefix(found.Checkpoint, "ckpt-"))
					if found.Checkpoint == "weights" {
						continue
					}
					if expected := ofNumber(number).predict(&image); err != nil || fmt.Sprint(expected) != fmt.Sprint(found.Logits) {
						t.Errorf("torn: %s has %v, found %v", found.Checkpoint, expected, found.Logits)
						return
					}
				}
			}()
		}
		all.Wait()
	}
	type size struct{ heap, resident, goroutines int }
	sizeOf := func() size {
		c.CloseIdleConnections()
		for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > clients && time.Now().Before(end); {
			runtime.Gosched()
		}
		runtime.GC()
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		var total, resident int
		statm, err := os.ReadFile("/proc/self/statm")
		check(t, err)
		fmt.Sscan(string(statm), &total, &resident)
		return size{int(memory.HeapAlloc), resident * os.Getpagesize(), runtime.NumGoroutine()}
	}
	ask(2000)
	before := sizeOf()
	ask(8000)
	after := sizeOf()
	versions := func() (count int) {
		seen.Range(func(any, any) bool { count++; return true })
		return count
	}
	for end := time.Now().Add(time.Minute); versions() < 5 && time.Now().Before(end); {
		ask(100) // the other process is slow
	}
	check(t, wait())
	end()
	t.Logf("%d checkpoints served; after 2000 requests %+v, after 10000 %+v", versions(), before, after)
	if versions() < 5 {
		t.Errorf("expected several checkpoints, found %d", versions())
	}
	if after.heap > before.heap+2<<20 || !isRace && after.resident > before.resident+32<<20 ||
		after.goroutines > before.goroutines+4 {
		t.Errorf("not flat: after 2000 requests %+v, after 10000 %+v", before, after)
	}
	if now := checkpoint.LiveHandles(); now > handles {
		t.Errorf("%d handles are not freed", now-handles)
	}
}

// Weights that give no numbers are an error, not an empty answer.
func TestAnswersThatAreNoNumbersAreErrors(t *testing.T) {
	s := newServer(slog.New(slog.NewTextHandler(io.Discard, nil)), 1)
	w := ofNumber(1)
	w.Head.Bias[0] = float32(math.NaN())
	s.current.Store(&model{*w, "nan"})
	asked, err := json.Marshal(request{make([]float32, side*side)})
	check(t, err)
	response := httptest.NewRecorder()
	s.predict(response, httptest.NewRequest(http.MethodPost, "/predict", bytes.NewReader(asked)))
	if response.Code != http.StatusInternalServerError || response.Body.Len() == 0 {
		t.Errorf("expected 500 and a reason, found %d: %q", response.Code, response.Body)
	}
}

// A server that is told to end answers all that its handler has been asked.
func TestEndsGracefully(t *testing.T) {
	_, s, c, end := started(t)
	var asked sync.WaitGroup
	var answered atomic.Int64
	before := s.requests.Load()
	for range clients {
		asked.Add(1)
		go func() {
			defer asked.Done()
			var image [side * side]float32
			for {
				if _, err := c.predict(&image); err != nil {
					var refused *url.Error // before any of an answer came
					if !errors.As(err, &refused) {
						t.Error(err)
					}
					return
				}
				answered.Add(1)
			}
		}()
	}
	for end := time.Now().Add(time.Minute); answered.Load() < 100 && time.Now().Before(end); {
		runtime.Gosched()
	}
	end()
	asked.Wait()
	if came := s.requests.Load() - before; came != answered.Load() || came < 100 {
		t.Errorf("expected an answer to each of 100 requests or more: %d came, %d were answered", came, answered.Load())
	}
	if live := checkpoint.LiveHandles(); live != 0 {
		t.Errorf("%d handles are not freed", live)
	}
}
