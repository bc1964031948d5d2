"""A vision-language model in this process, behind the interface of every model (`vlm.backend.Backend`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rs_copilot.errors import BadInputError, CancelledError, OutOfMemoryError
from rs_copilot.learned.vlm.batches import speak_together
from rs_copilot.learned.vlm.forms import Forms
from rs_copilot.learned.vlm.forward import Cache, Forward, Tensor, cut_cache
from rs_copilot.learned.vlm.memory import free_unused, is_out_of_memory
from rs_copilot.learned.vlm.speech import Speech, begin
from rs_copilot.learned.vlm.transcript import IntArray, Scribe, Transcript, known_prefix
from rs_copilot.vlm.backend import Conversation, Decoding, Reply, Stop, Usage, never, unheard
from rs_copilot.vlm.families import Family

# Shares of the pixels that a picture might have, tried in turn where memory is short.
SHARES = (1.0, 0.25, 0.0625)
# Conversations that are answered together, and their tokens.
BATCH, BATCH_TOKENS = 8, 16384
HINT_MEMORY = (
    "Show smaller pictures or fewer of them, close other programs, or choose a smaller model or 4 bits."
)


@dataclass
class Kept:
    """What is known of the last conversation: keys and values of its first ``len(marks)`` tokens."""

    marks: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    cache: Cache = None


@dataclass
class LocalBackend:
    """A model of the Qwen-VL kind on this machine. One thread at a time may ask.

    ``offload`` moves weights out of the device's memory, once; ``share`` is what pictures are scaled down to
    after memory was short; ``notes`` go with every answer; ``hashed`` gives the hash of the weights.
    """

    model: str
    hashed: Callable[[], str] = field(repr=False)
    family: Family
    device: str
    precision: str
    scribe: Scribe = field(repr=False)
    forward: Forward = field(repr=False)
    ends: frozenset[int] = field(repr=False)
    most_tokens: int
    offload: Callable[[], None] | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    sends_to: str | None = None
    share: float = SHARES[0]
    batch: int = BATCH
    _kept: Kept = field(default_factory=Kept, repr=False)

    @cached_property
    def _forms(self) -> Forms:
        return Forms(self.scribe.tokenizer, self.forward.n_words, self.ends)

    @property
    def sha256(self) -> str | None:
        """Hash of the weights, with those of an adapter."""
        return self.hashed()

    def reply(
        self,
        conversation: Conversation,
        decoding: Decoding,
        on_text: Callable[[str], None] = unheard,
        is_cancelled: Callable[[], bool] = never,
    ) -> Reply:
        """The answer to the last message; see `Backend.reply`."""
        import torch

        started = time.monotonic()
        speech = begin(decoding, self.scribe.tokenizer, self.ends, on_text, forms=self._forms)
        has_pictures = any(message.pictures for message in conversation)
        may_only_forget = len(self._kept.marks) + self.forward.features.n_bytes > 0
        while True:
            try:
                with torch.inference_mode():
                    return self._answer(conversation, speech, is_cancelled, started)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error).partition("\n")[0]
            # Not in the handler: there the error still holds what the failed step had made.
            self._forget()
            if not may_only_forget:
                # A place in a picture that was said already must not change its meaning.
                self._make_room(reason, may_shrink=has_pictures and not speech.ids)
            may_only_forget = False

    def reply_all(
        self,
        conversations: Sequence[Conversation],
        decoding: Decoding,
        is_cancelled: Callable[[], bool] = never,
    ) -> list[Reply]:
        """Answers to several conversations; see `Backend.reply_all`."""
        replies: list[Reply] = []
        while len(replies) < len(conversations):
            group = self._group(conversations[len(replies) :])
            if len(group) == 1:
                replies.append(self.reply(group[0], decoding, unheard, is_cancelled))
            else:
                replies += self._reply_group(group, decoding, is_cancelled)
        return replies

    def close(self) -> None:
        """Give back the memory."""
        self._forget()
        # Whoever still holds this object must not hold the weights with it.
        self.forward.network = None
        self.offload = None
        free_unused()

    def _answer(
        self, conversation: Conversation, speech: Speech, is_cancelled: Callable[[], bool], started: float
    ) -> Reply:
        """One attempt; a second one goes on with the words that were said in the first."""
        transcript = self.scribe.write(conversation, self.share)
        self._check_room(transcript, speech.decoding)
        script = transcript.followed_by(speech.ids)
        known = self._recall(script)
        first_s = 0.0
        try:
            scores = self._read(script, known, is_cancelled)
            for _ in self._words(script, scores, speech, is_cancelled):
                first_s = first_s or time.monotonic() - started
        except CancelledError:
            if not is_cancelled():
                raise
            speech.end(Stop.CANCELLED)
        return self._reply_of(transcript, speech, known, first_s, time.monotonic() - started)

    def _recall(self, script: Transcript) -> int:
        """How many tokens at the start are known; the last one is always read, for what comes after it."""
        known = min(known_prefix(self._kept.marks, script.marks), len(script.ids) - 1)
        if not known or self._kept.cache is None:
            self._kept = Kept(cache=self.forward.new_cache())
            return 0
        self._keep(script.marks, known)
        return known

    def _keep(self, marks: IntArray, length: int) -> None:
        cut_cache(self._kept.cache, length)
        self._kept.marks = marks[:length]

    def _read(self, script: Transcript, known: int, is_cancelled: Callable[[], bool]) -> Tensor:
        """Scores ``(1, words)`` of the first word."""
        read = known
        try:
            for length, scores in self.forward.read([script], self._kept.cache, known, is_cancelled):
                read, last = length, scores
        finally:
            self._keep(script.marks, read)
        return last

    def _words(
        self, script: Transcript, scores: Tensor, speech: Speech, is_cancelled: Callable[[], bool]
    ) -> Iterator[int]:
        """Words one after the other; several steps of the network are one where guesses come true."""
        ids = [int(number) for number in script.ids]
        delta = self.forward.positions(script)[1]
        length, at = len(ids), 0
        ahead: list[int] = []
        is_greedy = speech.decoding.temperature <= 0.0
        try:
            while not is_cancelled():
                number = speech.hear(scores[at])
                yield number or 0
                if number is None:
                    return
                ids.append(number)
                if at < len(ahead) and ahead[at] == number:
                    at, length = at + 1, length + 1
                    continue
                cut_cache(self._kept.cache, length)
                ahead = speech.guesses(ids) if speech.decoding.lookup and is_greedy else []
                scores, at = self._step([number, *ahead], length, delta), 0
                length += 1
            speech.end(Stop.CANCELLED)
        finally:
            said = np.array(ids[len(script.ids) :], dtype=np.int64)
            self._keep(np.concatenate([script.marks, said]), length)

    def _step(self, numbers: Sequence[int], length: int, delta: int) -> Tensor:
        """Scores ``(n, words)`` after each of some words that follow the first ``length`` tokens."""
        import torch

        ids = torch.tensor([numbers], device=self.forward.device)
        places = torch.arange(length, length + len(numbers), device=self.forward.device)[None] + delta
        return self.forward.step(ids, places, self._kept.cache)[0]

    def _reply_of(
        self, transcript: Transcript, speech: Speech, known: int, first_s: float, total_s: float
    ) -> Reply:
        usage = Usage(
            prompt_tokens=len(transcript.ids),
            cached_tokens=known,
            image_tokens=transcript.visual_tokens,
            new_tokens=len(speech.ids),
            first_token_s=first_s or total_s,
            total_s=total_s,
        )
        return Reply(
            speech.stream.text, speech.stop or Stop.END, transcript.seen, usage, (*self.notes, *speech.notes)
        )

    def _check_room(self, transcript: Transcript, decoding: Decoding) -> None:
        needed = len(transcript.ids) + decoding.max_tokens
        if needed > self.most_tokens:
            raise BadInputError(
                f"conversation and answer have {needed} tokens ({transcript.visual_tokens} of pictures), "
                f"expected {self.most_tokens} at most",
                hint="Start a new conversation, or show fewer or smaller pictures.",
            )

    def _group(self, conversations: Sequence[Conversation]) -> Sequence[Conversation]:
        """As many conversations from the first on as are answered together."""
        longest = 0
        for count, conversation in enumerate(conversations[: self.batch]):
            longest = max(longest, len(self.scribe.write(conversation, self.share).ids))
            if count and longest * (count + 1) > BATCH_TOKENS:
                return conversations[:count]
        return conversations[: self.batch]

    def _reply_group(
        self, group: Sequence[Conversation], decoding: Decoding, is_cancelled: Callable[[], bool]
    ) -> list[Reply]:
        """Answers together, or none where they do not fit together: then groups are smaller from now on."""
        import torch

        started = time.monotonic()
        transcripts = [self.scribe.write(conversation, self.share) for conversation in group]
        for transcript in transcripts:
            self._check_room(transcript, decoding)
        speeches = [
            begin(decoding, self.scribe.tokenizer, self.ends, unheard, forms=self._forms) for _ in group
        ]
        try:
            with torch.inference_mode():
                first_s = speak_together(self.forward, transcripts, speeches, is_cancelled)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.batch = len(group) // 2
            first_s = -1.0
        if first_s < 0.0:
            self._forget()
            return []
        total_s = time.monotonic() - started
        return [
            self._reply_of(transcript, speech, 0, first_s, total_s)
            for transcript, speech in zip(transcripts, speeches, strict=True)
        ]

    def _make_room(self, reason: str, *, may_shrink: bool) -> None:
        """Do what helps against short memory and was not done yet.

        Raises:
            OutOfMemoryError: everything was.
        """
        smaller = [share for share in SHARES if share < self.share]
        if may_shrink and smaller:
            self.share = smaller[0]
            self._note(f"Pictures have {self.share:.1%} of the usual pixels, for want of memory.")
        elif self.offload is not None:
            self.offload()
            self.offload = None
            self._note("Some weights wait in main memory, for want of memory on the device: this is slower.")
        else:
            raise OutOfMemoryError(
                f"the model {self.model} does not fit on {self.device} with this conversation: {reason}",
                hint=HINT_MEMORY,
            )

    def _note(self, text: str) -> None:
        kept = tuple(note for note in self.notes if not note.startswith(text[:14]))
        self.notes = (*kept, text)

    def _forget(self) -> None:
        """Drop keys, values and features."""
        self._kept = Kept()
        self.forward.features.clear()
        free_unused()
