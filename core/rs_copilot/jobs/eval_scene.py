"""How often a model says which kind of scene a picture shows: folders of classes, or files of records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.pictures import SUFFIXES
from rs_copilot.evaluation.records import Record, class_names, question_of, text_of
from rs_copilot.evaluation.words import Kind
from rs_copilot.jobs.answering import AnswerParams, Question
from rs_copilot.jobs.asking import Asker, given_answers, read_items
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_report import SuiteResult
from rs_copilot.jobs.eval_words import MAX_TOKENS, Item, ask_all, report_words, word_scores
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.tasks import Prompt, Task

NOTES = (
    "accuracy asks for the same words after normalisation; contains_truth is the rule of GeoChat's suites, "
    "contains_either_way that of VHM's, which lets even an empty answer pass: for comparison only.",
)


class EvalSceneParams(AnswerParams):
    """``data`` may also be folders with a folder of pictures for each class. ``classes``: all that are asked
    for; without it those of the records, else all that are true somewhere.
    """

    classes: tuple[str, ...] = ()
    max_tokens: int = MAX_TOKENS


def run(params: EvalSceneParams, context: JobContext) -> SuiteResult:
    """Ask for the class of each picture, and compare. Raises what `eval_words.ask_all` does."""
    records, given = given_answers(params.predictions, read_scenes(params.data, params.limit))
    items = [_item(key, record) for key, record in records.items()]
    seen = tuple(sorted({item.truth for item in items}))

    def ask(asker: Asker, item: Item) -> Question:
        return asker.question(item.record, item.key, _prompt(item.record, params.classes, seen, asker))

    asked = ask_all(params, items, given, ask, context)
    return report_words("scene", params, asked, word_scores(asked[0]), ("benchmark", "class"), NOTES, context)


def read_scenes(paths: Sequence[Path], limit: int | None) -> dict[str, Record]:
    """Records of files, and of folders of classes.

    Raises:
        BadInputError: one cannot be used.
    """
    found: dict[str, Record] = {}
    for path in paths:
        found |= _folder(path) if path.is_dir() else read_items([path], None)
    return dict(list(found.items())[:limit])


def _folder(root: Path) -> dict[str, Record]:
    pictures = [path for path in sorted(root.glob("*/*")) if path.suffix.lower() in SUFFIXES]
    if not pictures:
        raise BadInputError(
            f"expected folders of pictures, one for each class, in {root}; found none",
            hint="Or give a file of records.",
        )
    return {
        f"{root.name}/{path.parent.name}/{path.name}": {
            "image_id": f"{path.parent.name}/{path.name}",
            "ground_truth": path.parent.name,
            "dataset_name": root.name,
        }
        for path in pictures
    }


def _item(key: str, record: Record) -> Item:
    if "conversations" in record:
        truth = question_of(record)[1]
    else:
        truth = text_of(record, "ground_truth", "answer", "label")
    if not truth:
        raise BadInputError(f"the record {key} has no true class", hint="Expected a field ground_truth.")
    return Item(key, record, truth, Kind.TEXT, {"benchmark": str(record["dataset_name"]), "class": truth})


def _prompt(record: Record, classes: Sequence[str], seen: Sequence[str], asker: Asker) -> Prompt:
    own = record.get("classes")
    if isinstance(own, str):
        own = class_names(own)
    if not own and "conversations" in record and not classes:
        return write_prompt(Task.ASK, asker.family, text=question_of(record)[0], prompts=asker.prompts)
    names = list(classes) or [str(name) for name in own or seen]
    return write_prompt(Task.CLASSIFY, asker.family, classes=names, prompts=asker.prompts)
