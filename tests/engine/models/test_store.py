"""The store: what is whole may be opened, what was touched is noticed, folders come in unharmed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from rs_copilot.errors import BadInputError, CancelledError, MissingDependencyError, StorageError, UsageError
from rs_copilot.jobs.local_models import find_local
from rs_copilot.learned import pretrained
from rs_copilot.models import files as files_module
from rs_copilot.models.adding import Wish, add
from rs_copilot.models.store import State, Store
from rs_copilot.models.vlm_cards import ModelFile, VlmCard, read_catalog, read_vlm_card
from rs_copilot.vlm.families import FAMILIES

from .small import PARAMETERS, PARTS, TAKEN, card, save_adapter, save_model


def ignore(_done: int, _total: int, _message: str) -> None:
    """Nobody listens."""


def added(store: Store, source: Path, **wish) -> VlmCard:
    found = add(Store(store.folder), Wish(source, **wish), ignore)
    assert isinstance(found, VlmCard)
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return save_model(tmp_path / "My Model")


def test_the_catalog_pins_nothing_and_speaks_of_known_families():
    catalog = read_catalog()
    assert len(catalog) == 7
    for known in catalog.values():
        assert known.revision is None
        assert known.files == ()
        limits = FAMILIES[known.family].limits
        assert known.max_px <= limits.max_px
        assert known.licence.url == f"https://huggingface.co/{known.repository}" or "LICENSE" in (
            known.licence.url or ""
        )


@pytest.mark.parametrize(
    "name",
    ["../x.json", "a/b.json", "a\\b.json", "c:x.json", ".x.json", "", "x\n.json"]
    + ["code.py", "weights.bin", "weights.pt", "other.safetensors", "model.safetensors.gz"],
)
def test_cards_cannot_name_such_files(name: str):
    with pytest.raises(ValidationError):
        ModelFile(path=name, size_bytes=1, sha256="0" * 64)


@given(st.text(st.characters(codec="utf-8"), max_size=12).map(lambda text: f"{text}.json"))
@example("..json")
@example("con:x.json")
def test_every_name_that_a_card_accepts_lies_in_the_folder(name: str):
    try:
        accepted = ModelFile(path=name, size_bytes=1).path
    except ValidationError:
        return
    assert Path("/models/here", accepted).resolve() == Path("/models/here") / name
    assert PureWindowsPath("C:/models", accepted).parent == PureWindowsPath("C:/models")


@given(
    st.binary(max_size=60)
    | st.dictionaries(st.sampled_from(sorted(card())), st.none() | st.text()).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_any_bytes_are_a_card_or_refused(tmp_path_factory, content: bytes):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    with pytest.raises(BadInputError):
        read_vlm_card(path)


@pytest.mark.parametrize(
    "changed",
    [{"id": "../x"}, {"id": "cards"}, {"id": "a/b"}, {"id": ""}, {"revision": "main"}]
    + [{"repository": "../x"}, {"repository": "a/b/c"}, {"parameters": 0}, {"family": "gpt"}],
)
def test_cards_that_cannot_be(changed: dict):
    with pytest.raises(ValidationError):
        VlmCard.model_validate(card(**changed))


def test_a_card_with_a_file_twice():
    twice = [{"path": name, "size_bytes": 1} for name in ("a.json", "A.json")]
    with pytest.raises(ValidationError, match="named twice"):
        VlmCard.model_validate(card(files=twice))


def test_a_folder_is_copied_in_and_opened(store: Store, source: Path):
    found = added(store, source)
    assert (found.id, found.family, found.parameters, found.revision) == (
        "my-model",
        "qwen3-vl",
        PARAMETERS,
        None,
    )
    opened = Store(store.folder).open_model("my-model")
    assert {path.name for path in opened.folder.iterdir()} == TAKEN
    shutil.rmtree(source)
    assert Store(store.folder).verify(opened.card, anew=True) == []


def test_opening_hashes_only_what_changed(store: Store, source: Path, monkeypatch: pytest.MonkeyPatch):
    found = added(store, source)
    read: list[str] = []
    hash_of = files_module.sha256_of
    monkeypatch.setattr(
        files_module, "sha256_of", lambda path, told: read.append(path.name) or hash_of(path, told)
    )
    folder = Store(store.folder).open_model(found.id).folder
    assert read == []
    os.utime(folder / PARTS[0], ns=(1, 1))
    Store(store.folder).open_model(found.id)
    assert read == [PARTS[0]]
    Store(store.folder).open_model(found.id)
    assert read == [PARTS[0]]


def test_a_changed_file_of_the_same_size_is_noticed_and_stays_noticed(store: Store, source: Path):
    found = added(store, source)
    path = store.files_folder(found) / PARTS[1]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(BadInputError, match="SHA-256"):
            Store(store.folder).open_model(found.id)
    assert Store(store.folder).state(found) is State.BROKEN


def damage_missing(folder: Path) -> None:
    (folder / PARTS[0]).unlink()


def damage_short(folder: Path) -> None:
    (folder / PARTS[0]).write_bytes(b"short")


def damage_more(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")


def damage_link(folder: Path) -> None:
    target = folder.parent.parent.parent / "outside"
    (folder / "merges.txt").replace(target)
    (folder / "merges.txt").symlink_to(target)


DAMAGES = [damage_missing, damage_short, damage_more, damage_link]
SAYS = ["is missing", "has 5 bytes", "not in the card", "leaves the folder"]


@pytest.mark.parametrize(("damage", "says"), list(zip(DAMAGES, SAYS, strict=True)))
def test_damage_is_seen_without_hashing(damage, says: str, store: Store, source: Path):
    found = added(store, source)
    damage(store.files_folder(found))
    assert Store(store.folder).state(found) is State.BROKEN
    with pytest.raises(BadInputError, match=says):
        Store(store.folder).open_model(found.id)


def test_what_is_not_here_says_how_to_get_it(store: Store):
    with pytest.raises(MissingDependencyError) as caught:
        store.open_model("rscovlm-7b")
    assert "models fetch rscovlm-7b" in caught.value.hint
    with pytest.raises(UsageError, match="qwen3-vl-2b"):
        store.open_model("nobody")


def test_in_place_copies_nothing_and_removes_nothing(store: Store, source: Path):
    found = added(store, source, in_place=True)
    opened = Store(store.folder).open_model(found.id)
    assert opened.folder == source
    assert store.disk_bytes(found) < 10_000
    Store(store.folder).remove(found.id)
    assert (source / PARTS[0]).exists()
    assert found.id not in Store(store.folder).cards


def test_what_another_store_fetched_is_held_to_its_card(store: Store, source: Path, tmp_path: Path):
    """A stick with the folder of a model, as one store wrote it."""
    other = Store(tmp_path / "other")
    first = added(other, source, name="qwen3-vl-mine")
    stick = shutil.copytree(other.home(first.id), tmp_path / "stick" / first.id)
    assert added(store, stick).files == first.files
    Store(store.folder).remove(first.id)
    with (Store(stick.parent).files_folder(first) / PARTS[0]).open("r+b") as file:
        file.seek(9000)
        file.write(b"rot")
    with pytest.raises(BadInputError, match="not the file that the card"):
        added(store, stick)
    assert not store.home(first.id).exists()


def test_the_sister_of_a_model_is_not_taken_for_it(store: Store, source: Path):
    with pytest.raises(BadInputError, match="parameters, Qwen3-VL 4B Instruct has"):
        added(store, source, name="qwen3-vl-4b")


def test_a_model_is_not_added_twice(store: Store, source: Path):
    added(store, source)
    with pytest.raises(UsageError, match="already"):
        added(store, source)


def test_folders_that_are_no_models(store: Store, source: Path, tmp_path: Path):
    (source / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(BadInputError, match="'llama'"):
        added(store, source)
    (source / "config.json").write_text("[" * 100_000)
    with pytest.raises(BadInputError, match="cannot be read"):
        added(store, source)
    with pytest.raises(BadInputError, match="no folder"):
        added(store, tmp_path / "nothing")
    shutil.rmtree(store.folder / "my-model", ignore_errors=True)


def test_weights_that_broke_off_are_noticed(store: Store, source: Path):
    content = (source / PARTS[0]).read_bytes()
    (source / PARTS[0]).write_bytes(content[: len(content) // 2])
    with pytest.raises(BadInputError, match="not safetensors"):
        added(store, source)


def test_a_link_that_leaves_the_folder_is_refused(store: Store, source: Path, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("private")
    (source / "notes.txt").symlink_to(secret)
    with pytest.raises(BadInputError, match="link that leaves"):
        added(store, source)
    assert not (store.folder / "my-model").exists()


def test_the_cache_of_hugging_face_is_understood(store: Store, source: Path, tmp_path: Path):
    """Its folders of commits hold links into `blobs`; the name of the folder is the commit."""
    commit = "a" * 40
    blobs, snapshot = tmp_path / "hub" / "blobs", tmp_path / "hub" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for path in source.iterdir():
        shutil.copy(path, blobs / path.name)
        (snapshot / path.name).symlink_to(Path("..") / ".." / "blobs" / path.name)
    found = added(store, snapshot, name="mine")
    assert all(not path.is_symlink() for path in store.files_folder(found).iterdir())


def test_cancelled_and_full_copies_leave_nothing(store: Store, source: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(done: int, _total: int, _message: str) -> None:
        if done > 200_000:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        add(store, Wish(source), stop)
    assert not store.home("my-model").exists()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))  # type: ignore[attr-defined]
    with pytest.raises(StorageError):
        added(store, source)


def test_what_a_killed_copy_left_is_no_hindrance(store: Store, source: Path):
    left = store.home("my-model") / "fetching" / "files"
    left.mkdir(parents=True)
    (left / "config.json").write_text("{}")
    assert added(store, source).id == "my-model"


def test_adapters_stand_under_their_model(store: Store, source: Path, tmp_path: Path):
    found = added(store, source)
    folder = save_adapter(tmp_path / "fields", base=str(store.files_folder(found)))
    add(Store(store.folder), Wish(folder), ignore)
    fresh = Store(store.folder)
    assert fresh.adapters["fields"].base == found.id
    opened = fresh.open_adapter("fields", found.id)
    with pytest.raises(UsageError, match="tuned for my-model, not for tiny"):
        fresh.open_adapter("fields", "tiny")
    (opened / "adapter_model.safetensors").write_bytes(b"other")
    with pytest.raises(BadInputError, match="broken"):
        fresh.open_adapter("fields", found.id)
    assert fresh.remove("fields") > 0
    assert Store(store.folder).adapters == {}


def test_an_adapter_for_a_model_that_is_not_known(store: Store, tmp_path: Path):
    folder = save_adapter(tmp_path / "roads", base="someone/else")
    with pytest.raises(UsageError, match="someone/else"):
        add(store, Wish(folder), ignore)
    found = add(store, Wish(folder, base="tiny"), ignore)
    assert found.base == "tiny"  # type: ignore[union-attr]


def test_pickled_adapters_are_refused(store: Store, tmp_path: Path):
    folder = save_adapter(tmp_path / "roads", base="someone/tiny")
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(BadInputError, match=r"no adapter_model\.safetensors"):
        add(store, Wish(folder), ignore)


@pytest.mark.parametrize("text", ["", "{}", "[", json.dumps(card(id="other")), json.dumps(card(id="cards"))])
def test_cards_that_cannot_be_read_are_noted_and_left_out(text: str, store: Store):
    (store.folder / "strange").mkdir()
    (store.folder / "strange" / "card.json").write_text(text)
    fresh = Store(store.folder)
    assert "tiny" in fresh.cards
    assert len(fresh.notes) == 1


def test_own_cards_do_not_replace_those_of_the_catalog(store: Store):
    mine = card(id="rscovlm-7b", repository="evil/twin")
    (store.folder / "cards" / "twin.json").write_text(json.dumps(mine))
    (store.folder / "cards" / "card.json").write_text(json.dumps(card(id="mine", place="/etc")))
    fresh = Store(store.folder)
    assert fresh.card("rscovlm-7b").repository == "Qingyun/RSCoVLM-7B-2512"
    assert fresh.card("mine").place is None
    assert len(fresh.notes) == 1
    assert "twin.json is left out: The catalog has" in fresh.notes[0]


def test_nothing_to_remove(store: Store):
    with pytest.raises(UsageError, match="Nothing of tiny"):
        store.remove("tiny")


def test_models_by_id_and_by_folder(store: Store, source: Path, tmp_path: Path):
    found = added(store, source)
    adapter = save_adapter(tmp_path / "fields", base=found.id)
    fresh = Store(store.folder)
    by_id = find_local(fresh, found.id, str(adapter))
    assert by_id is not None
    assert (by_id.name, by_id.family, by_id.adapter) == (found.id, "qwen3-vl", adapter)
    assert by_id.sha256 == pretrained.hash_of(by_id.folder, "")
    by_folder = find_local(fresh, str(source))
    assert by_folder is not None
    assert (by_folder.folder, by_folder.name, by_folder.sha256) == (source, "My Model", None)
    assert find_local(fresh, "nobody") is None
    with pytest.raises(UsageError, match="No adapter"):
        find_local(fresh, found.id, "nothing")
