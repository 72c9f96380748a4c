// A server that predicts with the latest checkpoint of a directory, and loads each new one while it
// serves.
//
//	serve DIRECTORY [ADDRESS]
//
// POST /predict takes {"image": [16 numbers]} and answers with the logits and the checkpoint that
// they are of. It listens on 127.0.0.1:8080, or on ADDRESS. SIGINT and SIGTERM end it when the
// requests that it has are answered.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"libcheckpoint.dev/go/checkpoint"
)

// model is a checkpoint in memory. It does not change: a request that has it is not disturbed when
// another takes its place.
type model struct {
	weights
	name string
}

// load reads a checkpoint into memory of its own.
func load(ctx context.Context, path string) (*model, error) {
	// Whoever saves may remove the checkpoint as soon as there are newer ones, but not while it is
	// pinned.
	pin, err := checkpoint.NewPin(path)
	if err != nil {
		return nil, err
	}
	defer pin.Close()
	loaded := &model{name: filepath.Base(path)}
	options := &checkpoint.RestoreOptions{VerifyFirst: true}
	if _, err := checkpoint.Load(ctx, pin.Prefix(), &loaded.weights, options); err != nil {
		return nil, err
	}
	return loaded, loaded.check()
}

// server answers requests with the current model.
type server struct {
	current  atomic.Pointer[model]
	slots    chan struct{} // one for each request that is computed at once
	requests atomic.Int64  // how many have come
	log      *slog.Logger
}

func newServer(log *slog.Logger, atOnce int) *server {
	return &server{slots: make(chan struct{}, atOnce), log: log}
}

// follow makes each new checkpoint of a directory the current model, until the context is done.
func (s *server) follow(ctx context.Context, directory string, poll time.Duration) error {
	wait := &checkpoint.WaitOptions{PollInterval: poll, Log: checkpoint.LogTo(s.log)}
	for path, err := range checkpoint.Checkpoints(ctx, directory, wait, nil) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		loaded, err := load(ctx, path)
		switch {
		case err == nil:
			s.current.Store(loaded)
			s.log.Info("serving", "checkpoint", loaded.name)
		case errors.Is(err, fs.ErrNotExist): // newer ones came, and it was removed
			s.log.Info("gone before it was loaded", "checkpoint", path)
		default: // the model before it goes on serving
			s.log.Error("not loaded", "checkpoint", path, "error", err)
		}
	}
	return nil
}

type request struct {
	Image []float32 `json:"image"`
}

type answer struct {
	Checkpoint string    `json:"checkpoint"`
	Logits     []float32 `json:"logits"`
}

func (s *server) predict(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	var asked request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&asked); err != nil || len(asked.Image) != side*side {
		http.Error(w, fmt.Sprintf("expected {\"image\": [%d numbers]}", side*side), http.StatusBadRequest)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-r.Context().Done(): // whoever asked has gone, or has waited long enough
		http.Error(w, "too many requests", http.StatusServiceUnavailable)
		return
	}
	now := s.current.Load() // one model for all of the request
	if now == nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "there is no checkpoint yet", http.StatusServiceUnavailable)
		return
	}
	said, err := json.Marshal(answer{now.name, now.weights.predict((*[side * side]float32)(asked.Image))})
	if err != nil { // JSON has no NaN
		s.log.Error("not answered", "checkpoint", now.name, "error", err)
		http.Error(w, "the model gives no numbers", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(append(said, '\n')); err != nil {
		s.log.Error("not answered", "error", err)
	}
}

// serve serves a directory on a listener until the context is done, and then ends gracefully.
func (s *server) serve(ctx context.Context, listener net.Listener, directory string, poll time.Duration) error {
	mux := http.NewServeMux()
	mux.Handle("POST /predict", http.TimeoutHandler(http.HandlerFunc(s.predict), 5*time.Second, "it took too long"))
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	followed := make(chan error, 1)
	go func() { followed <- s.follow(ctx, directory, poll) }()
	served := make(chan error, 1)
	go func() { served <- h.Serve(listener) }()

	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served: // the listener is broken
		stop()
	case failed = <-followed: // the directory cannot be looked at
		stop()
		followed <- nil
	}
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(failed, h.Shutdown(last), <-followed)
}

func main() {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: serve DIRECTORY [ADDRESS]")
		os.Exit(2)
	}
	address := "127.0.0.1:8080"
	if len(os.Args) == 3 {
		address = os.Args[2]
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", address)
	if err == nil {
		err = newServer(slog.Default(), 8).serve(ctx, listener, os.Args[1], time.Second)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}
