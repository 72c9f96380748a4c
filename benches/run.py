"""Runs the benchmarks and prints their table. usage: run.py --programs DIR --data DIR [--write] [--tries N]

DIR holds what scripts/bench.sh built and what make.py made. Every figure compares by turns, in one run. A run during which
other processes took more than 0.3 of a core is void: it is repeated, and said to be void if it never gets quiet.
"""
import argparse
import dataclasses
import datetime
import os
import pathlib
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
MOST_OTHERS = 0.3   # cores
PATIENCE = 60       # seconds to wait for a quiet machine before each try
TURNS = 11
SLOW_TURNS = 7      # of what others take to write
DURABLE, NOT_DURABLE = 0, 2  # CKPT_DURABILITY_FULL, CKPT_DURABILITY_NONE
MIB = 1024          # in KiB, the unit of what is measured about memory


@dataclasses.dataclass
class Figure:
    """A line of the table."""
    name: str
    against: str        # what it is compared with
    today: str          # TensorFlow 2.21
    values: list        # a ratio or size for each turn
    target: float | None    # the most that is wanted; none for what is told for information
    unit: str           # " ×" or " MiB"
    ours: str = ""      # what the library took, in seconds
    theirs: str = ""    # what it is compared with took
    others: float | None = None  # competing CPU, in cores

    @property
    def void(self):
        return self.others is not None and self.others > MOST_OTHERS

    @property
    def verdict(self):
        # A size must not be exceeded once; a ratio is judged by its median.
        worst = max(self.values) if self.unit == " MiB" else statistics.median(self.values)
        return "void" if self.void else "" if self.target is None else "met" if worst <= self.target else "MISSED"

    def cells(self):
        show = ratio if self.unit == " ×" else "{:.1f}".format
        spread = f" ({show(min(self.values))} – {show(max(self.values))})" if len(self.values) > 1 else ""
        target = "–" if self.target is None else f"≤ {show(self.target)}{self.unit}"
        others = "–" if self.others is None else f"{self.others:.2f}"
        middle = show(statistics.median(self.values)) + self.unit
        return [self.name, self.today, self.against, self.theirs, self.ours, middle + spread, target, self.verdict, others]


HEADINGS = ["figure", "TensorFlow 2.21", "compared with", "that takes", "we take", "median (min – max)", "target", "",
            "others, cores"]


def ratio(value):
    return f"{value:.3g}" if value > 0.2 else f"1/{1 / value:.3g}"


def duration(seconds):
    middle = statistics.median(seconds)
    scale, unit = (1, "s") if middle >= 1 else (1e3, "ms") if middle >= 1e-3 else (1e6, "µs")
    return f"{middle * scale:.3g} {unit}"


# ---------------------------------------------------------------- a quiet machine


