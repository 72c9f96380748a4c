//go:build cgo

package checkpoint

import (
	"context"
	"log/slog"
	"strings"
)

// LogTo gives a function for the Log of options that writes what it hears to a logger, at the level
// of its severity, as the program's own messages: "checkpoint" is the value of its "library"
// attribute.
//
//	checkpoint.OpenOptions{Log: checkpoint.LogTo(slog.Default())}
func LogTo(logger *slog.Logger) func(Severity, string) {
	if logger == nil {
		return nil
	}
	logger = logger.With("library", "checkpoint")
	return func(severity Severity, text string) { logger.Log(context.Background(), severity.Level(), text) }
}

// Level gives the level of a severity: a slog.Leveler.
func (x Severity) Level() slog.Level {
	switch x {
	case SeverityError:
		return slog.LevelError
	case SeverityWarning:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// LogValue gives the parts of an error as a group: what is empty is left out.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.Value{}
	}
	parts := []slog.Attr{slog.String("message", e.Message), slog.String("code", e.Code.String())}
	if e.Reason != ReasonNone {
		parts = append(parts, slog.String("reason", e.Reason.String()))
	}
	for _, part := range []struct{ name, text string }{
		{"file", e.File}, {"tensor", e.Tensor}, {"expected", e.Expected}, {"found", e.Found},
	} {
		if part.text != "" {
			parts = append(parts, slog.String(part.name, part.text))
		}
	}
	if e.Errno != 0 {
		parts = append(parts, slog.Int("errno", int(e.Errno)))
	}
	return slog.GroupValue(parts...)
}

// LogValue gives how many rows of a report there are of each state.
func (r *Report) LogValue() slog.Value {
	if r == nil {
		return slog.Value{}
	}
	var parts []slog.Attr
	seen := map[RowState]bool{}
	for _, row := range r.Rows {
		if !seen[row.State] {
			seen[row.State] = true
			parts = append(parts, slog.Int(strings.ReplaceAll(row.State.String(), " ", "_"), r.counts[row.State]))
		}
	}
	return slog.GroupValue(parts...)
}

// LogValue gives what a row says: what is empty is left out.
func (r Row) LogValue() slog.Value {
	parts := []slog.Attr{slog.String("key", r.Key), slog.String("state", r.State.String())}
	if r.SavedShape != nil {
		parts = append(parts, slog.String("saved_dtype", r.SavedDType.String()), slog.Any("saved_shape", r.SavedShape))
	}
	if r.ProgramShape != nil {
		parts = append(parts, slog.String("program_dtype", r.ProgramDType.String()), slog.Any("program_shape", r.ProgramShape))
	}
	if r.Candidate != "" {
		parts = append(parts, slog.String("candidate", r.Candidate))
	}
	if r.Detail != "" {
		parts = append(parts, slog.String("detail", r.Detail))
	}
	return slog.GroupValue(parts...)
}

// LogValue gives the prefix and the number of tensors.
func (r *Reader) LogValue() slog.Value {
	if r == nil || r.handle == nil {
		return slog.Value{}
	}
	return slog.GroupValue(slog.String("prefix", r.Prefix()), slog.Int("tensors", r.Len()))
}

// String gives the key, the type and the shape.
func (t Tensor) String() string {
	return t.key + " " + t.dtype.String() + " " + shapeText(t.shape)
}

// LogValue gives the key, the type and the shape.
func (t Tensor) LogValue() slog.Value {
	return slog.GroupValue(slog.String("key", t.key), slog.String("dtype", t.dtype.String()), slog.Any("shape", t.Shape()))
}
