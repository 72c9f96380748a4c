package checkpoint

// #include "callbacks.h"
import "C"

import (
	"context"
	"errors"
	"unsafe"
)

// Ranks are the processes that save a checkpoint together, as one of them sees them. Rank 0 merges
// and publishes what all have written. All of them make the same calls in the same order. The
// functions are called while the graph is locked, and must not call it; how long to wait for the
// others is theirs to say.
type Ranks interface {
	Rank() int  // the own one, from 0 on
	Count() int // how many there are

	// Gather sends a message to rank 0. There it gives those of all ranks, nil for one that did not
	// come in time; what the others give is not looked at. An error ends the save on this rank with
	// Unavailable.
	Gather(message []byte) ([][]byte, error)

	// Broadcast gives everybody the message of rank 0; that of the others is empty.
	Broadcast(message []byte) ([]byte, error)
}

// ranksOf makes what C calls instead of a program's ranks.
func ranksOf(ranks Ranks) (*C.ckpt_ranks, error) {
	if ranks == nil {
		return nil, argument("the ranks are nil")
	}
	if ranks.Rank() < 0 || ranks.Count() < 1 {
		return nil, argument("there is no such rank")
	}
	var made *C.ckpt_ranks
	var e *C.ckpt_error
	C.go_ranks_new(C.uint32_t(ranks.Rank()), C.uint32_t(ranks.Count()), newValue(&callbackValue{value: ranks}), &made, &e)
	return made, takeError(e)
}

// ranked has several ranks save together.
func (c *Checkpoint) ranked(
	ctx context.Context, prefix string, ranks Ranks, options *SaveOptions,
	f func(*C.ckpt_checkpoint, *C.char, *C.ckpt_ranks, *C.ckpt_save_options, **C.ckpt_string, **C.ckpt_error) C.ckpt_code,
) (string, error) {
	s, free, err := path(prefix)
	if err != nil {
		return "", err
	}
	defer free()
	made, err := ranksOf(ranks)
	if err != nil {
		return "", err
	}
	defer C.ckpt_ranks_free(made)
	return c.save(ctx, options,
		func(p *C.ckpt_checkpoint, o *C.ckpt_save_options, saved **C.ckpt_string, e **C.ckpt_error) C.ckpt_code {
			return f(p, s, made, o, saved, e)
		})
}

// SaveRanked counts and writes the checkpoint prefix-COUNT together with other ranks, as
// WriteRanked does, and has the directory's state file name it. The count is that of rank 0, and
// the others' after that. It gives the path.
func (c *Checkpoint) SaveRanked(ctx context.Context, prefix string, ranks Ranks, options *SaveOptions) (string, error) {
	return c.ranked(ctx, prefix, ranks, options, func(p *C.ckpt_checkpoint, s *C.char, r *C.ckpt_ranks, o *C.ckpt_save_options,
		saved **C.ckpt_string, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_save_ranked(p, s, r, o, saved, e)
	})
}

// WriteRanked writes the checkpoint prefix together with other ranks, neither counting nor telling
// the state file. Each rank has a checkpoint of a graph of its own; an object of the file is what
// the same edges lead to in any of them. What several have is written by the first of them; parts
// of a tensor (Part) by whoever has them.
//
// Nothing is published unless all have written their sections; each call then returns the same.
// ReasonRank says that a rank, which is named, failed or did not come, or that ranks do not fit
// together.
func (c *Checkpoint) WriteRanked(ctx context.Context, prefix string, ranks Ranks, options *SaveOptions) (string, error) {
	return c.ranked(ctx, prefix, ranks, options, func(p *C.ckpt_checkpoint, s *C.char, r *C.ckpt_ranks, o *C.ckpt_save_options,
		saved **C.ckpt_string, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_write_ranked(p, s, r, o, saved, e)
	})
}

// WriteSection writes the own section of a checkpoint, prefix.section-RANK-of-COUNT, to be merged
// with those of the other ranks later (Merge). The prefix may be on a disk of the rank's own. It
// gives the path of the section.
func (c *Checkpoint) WriteSection(ctx context.Context, prefix string, ranks Ranks, options *SaveOptions) (string, error) {
	return c.ranked(ctx, prefix, ranks, options, func(p *C.ckpt_checkpoint, s *C.char, r *C.ckpt_ranks, o *C.ckpt_save_options,
		saved **C.ckpt_string, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_write_section(p, s, r, o, saved, e)
	})
}

// SaveRanked saves a checkpoint together with other ranks, as Save and Checkpoint.SaveRanked do.
// Each rank has a manager of the same directory with the same options; only that of rank 0 takes
// its lock, numbers, records and removes. That it is too early each rank finds by itself, so that
// all must be given the same steps.
func (m *Manager) SaveRanked(ctx context.Context, ranks Ranks, options *ManagerSaveOptions) (string, error) {
	r, err := ranksOf(ranks)
	if err != nil {
		return "", err
	}
	defer C.ckpt_ranks_free(r)
	return m.save(ctx, options,
		func(p *C.ckpt_manager, o *C.ckpt_manager_save_options, saved **C.ckpt_string, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_manager_save_ranked(p, r, o, saved, e)
		})
}

// putMessage copies a message to where C takes it.
func putMessage(messages *C.ckpt_messages, rank int, message []byte) error {
	var e *C.ckpt_error
	b, size := memory(message)
	C.go_messages_put(messages, C.uint32_t(rank), b, size, &e)
	return takeError(e)
}

//export goGather
func goGather(value C.go_value, message unsafe.Pointer, size C.size_t, messages *C.ckpt_messages, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		all, err := g.value.(Ranks).Gather(unsafe.Slice((*byte)(message), int(size)))
		for rank, message := range all {
			if err == nil && message != nil {
				err = putMessage(messages, rank, message)
			}
		}
		return err
	})
}

//export goBroadcast
func goBroadcast(value C.go_value, message unsafe.Pointer, size C.size_t, messages *C.ckpt_messages, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		ranks := g.value.(Ranks)
		told, err := ranks.Broadcast(unsafe.Slice((*byte)(message), int(size)))
		if err != nil || ranks.Rank() == 0 {
			return err
		}
		if told == nil {
			return errors.New("no message was broadcast")
		}
		return putMessage(messages, 0, told)
	})
}
