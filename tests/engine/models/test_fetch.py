"""Models come from a hub through its real client: pinned, checked, in one piece or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from rs_copilot.errors import (
    BadInputError,
    CancelledError,
    MissingDependencyError,
    StorageError,
    UsageError,
)
from rs_copilot.models import fetch as fetch_module
from rs_copilot.models.fetch import Fetched, fetch
from rs_copilot.models.hub import open_hub
from rs_copilot.models.store import State, Store

from .conftest import COMMIT
from .hub_server import HubServer
from .small import PARTS, TAKEN, card, save_model, write_card

NEWER = "f" * 40


def ignore(_done: int, _total: int, _message: str) -> None:
    """Nobody listens."""


def bring(store: Store, name: str = "tiny", report=ignore) -> Fetched:
    return fetch(Store(store.folder), name, open_hub, report, lambda _: None)


def state_of(store: Store, name: str = "tiny") -> State:
    fresh = Store(store.folder)
    return fresh.state(fresh.card(name))


def test_the_first_fetch_pins_what_the_hub_has(hub: HubServer, store: Store):
    assert state_of(store) is State.ABSENT
    found = bring(store)
    assert found.card.revision == COMMIT
    assert {path.name for path in found.folder.iterdir()} == TAKEN
    served = hub.repositories["someone/tiny"][1]
    for file in found.card.files:
        content = (found.folder / file.path).read_bytes()
        assert content == (served / file.path).read_bytes()
        assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert found.new_bytes == found.card.size_bytes == sum(hub.sent.values())
    assert Store(store.folder).open_model("tiny").folder == found.folder
    assert not (store.home("tiny") / "fetching").exists()


def test_neither_code_nor_pickles_are_asked_for(hub: HubServer, store: Store):
    bring(store)
    assert {name for name, _, _ in hub.asked} == TAKEN


def test_progress_is_bytes_up_to_all(hub: HubServer, store: Store):
    steps = []
    found = bring(store, report=lambda *step: steps.append(step))
    counted = [(done, total) for done, total, message in steps if message.startswith("Fetching")]
    assert [done for done, _ in counted] == sorted(done for done, _ in counted)
    assert counted[-1] == (found.card.size_bytes, found.card.size_bytes)


def test_what_is_here_is_not_asked_for_again(hub: HubServer, store: Store):
    bring(store)
    hub.repositories["someone/tiny"] = (NEWER, hub.repositories["someone/tiny"][1])
    asked = len(hub.asked)
    again = bring(store)
    assert (again.new_bytes, again.card.revision, len(hub.asked)) == (0, COMMIT, asked)


def test_another_commit_replaces_the_one_that_is_here(hub: HubServer, store: Store, tmp_path: Path):
    old = bring(store)
    hub.repositories["someone/tiny"] = (NEWER, save_model(tmp_path / "newer", seed=1))
    new = bring(store, f"tiny@{NEWER}")
    assert (new.card.revision, new.card.sha256 != old.card.sha256) == (NEWER, True)
    assert not old.folder.exists()
    assert Store(store.folder).open_model("tiny").card == new.card


@pytest.mark.parametrize("name", ["tiny@main", "tiny@", "tiny@0123", "nobody"])
def test_names_that_mean_nothing(name: str, hub: HubServer, store: Store):
    with pytest.raises(UsageError):
        bring(store, name)
    assert hub.asked == []


def test_a_commit_that_the_hub_does_not_have(hub: HubServer, store: Store):
    with pytest.raises(BadInputError, match="no such model, commit or file"):
        bring(store, f"tiny@{NEWER}")
    assert state_of(store) is State.ABSENT


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_broken_connection_goes_on_where_it_broke(knows_ranges: bool, hub: HubServer, store: Store):
    hub.breaks[PARTS[0]] = [50_000, 60_000]
    hub.knows_ranges = knows_ranges
    hub.busy = 1
    steps: list[int] = []
    found = bring(store, report=lambda done, _total, _message: steps.append(done))
    assert found.new_bytes == found.card.size_bytes == steps[-1]
    ranges = [asked for name, asked, _ in hub.asked if name == PARTS[0]]
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in ranges if asked]
    assert starts[0] == 0
    assert 0 < starts[1] <= 50_000
    size = (found.folder / PARTS[0]).stat().st_size
    assert size <= hub.sent[PARTS[0]]
    assert knows_ranges == (hub.sent[PARTS[0]] < size * 1.1)


def test_a_hub_that_is_gone_says_so_and_what_came_stays(hub: HubServer, store: Store):
    hub.breaks[PARTS[1]] = [20_000] + [0] * 20
    with pytest.raises(MissingDependencyError, match="cannot be used"):
        bring(store)
    assert state_of(store) is State.PARTIAL
    hub.breaks.clear()
    hub.sent.clear()
    found = bring(store)
    assert hub.sent[PARTS[0]] == 0
    assert 0 < hub.sent[PARTS[1]] < 160_000
    assert found.new_bytes == sum(hub.sent.values())


def test_cancel_keeps_what_came_and_a_later_fetch_holds_to_its_commit(
    hub: HubServer, store: Store, monkeypatch: pytest.MonkeyPatch
):
    def stop(done: int, _total: int, _message: str) -> None:
        if done > 100_000:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        bring(store, report=stop)
    assert state_of(store) is State.PARTIAL
    with pytest.raises(MissingDependencyError, match="GB of the model tiny are"):
        Store(store.folder).open_model("tiny")
    # The repository moved on meanwhile: the bytes that are here belong to the commit before.
    monkeypatch.setattr(hub, "about", lambda name: pytest.fail("asked which commit is the newest"))
    first_asked = len(hub.asked)
    found = bring(store)
    assert found.card.revision == COMMIT
    assert found.new_bytes < found.card.size_bytes
    assert any(asked not in (None, "bytes=0-") for _, asked, _ in hub.asked[first_asked:])


@pytest.mark.parametrize("name", [PARTS[0], "config.json"])
def test_other_bytes_than_announced_are_refused(name: str, hub: HubServer, store: Store):
    true = (hub.repositories["someone/tiny"][1] / name).read_bytes()
    hub.changed[name] = true[:-1] + bytes([true[-1] ^ 1])
    with pytest.raises(BadInputError, match="another hash"):
        bring(store)
    assert state_of(store) is State.PARTIAL
    assert not list(store.folder.rglob(f"{name}*"))
    hub.changed.clear()
    assert bring(store).card.revision == COMMIT


def test_more_bytes_than_announced_are_refused(hub: HubServer, store: Store):
    hub.changed["merges.txt"] = b"x" * 100_000
    with pytest.raises(BadInputError, match="larger than"):
        bring(store)


def test_a_repository_of_pickles_is_refused(hub: HubServer, store: Store):
    for path in hub.repositories["someone/tiny"][1].glob("*.safetensors"):
        path.unlink()
    with pytest.raises(BadInputError, match=r"pytorch_model\.bin only"):
        bring(store)
    assert hub.asked == []


def test_a_repository_of_another_architecture_is_refused(hub: HubServer, store: Store, tmp_path: Path):
    hub.repositories["someone/tiny"] = (COMMIT, save_model(tmp_path / "other", kind="llama"))
    with pytest.raises(BadInputError, match="'llama', expected 'qwen3_vl'"):
        bring(store)
    assert state_of(store) is not State.PRESENT


def test_weights_that_the_index_names_must_be_there(hub: HubServer, store: Store):
    (hub.repositories["someone/tiny"][1] / PARTS[1]).unlink()
    with pytest.raises(BadInputError, match="lacks 1 of 2"):
        bring(store)


def test_a_full_disk_is_noticed_before(hub: HubServer, store: Store, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage(store.folder)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StorageError, match="GB are needed"):
        bring(store)
    assert hub.asked == []


def test_a_disk_that_fills_up_meanwhile(hub: HubServer, store: Store, monkeypatch: pytest.MonkeyPatch):
    opened = Path.open

    class Full:
        def __init__(self, file):
            self.file, self.left = file, 30_000

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data: bytes) -> int:
            self.left -= len(data)
            if self.left < 0:
                raise OSError(28, "No space left on device")
            return self.file.write(data)

    def open_full(path: Path, mode: str = "r", **given):
        file = opened(path, mode, **given)
        return Full(file) if path.name.endswith(".part") and mode in ("wb", "ab") else file

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="No space left"):
        patch.setattr(Path, "open", open_full)
        bring(store)
    assert state_of(store) is State.PARTIAL
    assert bring(store).new_bytes > 0


def test_two_at_a_time_are_not_let_in(hub: HubServer, store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch_module, "LOCK_S", 0.05)
    with (
        fetch_module._alone(store, "tiny"),
        pytest.raises(StorageError, match="Another process"),
    ):
        bring(store)


def test_a_token_goes_to_the_hub_alone(hub: HubServer, store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    bring(store)
    tokens = {name: token for name, _, token in hub.asked}
    assert tokens["config.json"] == "Bearer hf_secret"
    assert tokens[PARTS[0]] is None


@pytest.mark.parametrize(("status", "error"), [(500, MissingDependencyError), (403, MissingDependencyError)])
def test_a_hub_that_refuses(status: int, error: type, hub: HubServer, store: Store):
    hub.status = status
    with pytest.raises(error, match="cannot be used"):
        bring(store)


def test_a_repository_that_does_not_exist(hub: HubServer, store: Store):
    write_card(store.folder, repository="no/body")
    with pytest.raises(BadInputError, match="no such model"):
        bring(store)


@pytest.mark.parametrize("name", ["../evil.json", "..\\evil.json", ".hidden.json", "sub/evil.json"])
def test_names_that_lead_away_are_not_taken(name: str, hub: HubServer, store: Store, monkeypatch):
    add_to_list(hub, name, monkeypatch)
    assert {path.name for path in bring(store).folder.iterdir()} == TAKEN
    assert not list(store.folder.parent.rglob("*evil*"))


def test_a_name_that_cannot_be_a_file_everywhere_is_refused(hub: HubServer, store: Store, monkeypatch):
    add_to_list(hub, "c:evil.json", monkeypatch)
    with pytest.raises(BadInputError, match="name of a file in the model's own folder"):
        bring(store)


def add_to_list(hub: HubServer, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    about = hub.about
    item = {"rfilename": name, "size": 3, "blobId": "0" * 40}

    def hostile(repository: str) -> dict[str, object]:
        found = about(repository)
        return found | {"siblings": [*found["siblings"], item]}  # type: ignore[misc]

    monkeypatch.setattr(hub, "about", hostile)


def test_what_broke_on_the_disk_is_fetched_again_and_only_that(hub: HubServer, store: Store):
    folder = bring(store).folder
    with (folder / PARTS[1]).open("r+b") as file:
        file.seek(5000)
        file.write(b"rot")
    (folder / "merges.txt").unlink()
    assert state_of(store) is State.BROKEN
    hub.sent.clear()
    found = bring(store)
    assert set(hub.sent) == {PARTS[1], "merges.txt"}
    assert Store(store.folder).verify(found.card, anew=True) == []


def test_a_crash_before_the_card_was_written_loses_nothing(hub: HubServer, store: Store):
    bring(store)
    (store.home("tiny") / "card.json").unlink()
    assert state_of(store) is State.ABSENT
    hub.sent.clear()
    assert bring(store).new_bytes == 0
    assert state_of(store) is State.PRESENT


def test_a_card_that_was_pinned_meanwhile_wins_over_a_broken_download(
    hub: HubServer, store: Store, tmp_path: Path
):
    hub.breaks[PARTS[0]] = [20_000] + [0] * 20
    with pytest.raises(MissingDependencyError):
        bring(store)
    hub.repositories["someone/tiny"] = (NEWER, save_model(tmp_path / "newer", seed=1))
    hub.breaks.clear()
    write_card(store.folder, revision=NEWER)
    assert bring(store).card.revision == NEWER


def test_notes_of_a_broken_download_that_cannot_be_read_begin_anew(hub: HubServer, store: Store):
    begun = store.home("tiny") / "fetching"
    (begun / "files").mkdir(parents=True)
    (begun / "files" / "config.json").write_text("{}")
    (begun / "card.json").write_text("half a ca")
    assert bring(store).card.revision == COMMIT


def test_a_card_by_its_path(hub: HubServer, tmp_path: Path):
    store = Store(tmp_path / "elsewhere")
    path = tmp_path / "card.json"
    path.write_text(json.dumps(card(id="mine", place="/etc")))
    found = bring(store, str(path))
    assert (found.card.id, found.card.place) == ("mine", None)
    assert bring(store, "mine").new_bytes == 0


def test_a_card_cannot_take_a_name_of_the_catalog(hub: HubServer, store: Store, tmp_path: Path):
    path = tmp_path / "card.json"
    path.write_text(json.dumps(card(id="qwen3-vl-2b")))
    with pytest.raises(UsageError, match="catalog has a model"):
        bring(store, str(path))


def test_a_card_that_is_pinned_needs_no_answer_about_commits(hub: HubServer, store: Store, monkeypatch):
    pinned = bring(store).card
    Store(store.folder).remove("tiny")
    write_card(store.folder, revision=COMMIT, files=[file.model_dump() for file in pinned.files])
    monkeypatch.setattr(hub, "about", lambda name: pytest.fail("asked"))
    assert bring(store).card.files == pinned.files


def test_the_licence_that_the_page_names_is_noted(hub: HubServer, store: Store):
    hub.licence = "apache-2.0"
    assert bring(store).card.licence.name == "apache-2.0"
