"""Whether this process is one of many that work on the same run, started together by torchrun or accelerate launch."""

import os


def processes() -> int:
    """How many there are; 1 if none started this one along with others."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def place() -> int:
    """This one's number among them, from 0. Only number 0 writes."""
    return int(os.environ.get("RANK", "0"))


def local_place() -> int:
    """This one's number among those on its machine, from 0: which of the machine's devices is its own."""
    return int(os.environ.get("LOCAL_RANK", "0"))
