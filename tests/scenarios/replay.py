#!/usr/bin/env python3
"""Has TensorFlow and libcheckpoint run the same random scenarios, and compares everything: each value bit for bit after each operation, each failure, each
assertion, each file byte for byte.

Scenarios have the seeds S, S + 1, …; --only replays one and prints it; --recorded those that make_scenarios.py wrote, without TensorFlow. Every
scenario is run by the mended TensorFlow of quirks.py; where it met no quirk, that is TensorFlow, which one scenario in ten shows by running both.
What differs is made smaller as long as it differs, and printed.
"""
import argparse
import collections
import functools
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback

import compare
import histories
import library_world

# Scenarios that one process replays before it says what it found.
PART = 100


class Finding(Exception):
    """Something that must not be, told in lines."""


def run_mended(scenario, directory):
    """Outcomes, files and the quirks that were met."""
    import quirks
    import tensorflow_world
    met = []

    class World(quirks.Mended):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.met = met
    return *tensorflow_world.run(scenario, directory, World), met


def difference(scenario, directory):
    """What differs, in lines, or nothing; and the quirks that were met."""
    shutil.rmtree(directory, ignore_errors=True)
    theirs, their_files, met = run_mended(scenario, os.path.join(directory, "theirs"))
    ours, our_files = library_world.run(scenario, os.path.join(directory, "ours"), their_files)
    where = compare.outcomes(theirs, ours)
    lines = []
    if where:
        lines = told(scenario, where, theirs, ours, met)
    else:
        file = compare.files(their_files, our_files)
        if file:
            lines = [f"the files {file} differ"]
    shutil.rmtree(directory, ignore_errors=True)
    return lines, met


def told(scenario, where, theirs, ours, met):
    """The first operation of which the outcomes differ, in lines."""
    program, number = where
    quirks_met = f" (mended: {', '.join(sorted(set(met)))})" if met else ""
    return [f"{program}.{number} {histories.line(scenario['programs'][program][number])}", f"  TensorFlow{quirks_met}: {theirs[program][number]}",
            f"  libcheckpoint: {ours[program][number]}"]


def is_inert(scenario, directory):
    """Whether the mended TensorFlow that met no quirk came to what TensorFlow came to."""
    import tensorflow_world
    plain, plain_files = tensorflow_world.run(scenario, os.path.join(directory, "plain"))
    mended, mended_files, met = run_mended(scenario, os.path.join(directory, "mended"))
    same = met or (without_paths(plain) == without_paths(mended) and not compare.files(plain_files, mended_files))
    shutil.rmtree(directory, ignore_errors=True)
    return same


def without_paths(outcomes):
    """Messages name files, and objects by their addresses."""
    def kind(error):
        return error if error is True else error[0]
    return [[{**o, "error": o.get("error", [None])[0], "verdict": {name: kind(v) for name, v in o.get("verdict", {}).items()}} for o in program]
            for program in outcomes]


def smaller(scenario, still):
    """Leaves out programs and operations as long as `still` says so."""
    def with_programs(programs):
        return {**scenario, "programs": programs}
    programs = scenario["programs"]
    for p in range(len(programs) - 1, -1, -1):
        if len(programs) > 1 and still(with_programs(programs[:p] + programs[p + 1:])):
            programs = programs[:p] + programs[p + 1:]
    size = max(map(len, programs)) // 2
    while size:
        left_out = False
        for p in range(len(programs)):
            start = len(programs[p])
            while start > 0:
                start = max(0, start - size)
                rest = programs[p][:start] + programs[p][start + size:]
                if still(with_programs(programs[:p] + [rest] + programs[p + 1:])):
                    programs = programs[:p] + [rest] + programs[p + 1:]
                    left_out = True
        size = size if left_out and size == 1 else size // 2
    return with_programs(programs)


