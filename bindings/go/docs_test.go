//go:build cgo

package checkpoint

import (
	"os"
	"strings"
	"testing"
)

// TestSnippetsOfThePageAreTheExamples compares docs/go.md with the examples.
func TestSnippetsOfThePageAreTheExamples(t *testing.T) {
	examples := string(must(os.ReadFile("example_test.go"))(t)) + string(must(os.ReadFile("example_types_test.go"))(t))
	source := strings.Split(examples, "\n")
	page := string(must(os.ReadFile("../../docs/go.md"))(t))
	var snippets int
	for i := 0; i < len(source); i++ {
		line := strings.TrimLeft(source[i], "\t")
		if !strings.HasPrefix(line, "// begin: ") {
			continue
		}
		indent := source[i][:len(source[i])-len(line)]
		var snippet []string
		for i++; strings.TrimSpace(source[i]) != "// end"; i++ {
			snippet = append(snippet, strings.ReplaceAll(strings.TrimPrefix(source[i], indent), "\t", "    "))
		}
		snippets++
		if fence := "```go\n" + strings.TrimSpace(strings.Join(snippet, "\n")) + "\n```\n"; !strings.Contains(page, fence) {
			t.Errorf("docs/go.md has not:\n%s", fence)
		}
	}
	equal(t, strings.Count(page, "```go\n"), snippets)
}
