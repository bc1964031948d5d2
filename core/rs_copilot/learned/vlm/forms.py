"""Answers that keep to a form: of all words only those may come next that lead to JSON of a schema."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from rs_copilot.errors import BadInputError

# Models write a space after colons and commas; free space between them would let a model write nothing else.
WRITING: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
UNHELD = "The package llguidance is not here: the answer was not held to its form. Install the extra `vlm`."


@dataclass
class Form:
    """The form of one answer while it is made."""

    matcher: Any = field(repr=False)

    def masked(self, scores: Any) -> Any:  # noqa: ANN401 - a tensor (words,)
        """Scores of the next word, those of words that do not fit lowered to minus infinity."""
        import torch

        fits = torch.frombuffer(bytearray(self.matcher.compute_logit_bias()), dtype=torch.uint8)
        return scores.masked_fill((fits == 0).to(scores.device), -torch.inf)

    def take(self, number: int) -> None:
        """Go on after a word."""
        self.matcher.consume_token(number)

    def forced(self) -> list[int]:
        """Words that come next whatever the model thinks."""
        return list(self.matcher.compute_ff_tokens())

    @property
    def is_complete(self) -> bool:
        """Whether nothing can follow."""
        return bool(self.matcher.is_stopped())

    @property
    def problem(self) -> str:
        """Why the form was given up, where it was: it took too long to tell what may follow."""
        return str(self.matcher.get_error())


@dataclass
class Forms:
    """Makes forms for the words of one tokenizer: to learn them takes a second, so keep it.

    ``ends`` are the words that end an answer; ``n_words`` is how many scores there are.
    """

    tokenizer: Any = field(repr=False)
    n_words: int
    ends: Collection[int]
    _words: Any = field(default=None, repr=False)

    def form(self, schema: Mapping[str, Any]) -> Form | None:
        """The form of one answer; ``None`` where the library for it is not installed.

        Raises:
            BadInputError: the schema has something that nothing can be held to.
        """
        try:
            import llguidance
            import llguidance.hf
        except ImportError:
            return None
        if self._words is None:
            ends = sorted(number for number in self.ends if number < self.n_words)
            self._words = llguidance.hf.from_tokenizer(self.tokenizer, n_vocab=self.n_words, eos_token=ends)
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=WRITING)
        matcher = llguidance.LLMatcher(self._words, grammar, log_level=0)
        if matcher.is_error():
            raise BadInputError(
                f"no answer can be held to this schema: {matcher.get_error()[:200]}",
                hint="Expected a JSON schema of objects, lists, texts, numbers and fixed words.",
            )
        return Form(matcher)
