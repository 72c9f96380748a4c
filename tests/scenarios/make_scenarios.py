#!/usr/bin/env python3
"""Has TensorFlow run random scenarios and records all of it: make_scenarios.py DIRECTORY COUNT SEED.

DIRECTORY/scenarios.json has the programs (histories.py says what operations mean), the outcome of each operation (world.py), the checkpoints, which lie in
DIRECTORY, and the quirks that were met: outcomes are then those of TensorFlow as quirks.py mends it. `replay.py --recorded DIRECTORY` has the library replay it.
"""
import json
import os
import sys

import histories
import replay
from tensorflow_world import tf


def record(seed, directory):
    scenario = histories.scenario(seed)
    outcomes, files, met = replay.run_mended(scenario, os.path.join(directory, str(seed)))
    paths = {name: os.path.relpath(path, directory) for name, path in files.items()}
    return {**scenario, "outcomes": outcomes, "files": paths, "quirks": sorted(set(met))}


def main():
    directory, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.makedirs(directory, exist_ok=True)
    rows = [record(s, directory) for s in range(seed, seed + count)]
    with open(os.path.join(directory, "scenarios.json"), "w") as file:
        json.dump({"tensorflow": tf.__version__, "scenarios": rows}, file)
    outcomes = [(op["op"], o) for row in rows for ops, os_ in zip(row["programs"], row["outcomes"]) for op, o in zip(ops, os_)]
    restores = [o for op, o in outcomes if op in ("restore", "read") and "skipped" not in o]
    print(f"{count} scenarios with {len(outcomes)} operations, {sum('error' in o for _, o in outcomes)} of them fail; {len(restores)} restores, "
          f"{sum('changed' in o for o in restores)} of them assign at once; {sum(bool(row['quirks']) for row in rows)} scenarios met a quirk")


if __name__ == "__main__":
    main()
