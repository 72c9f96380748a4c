"""Whether two runs of a scenario came to the same: outcome by outcome, and the files that they wrote byte by byte."""
import os

# What TensorFlow fails with (class, part of the message) and the codes that the library has for
# that.
CODES = [
    ("ValueError", "is already declared as a dependency", {"ALREADY_EXISTS"}),
    ("ValueError", "Cannot create a Checkpoint with keyword argument", {"ALREADY_EXISTS"}),
    ("ValueError", "the variable has a slot", {"ALREADY_EXISTS"}),
    ("ValueError", "Received incompatible tensor with shape", {"INVALID_ARGUMENT"}),
    ("ValueError", "is not a valid checkpoint", {"NOT_FOUND"}),
    ("ValueError", "Unable to save the object", {"FAILED_PRECONDITION"}),
    ("ValueError", "the root has an edge", {"FAILED_PRECONDITION"}),
    ("NotImplementedError", "slot variable", {"FAILED_PRECONDITION"}),
    ("NotImplementedError", "only variables with no dependencies can be saved as slot variables", {"FAILED_PRECONDITION"}),
    ("InvalidArgumentError", "does not equal original dtype", {"INVALID_ARGUMENT"}),
    ("InvalidArgumentError", "Expected to restore a tensor of type", {"INVALID_ARGUMENT"}),
    ("InvalidArgumentError", "Trying to assign variable with wrong dtype", {"INVALID_ARGUMENT"}),
    ("NotFoundError", "", {"NOT_FOUND"}),
    # TensorFlow gives states their value before it looks whether the keys of other objects are
    # there.
    ("TypeError", "the state is no string", {"INVALID_ARGUMENT", "NOT_FOUND"}),
    ("AttributeError", "", {"NOT_FOUND"}),  # del object.name
    ("KeyError", "", {"NOT_FOUND"}),  # del dictionary[key]
    ("IndexError", "", {"OUT_OF_RANGE"}),
    ("AssertionError", "", {"FAILED_PRECONDITION"}),
]


def codes(error):
    kind, message = error[:2]
    for known, part, codes in CODES:
        if kind == known and part in message:
            return codes
    return {f"none known for {kind}"}


def same_error(theirs, ours):
    if theirs is None or ours is None or theirs is True or ours is True:
        return theirs == ours
    return ours[0] in codes(theirs)


def same(theirs, ours):
    """Outcomes of one operation."""
    if {**theirs, "error": None, "verdict": None} != {**ours, "error": None, "verdict": None}:
        return False
    verdicts = theirs.get("verdict", {}), ours.get("verdict", {})
    return same_error(theirs.get("error"), ours.get("error")) and all(same_error(verdicts[0][name], verdicts[1].get(name)) for name in verdicts[0])


def outcomes(theirs, ours):
    """The first operation that differs: number of the program and of the operation; or nothing."""
    for program, (a, b) in enumerate(zip(theirs, ours, strict=True)):
        for number, (x, y) in enumerate(zip(a, b, strict=True)):
            if not same(x, y):
                return program, number
    return None


def files(theirs, ours):
    """The first file that differs, of the checkpoints that both wrote."""
    for name in theirs:
        if ours.get(name, theirs[name]) == theirs[name]:
            continue  # of which there is one only
        for suffix in ("", ".index", ".data-00000-of-00001"):
            if content(theirs[name] + suffix) != content(ours[name] + suffix):
                return os.path.basename(theirs[name]) + suffix
    return None


def content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
