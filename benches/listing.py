"""For each line on stdin opens a checkpoint and looks at every key and shape: prints the seconds and the number of keys.

usage: listing.py tensorflow|safetensors PATH
"""
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
library, path = sys.argv[1:]

if library == "tensorflow":
    import tensorflow as tf

    def listed():
        reader = tf.train.load_checkpoint(path)
        return reader, reader.get_variable_to_shape_map()
else:
    from safetensors import safe_open

    def listed():
        reader = safe_open(path, "np")
        return reader, {key: reader.get_slice(key).get_shape() for key in reader.keys()}

for _ in sys.stdin:
    start = time.perf_counter()
    reader, shapes = listed()
    seconds = time.perf_counter() - start
    print(seconds, len(shapes), flush=True)
    del reader, shapes
