"""A chat turn with one tool call and a model that answers instantly."""

from benchmarks.report import Figure


def run(*, full: bool, tiny: bool = False) -> list[Figure]:
    # Not above: the contestants are modules of this package, and none is to import what only another needs.
    from benchmarks.chat.figures import measure

    return measure(full=full, tiny=tiny)
