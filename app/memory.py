"""What a process has loaded, out of the garbage collector's way."""

import gc


def keep_loaded() -> None:
    """Call once, when a process is put together and before it serves.

    Modules, schemas and the model stay until the process ends. A full collection that looks at them all the same stops
    everything for 0.2 s: each request and each call that is held.
    """
    gc.collect()
    gc.freeze()