def check(scenario, directory):
    """Fails with a Finding where the two differ; else says which quirks were met."""
    lines, met = difference(scenario, directory)
    if lines:
        scenario = smaller(scenario, lambda s: bool(difference(s, directory)[0]))
        lines, _ = difference(scenario, directory)
        raise Finding("\n".join([f"scenario {scenario['seed']} ({', '.join(scenario['features'])})", histories.text(scenario), *lines]))
    if not met and scenario["seed"] % 10 == 0 and not is_inert(scenario, directory):
        raise Finding(f"scenario {scenario['seed']}: no quirk was met, but TensorFlow as it is and as mended differ")
    return met


def scratch():
    """A place for files that need not last: in memory, if the system has one for that."""
    return tempfile.mkdtemp(prefix="checkpoint-scenarios-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def replay(seeds, keep_going=False):
    """Replays the scenarios of these seeds: the findings, and how often each quirk was met."""
    directory, findings, met = scratch(), [], collections.Counter()
    try:
        for seed in seeds:
            try:
                met.update(set(check(histories.scenario(seed), os.path.join(directory, "one"))))
            except Finding as finding:
                findings.append(str(finding))
            except Exception:  # of this driver itself
                findings.append(f"scenario {seed}\n{traceback.format_exc()}")
            if findings and not keep_going:
                break
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return findings, met


def replay_many(seeds, jobs, keep_going=False, say=print):
    """The same in several processes, in parts; says findings as they come. Their number, and how often each quirk was met."""
    parts = [seeds[i:i + PART] for i in range(0, len(seeds), PART)]
    count, done, met = 0, 0, collections.Counter()
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(parts)), maxtasksperchild=20) as pool:
        for part, (findings, quirks_met) in zip(parts, pool.imap(functools.partial(replay, keep_going=keep_going), parts)):
            for finding in findings:
                say(finding + "\n")
            count, done = count + len(findings), done + len(part)
            met.update(quirks_met)
            if count and not keep_going:
                break
            if len(parts) > 40 and done % (20 * PART) == 0:
                say(f"{done} scenarios, {count} findings")
    return count, met


def replay_recorded(directory):
    """Replays what make_scenarios.py recorded; the number of findings."""
    with open(os.path.join(directory, "scenarios.json")) as file:
        recorded = json.load(file)["scenarios"]
    place, count = scratch(), 0
    try:
        for entry in recorded:
            files = {name: os.path.join(directory, path) for name, path in entry["files"].items()}
            ours, our_files = library_world.run(entry, os.path.join(place, str(entry["seed"])), files)
            where = compare.outcomes(entry["outcomes"], ours)
            if where:
                count += 1
                print("\n".join([f"scenario {entry['seed']}", histories.text(entry), *told(entry, where, entry["outcomes"], ours, entry["quirks"])]))
            elif compare.files(files, our_files):
                count += 1
                print(f"scenario {entry['seed']}\n{histories.text(entry)}\nthe files {compare.files(files, our_files)} differ")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(f"{len(recorded)} recorded scenarios, {count} findings")
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("CKPT_SEED") or random.SystemRandom().randrange(2**40)))
    parser.add_argument("--only", type=int, metavar="SEED")
    parser.add_argument("--recorded", metavar="DIRECTORY")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep-going", action="store_true", help="do not end at the first finding")
    arguments = parser.parse_args()
    if arguments.recorded:
        sys.exit(1 if replay_recorded(arguments.recorded) else 0)
    if arguments.only is not None:
        print(histories.text(histories.scenario(arguments.only)))
        findings, met = replay([arguments.only])
        print("\n".join(findings) or "no difference", f"\nquirks met: {', '.join(met) or 'none'}")
        sys.exit(1 if findings else 0)
    print(f"{arguments.count} scenarios from seed {arguments.seed}", flush=True)
    start = time.monotonic()
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    count, met = replay_many(seeds, arguments.jobs, arguments.keep_going, lambda text: print(text, flush=True))
    print(f"{count} findings in {time.monotonic() - start:.1f} s; quirks met, in as many scenarios: {dict(met.most_common())}")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
