"""Restores the latest checkpoint of each directory with TensorFlow, and compares it with the same training in NumPy.

usage: values.py DIRECTORY... STEP
"""
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="")

import numpy as np
import tensorflow as tf

ROWS, COLUMNS = 1003, 64


def trained(steps):
    place = np.arange(ROWS * COLUMNS, dtype=np.int64)
    table = momentum = np.zeros(ROWS * COLUMNS, np.float32)
    for step in range(1, steps + 1):
        gradient = ((place * 7 + step * 13) % 101).astype(np.float32) / np.float32(101) - table
        momentum = momentum * np.float32(0.5) + gradient
        table = table + np.float32(0.125) * momentum
    return table.reshape(ROWS, COLUMNS), momentum.reshape(ROWS, COLUMNS)


def main(*arguments):
    *directories, step = arguments
    expected = trained(int(step))
    for directory in directories:
        latest = tf.train.latest_checkpoint(directory)
        table, step_read = tf.Variable(tf.zeros((ROWS, COLUMNS))), tf.Variable(0, dtype=tf.int64)
        tf.train.Checkpoint(table=table, step=step_read).restore(latest).assert_existing_objects_matched().expect_partial()
        momentum = tf.train.load_variable(latest, "table/.OPTIMIZER_SLOT/optimizer/momentum/.ATTRIBUTES/VARIABLE_VALUE")
        assert step_read.numpy() == int(step), (latest, step_read.numpy())
        for name, found, wanted in (("table", table.numpy(), expected[0]), ("momentum", momentum, expected[1])):
            assert np.allclose(found, wanted, rtol=1e-5, atol=1e-6), (latest, name, np.abs(found - wanted).max())
        print(f"TensorFlow restores {latest}: step {step}, {ROWS} rows of {COLUMNS}")


main(*sys.argv[1:])