class Cpu:
    """Seconds of CPU that this process, its children and everything else have had until now."""

    def __init__(self):
        self.time = time.monotonic()
        # user, nice, system, irq, softirq, and what the hypervisor gave away
        fields = [int(n) for n in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        self.busy = sum(fields[i] for i in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        self.own = sum(u.ru_utime + u.ru_stime for u in usages)  # of children that have ended, as all have here
        self.kernel = kernel_threads()

    def others_since(self, before, writing=False):
        """In cores. What is written goes to the disk by the kernel's threads: while `writing`, they are not others."""
        others = self.busy - before.busy - (self.own - before.own)
        if writing:
            others -= sum(max(0, seconds - before.kernel.get(pid, 0)) for pid, seconds in self.kernel.items())
        return max(0.0, others / (self.time - before.time))


def kernel_threads():
    """Seconds of CPU of each thread of the kernel, by its number."""
    seconds = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if fields[1] == "2":  # the parent of them all
            seconds[path.parent.name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def wait_until_quiet():
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        before = Cpu()
        time.sleep(1)
        if Cpu().others_since(before) <= MOST_OTHERS / 2:
            break


def quietly(measure, writing=False):
    """What `measure` returned on the quietest of the tries, and how much CPU others took meanwhile."""
    best = None
    for _ in range(options.tries):
        os.sync()
        wait_until_quiet()
        before = Cpu()
        samples = measure()
        others = Cpu().others_since(before, writing)
        if best is None or others < best[1]:
            best = samples, others
        if others <= MOST_OTHERS:
            break
    return best


# ---------------------------------------------------------------- what is run


def program(name):
    return str(options.programs / name)


def data(name):
    return str(options.data / name)


def measure(*arguments):
    """The columns that programs/measure printed."""
    return columns(program("measure"), *arguments)


def columns(*command):
    run = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{command}: {run.stderr}")
    return list(zip(*([float(word) for word in line.split()] for line in run.stdout.splitlines())))


def first_and_again(*command):
    """Seconds that a fresh process takes to list a checkpoint, and then the median of doing it five times more."""
    run = subprocess.run(command, input=6 * "\n", capture_output=True, text=True, check=False)
    lines = [line.split() for line in run.stdout.splitlines()]
    if [count for _, count in lines] != 6 * ["20000"]:
        sys.exit(f"{command}: {run.stdout}\n{run.stderr}")
    seconds = [float(line[0]) for line in lines]
    return seconds[0], statistics.median(seconds[1:])


def ratios(ours, theirs):
    return [a / b for a, b in zip(ours, theirs)]


# ---------------------------------------------------------------- the figures


def listing():
    python = [sys.executable, str(HERE / "listing.py")]
    commands = [[program("measure"), "list", data("small")], [*python, "tensorflow", data("small")],
                [*python, "safetensors", data("small.safetensors")]]
    samples, others = quietly(lambda: [[first_and_again(*command) for command in commands] for _ in range(TURNS)])
    for again, name in enumerate(["open + list 20 000 tensors, first time", "the same, again"]):
        ours, tensorflow, safetensors = ([turn[again] for turn in column] for column in zip(*samples))
        for against, theirs, target in (("TensorFlow", tensorflow, 1 / 40), ("safetensors", safetensors, 1 / 8)):
            yield Figure(name, against, "–" if again else "131 ms", ratios(ours, theirs), None if again else target, " ×",
                         duration(ours), duration(theirs), others)


def small_reads():
    (raw, ours), others = quietly(lambda: measure("small", TURNS, 500, data("small")))
    name = "100 reads of 1 KiB by key"
    yield Figure(name, "pread(2)", "129 ×", ratios(ours, raw), 3, " ×", duration(ours), duration(raw), others)


def large_reads():
    (raw, one, two), others = quietly(lambda: measure("large", TURNS, data("large")))
    for threads, ours, target in (("2 threads", two, 0.8), ("1 thread", one, 1.2)):
        yield Figure(f"read 1 GiB, {threads}", "read(2), 1 thread", "1.9 ×", ratios(ours, raw), target, " ×", duration(ours),
                     duration(raw), others)


def fresh_process():
    number = 777  # TensorFlow stores the tensors in the order in which it was given them
    key = f"v/{number}/.ATTRIBUTES/VARIABLE_VALUE"
    pread = [program("one_pread"), data("small.data-00000-of-00001"), str(1024 * number)]
    shared, static = ([program(name), data("small"), key] for name in ("one_tensor", "one_tensor_static"))
    printed = {subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout for command in (pread, shared, static)}
    assert len(printed) == 1, printed
    commands = [*pread, "/", *shared, "/", *static]
    (raw, shared, static), others = quietly(lambda: measure("processes", TURNS, 100, *commands))
    name, against = "fresh process, one tensor of 20 000", "a pread(2) process"
    yield Figure(name, against, "1290 ×", ratios(shared, raw), 3, " ×", duration(shared), duration(raw), others)
    yield Figure(name + ", all static", against, "–", ratios(static, raw), None, " ×", duration(static), duration(raw), others)


def read_memory():
    grown = [max(turn) / MIB for turn in zip(*measure("read-memory", TURNS, data("large")))]
    yield Figure("memory for reading 1 GiB", "–", "+1057 MiB", grown, 8, " MiB")


def a_million():
    (small, large), others = quietly(lambda: measure("scale", TURNS, data("hundred_thousand"), data("million")))
    yield Figure("open + list 1 000 000 tensors", "100 000 tensors", "–", ratios(large, small), 13, " ×", duration(large),
                 duration(small), others)
    for name, count in (("hundred_thousand", "100 000"), ("million", "1 000 000")):
        grown = [measure("open-memory", data(name))[0][0] / MIB for _ in range(TURNS)]
        limit = 16 + 24 * os.path.getsize(data(name + ".index")) / 2**20
        yield Figure(f"memory for open + list {count}", "16 MiB + 24 × the index", "–", grown, limit, " MiB")


def written(*command):
    """What a program printed that writes to the directory that stands for DIR in its command, and the competing CPU."""
    with tempfile.TemporaryDirectory(dir=options.data) as directory:
        command = [directory if word == "DIR" else word for word in command]
        return quietly(lambda: columns(*command), writing=True)


def written_by_others(count, size):
    """What raw writes cost TensorFlow and safetensors, for the table."""
    (raw, *others), competing = written(sys.executable, HERE / "writing.py", SLOW_TURNS, "DIR", count, size)
    tensorflow, safetensors = (f"{ratio(statistics.median(ratios(seconds, raw)))} ×" for seconds in others)
    return f"{tensorflow}, safetensors {safetensors}" + (" (void)" if competing > MOST_OTHERS else "")


def large_writes():
    many, one = (64, 16 << 20), (1, 1 << 30)
    today = written_by_others(*many)
    grown = []
    for tensors, files, threads, skip, durability, target in (
        (many, 2, 2, 0, NOT_DURABLE, 0.75), (one, 1, 2, 0, NOT_DURABLE, 1), (many, 2, 1, 0, NOT_DURABLE, 1.2),
        (one, 1, 1, 0, NOT_DURABLE, 1.2), (many, 2, 2, 0, DURABLE, 0.85), (many, 2, 2, 64, DURABLE, 0.85),
        (one, 1, 2, 0, DURABLE, 1),
    ):
        command = [program("writing"), "raw", TURNS, 1, "DIR", *tensors, skip, files, threads, durability]
        (raw, ours, memory), others = written(*command)
        grown += [kib / MIB for kib in memory]
        name = f"write {tensors[0]} × {tensors[1] >> 20} MiB, {counted(files, 'file')}, {counted(threads, 'thread')}, "
        name += ("durable" if durability == DURABLE else "not durable") + (", memory not aligned" if skip else "")
        against = "write(2), fdatasync(2)" if durability == DURABLE else "write(2)"
        theirs = today if tensors == many and durability == NOT_DURABLE else "–"
        yield Figure(name, against, theirs, ratios(ours, raw), target, " ×", duration(ours), duration(raw), others)
    yield Figure("memory for any of these writes of 1 GiB", "–", "–", grown, 16, " MiB")


def small_writes():
    today = written_by_others(20_000, 1024)
    (raw, ours, memory), others = written(program("writing"), "raw", TURNS, 10, "DIR", 20_000, 1024, 0, 0, 0, NOT_DURABLE)
    name = "write 20 000 × 1 KiB by name, not durable"
    yield Figure(name, "write(2)", today, ratios(ours, raw), 5, " ×", duration(ours), duration(raw), others)
    yield Figure("memory for that", "–", "–", [kib / MIB for kib in memory], None, " MiB")
    (few, many), others = written(program("writing"), "scale", TURNS, "DIR", 100_000, 1_000_000)
    name = "write 1 000 000 × 1 KiB by name, not durable"
    yield Figure(name, "100 000 tensors", "–", ratios(many, few), 13, " ×", duration(many), duration(few), others)


def programs():
    node_count = 20_000 + 200 + 1  # variables, their parents, the root
    (written_raw, saved, read_raw, restored), others = written(program("programs"), "raw", TURNS, 3, "DIR", node_count, 1024)
    for what, ours, raw, call, today in (("save", saved, written_raw, "write(2)", "1230 ×"),
                                         ("restore", restored, read_raw, "read(2)", "2780 ×")):
        name = f"{what} a program of 20 000 × 1 KiB, not durable"
        yield Figure(name, call, today, ratios(ours, raw), 8, " ×", duration(ours), duration(raw), others)
    for again in (0, 1):
        command = [program("programs"), "scale", TURNS, "DIR", 100_000, 1_000_000, again]
        (few_saved, saved, few_restored, restored), others = written(*command)
        for what, many, few in (("save", saved, few_saved), ("restore", restored, few_restored)):
            name = f"{what} a program of 1 000 000 nodes" + (", again" if again else "")
            target = None if again else 13
            yield Figure(name, "100 000 nodes", "–", ratios(many, few), target, " ×", duration(many), duration(few), others)
    large_count = 64 + 1 + 1
    (read, restored), others = written(program("programs"), "large", TURNS, "DIR", large_count, 16 << 20)
    yield Figure("restore a program of 64 × 16 MiB", "the reader", "–", ratios(restored, read), 1.1, " ×", duration(restored),
                 duration(read), others)
    (floats, converted, grown), others = written(program("programs"), "converted", TURNS, "DIR", 64, 8 << 20)
    yield Figure("restore 1 GiB of bfloat16 into 2 GiB of float32", "2 GiB of float32", "–", ratios(converted, floats), 1.2, " ×",
                 duration(converted), duration(floats), others)
    yield Figure("memory for that", "–", "–", [kib / MIB for kib in grown], 8, " MiB")


def background():
    threads = os.cpu_count()
    for count, size in ((64, 16 << 20), (1, 1 << 30)):
        (copied, stalled), others = written(program("stall"), TURNS, "DIR", count, size, threads)
        name = f"stand still for saving {count} × {size >> 20} MiB in the background, {counted(threads, 'thread')}"
        yield Figure(name, "memcpy(3), as many threads", "–", ratios(stalled, copied), 1.1, " ×", duration(stalled), duration(copied), others)


def workers():
    for durability, target in ((NOT_DURABLE, 1.3), (DURABLE, 1.3)):
        (one, many), others = written(program("ranks"), "save", TURNS, "DIR", 4, 64, 16 << 20, durability)
        name = "save 64 × 16 MiB by 4 ranks, " + ("durable" if durability == DURABLE else "not durable")
        yield Figure(name, "one rank", "–", ratios(many, one), target, " ×", duration(many), duration(one), others)
    (index, merged), others = written(program("ranks"), "merge", TURNS, "DIR", 4, 20_000)
    yield Figure("merge 4 × 5 000 tensors, not durable", "writing 20 000", "–", ratios(merged, index), 5, " ×", duration(merged),
                 duration(index), others)


def bindings():
    for name, language, target in (("cost-cpp", "C++", 1.5), ("cost-go", "Go", 3), ("cost-cs", "C#", 3)):
        def cost():
            printed = subprocess.run([program(name)], stdout=subprocess.PIPE, text=True, check=True).stdout
            return re.search(rf"\bC ([\d.]+) us, {re.escape(language)} ([\d.]+) us", printed).groups()
        samples, others = quietly(lambda: [[float(word) / 1e6 for word in cost()] for _ in range(TURNS)])
        c, own = zip(*samples)
        yield Figure(f"100 reads of 1 KiB by key in {language}", "C", "–", ratios(own, c), target, " ×", duration(own), duration(c), others)


def counted(count, what):
    return f"{count} {what}{'' if count == 1 else 's'}"


def library_size():
    size = os.path.getsize(program("stripped.so")) / 2**20
    yield Figure("libcheckpoint.so, stripped", "–", "–", [size], 2, " MiB")


FIGURES = [listing, small_reads, large_reads, fresh_process, read_memory, a_million, large_writes, small_writes, programs,
           background, workers, bindings, library_size]

NOTES = f"""\
Each figure is the median of {TURNS} turns. A turn measures us and what we are compared with one after the other, and its ratio is one
value. *Others* is the CPU that other processes, the kernel and the hypervisor took meanwhile, in cores; above {MOST_OTHERS} a figure is
void. While files are written, the kernel's own threads, which bring them to the disk, are not among the others. Files that are read
are in the page cache. Reading takes one thread, unless the figure says otherwise; checksums are
compared. Memory is the growth of peak resident memory, judged by the largest value.

* **Open + list**: from opening to having seen every key, dtype and shape through the C ABI; of TensorFlow `load_checkpoint` and
  `get_variable_to_shape_map`, of safetensors `safe_open` and `get_slice(key).get_shape()` of all keys, both from Python, after their
  imports. Freeing is not timed. Each turn starts a process for each library. *First time* is the first listing in it, and *again*
  the median of the next five. Most of TensorFlow's first time is a full run of Python's garbage collector, which building the map
  sets off; later it strikes now and then.
* **100 reads**: finding 100 tensors by their keys and reading them into buffers, against as many `pread` calls for the same bytes; a
  turn is 500 rounds of both by turns, in one process, after a turn that warms up. The reader and the file are open.
* **Read 1 GiB**: 64 tensors of 16 MiB with one `ckpt_reader_read_many` into memory touched before, against `read` of the data file
  in chunks of 8 MiB into the same memory, in one process, after a turn that warms up.
* **Fresh process**: from before the fork until the process has ended: a C program that opens, finds, reads and prints a byte, against
  one that only opens the data file, reads the same 1 KiB and prints the same byte. A turn is 100 rounds. *All static* links `libcheckpoint.a` and
  the C library into the program.
* **Memory for reading**: beyond the buffers that are read into, with one thread, two, and the library's choice; the largest.
* **Write**: from before the writer is made, through adding each tensor from memory touched before, until `ckpt_writer_finish` has
  returned, against making a new file, `write` of the same memory in chunks of 8 MiB, and closing it; in one process, in the
  same directory, the two in changing order, after a turn that warms up. What was written is then removed and the file system synced,
  off the clock. *Durable* is `CKPT_DURABILITY_FULL` against one `fdatasync` before closing, *not durable* is
  `CKPT_DURABILITY_NONE` against none. Memory begins at a page, unless it is said not to be aligned: then 64 bytes after. The
  memory figure is the growth since before the library was first used, the largest of all these turns.
* **Write by name**: the same with threads and files as the library chooses, 10 rounds a turn against the raw write, one in the
  comparison of counts. Keys are made before.
* **A program**: a graph of a root, objects with 100 variables each, and the save counter, which is built before. *Save* and
  *restore* are one call each, `ckpt_checkpoint_save` and `ckpt_checkpoint_restore`, against `write` and `read` of all values in
  chunks of 8 MiB; 3 rounds a turn. Nodes are counted against each other with variables of 16 bytes; there large blocks of memory go
  back to the system when they are freed, as if each call were the first of its process. *Again*: the allocator keeps what fits its
  heap, and the smaller program spares the page faults that the larger one has. The reader is an open one, with one
  `ckpt_reader_read_many` into the same memory. *Of bfloat16*: 64 variables of float32, restored from a checkpoint of bfloat16 with
  exact conversion, against the same variables from one of float32, into the same memory, in changing order.
* **In the background**: from before `ckpt_checkpoint_save_async` until it returns, against copying the same memory with `memcpy` into memory touched before,
  each thread as much as the others, the two in changing order, after a turn that warms up and in which the library touches the memory of its copy.
  The values lie one after the other. What is written in the background is waited for, removed and synced off the clock.
* **By ranks**: from before rank 0 tells the others to begin until its `ckpt_checkpoint_write_ranked` returns, each rank a process with
  a quarter of the variables, against one process that saves all of them with `ckpt_checkpoint_write`; the two in changing order, after a
  turn that warms up. A rank that waits for the others sleeps. **Merge**: `ckpt_merge` of sections, against `ckpt_writer_finish` of one
  checkpoint of as many tensors of 4 bytes.
* **In C++, Go and C#**: finding and reading 100 tensors into memory that is there, through the binding and through C, by turns in
  one process; medians of its rounds (of C++ the fastest). A turn is a process. C# is on Mono.
* **TensorFlow and safetensors writing**: `tf.raw_ops.SaveV2` and `safetensors.numpy.save_file` against the same raw write from
  Python, {SLOW_TURNS} turns in the same run. Neither syncs, and safetensors makes no checksums.
* **TensorFlow 2.21**, of reading, is what TensorFlow takes for the same, on 2 cores of an AMD EPYC (Zen 4), as a time or against the
  same raw reads."""


def machine():
    cpu = next(line.split(": ")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 2**20
    where = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(options.data)]
    system = subprocess.run(where, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, {system}"


def commit():
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    changed = git("status", "--porcelain", "--", "src", "Cargo.toml", "Cargo.lock", "benches/*.[ch]", "benches/*.py")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def on_terminal(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def in_markdown(rows):
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0])] + lines[1:])


def main():
    for path in [path for pattern in ("small*", "large*", "*.index") for path in options.data.glob(pattern)]:
        subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True)  # into the page cache
    figures = []
    for make in FIGURES:
        for figure in make():
            figures.append(figure)
            print(" ".join(figure.cells()), file=sys.stderr)
    rows = [HEADINGS] + [figure.cells() for figure in figures]
    verdicts = [figure.verdict for figure in figures]
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    about = f"{date}, commit {commit()}. {machine()}."
    print(f"\n{on_terminal(rows)}\n\n{about}")
    if options.write and "void" in verdicts:
        print("The machine was not quiet enough: benches/RESULTS.md is left as it was.")
    elif options.write:
        text = f"# Benchmarks\n\nWritten by `scripts/bench.sh --write`: {about}\n\n{in_markdown(rows)}\n\n{NOTES}\n"
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    return "MISSED" in verdicts or "void" in verdicts


parser = argparse.ArgumentParser()
parser.add_argument("--programs", type=pathlib.Path, required=True)
parser.add_argument("--data", type=pathlib.Path, required=True)
parser.add_argument("--tries", type=int, default=5)
parser.add_argument("--write", action="store_true")
options = parser.parse_args()
sys.exit(main())
