"""What a tuning learns from: conversations in subsets, in an order that seed and place alone decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.models.cards import sha256_of
from rs_copilot.training.vlm.conversations import Example, read_conversations
from rs_copilot.training.vlm.sampling import Sampling, epoch_of, parse_subset

# Streams of random numbers.
_HELD_OUT, _EPOCHS = 1, 2


@dataclass(frozen=True)
class Subset:
    """Conversations of a file, and how much of them an epoch learns from."""

    name: str
    examples: tuple[Example, ...]
    sampling: Sampling


@dataclass(frozen=True)
class Material:
    """Subsets to learn from; ``held_out`` conversations are only measured on.

    ``is_apart``: whether the held-out ones are others than those that are learned. ``hashes`` are the SHA-256
    of the files by their names.
    """

    subsets: tuple[Subset, ...]
    held_out: tuple[Example, ...]
    is_apart: bool
    hashes: dict[str, str]

    @property
    def count(self) -> int:
        """Conversations of an epoch."""
        return len(self._epoch(0, 0))

    def order(self, seed: int, start: int = 0) -> Iterator[tuple[int, Example]]:
        """Conversations without end, from the one at place ``start`` on, each with its place."""
        epoch, place = divmod(start, self.count)
        number = start
        while True:
            for subset, row in self._epoch(seed, epoch)[place:]:
                yield number, self.subsets[subset].examples[row]
                number += 1
            epoch, place = epoch + 1, 0

    def _epoch(self, seed: int, epoch: int) -> np.ndarray:
        counts = [len(subset.examples) for subset in self.subsets]
        rng = np.random.default_rng([seed, _EPOCHS, epoch])
        return epoch_of(counts, [subset.sampling for subset in self.subsets], rng)


def read_material(
    files: Sequence[Path],
    subsets: Sequence[str],
    held_out: Sequence[Path],
    pictures: Path | None,
    share: float,
    seed: int,
    check: Callable[[], None],
) -> Material:
    """Read conversations, and put some aside to measure with.

    Args:
        files: with conversations; a subset is called like its file, without the ending.
        subsets: ``NAME``, ``NAME%PERCENT``, ``NAME*TIMES`` of those to learn from; all of all without any.
        held_out: files to measure with. Without any a share of each subset is put aside, and where that
            share is less than one conversation the first ones that are learned do.
        pictures: folder of the pictures, if not that of each file.
        share: how much is put aside.
        seed: of what is put aside.
        check: raises where the user asked to stop.

    Raises:
        UsageError: names that are not there, or there twice.
        BadInputError: a file cannot be read, a picture is not there, or there is nothing.
    """
    wanted = _samplings(files, subsets)
    read = {}
    for path in files:
        check()
        if path.stem in wanted:
            read[path.stem] = _read(path, pictures)
    measured = [example for path in held_out for example in _read(path, pictures)]
    apart = bool(measured)
    learned = []
    for number, (name, examples) in enumerate(read.items()):
        kept = (
            set() if apart else _aside(len(examples), share, np.random.default_rng([seed, _HELD_OUT, number]))
        )
        measured += [examples[row] for row in sorted(kept)]
        left = tuple(example for row, example in enumerate(examples) if row not in kept)
        learned.append(Subset(name, left, wanted[name]))
    if not any(subset.examples for subset in learned):
        raise BadInputError("The files hold no conversations to learn from.")
    own = [example for subset in learned for example in subset.examples]
    hashes = {
        path.name: sha256_of(path) for path in (*files, *held_out) if path in held_out or path.stem in wanted
    }
    return Material(tuple(learned), tuple(measured or own), bool(measured), hashes)


def _samplings(files: Sequence[Path], subsets: Sequence[str]) -> dict[str, Sampling]:
    names = [path.stem for path in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"Two files of data are called {twice[0]}.", hint="Rename one: subsets go by names.")
    wanted = dict(map(parse_subset, subsets)) if subsets else {name: Sampling() for name in names}
    unknown = sorted(wanted.keys() - set(names))
    if unknown:
        raise UsageError(f"No file of data is called {unknown[0]!r}; there are {', '.join(names)}.")
    if len(wanted) < len(subsets):
        raise UsageError("A subset is named twice.", hint="Say NAME*2 to learn one twice.")
    return wanted


def _read(path: Path, pictures: Path | None) -> list[Example]:
    examples = read_conversations(path, pictures)
    for example in examples:
        for stored in example.pictures:
            if isinstance(stored.source, Path) and not stored.source.is_file():
                raise BadInputError(
                    f"{path.name}: {example.key} shows {stored.source}, which is not there",
                    hint="Say with --pictures where the pictures are.",
                )
    return examples


def _aside(count: int, share: float, rng: np.random.Generator) -> set[int]:
    """Rows to measure with, never all of them."""
    return set(rng.permutation(count)[: min(int(count * share), count - 1)].tolist())
