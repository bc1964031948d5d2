"""Models: which can be asked, which is advised, and whether pixels leave this machine."""

from __future__ import annotations

import pytest

from rs_copilot_plugin.presenters.models import (
    AUTO,
    AddressError,
    ModelList,
    ModelPicker,
    ModelState,
    Reach,
    destination,
    parse_models,
    server_name,
    title_of,
)

TOLD = {
    "folder": "/home/u/models",
    "models": [
        {
            "id": "qwen-3b",
            "title": "Qwen 3B",
            "state": "absent",
            "size_bytes": 7.5e9,
            "licence": "Qwen research",
            "precisions": [
                {"name": "bf16", "needs_bytes": 9e9, "fits": False, "note": ""},
                {"name": "nf4", "needs_bytes": 3e9, "fits": True, "note": "with offload"},
            ],
            "source": "catalog",
        },
        {
            "id": "mine",
            "title": "Mine",
            "state": "present",
            "path": "/models/mine",
            "precisions": [],
            "source": "own",
        },
    ],
    "device": {"id": "cuda:0", "memory_free_bytes": 8_000_000_000},
    "recommended": {"id": "qwen-3b", "precision": "nf4", "why": "It fits in 4 bits."},
}


def test_the_engines_list():
    listed = parse_models(TOLD)
    assert listed.is_known and listed.folder == "/home/u/models" and listed.memory_free_bytes == 8_000_000_000
    first, own = listed.models
    assert (
        first.state is ModelState.ABSENT
        and first.fits
        and first.best.name == "nf4"
        and first.size_bytes == 7_500_000_000
    )
    assert own.is_own and listed.present == [own] and own.best is None and own.fits
    assert listed.advice.model is first and listed.advice.precision == "nf4"
    assert not ModelList().is_known


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"models": [{}], "recommended": {"id": "none"}},
        {"models": ["x"], "device": None, "recommended": "qwen"},
        {"models": [{"id": "a", "state": "new", "precisions": ["x"], "size_bytes": "big"}]},
    ],
)
def test_an_odd_list_is_still_one(told):
    listed = parse_models(told)
    assert listed.is_known and listed.advice is None and listed.present == []


def test_what_is_there_can_be_chosen_and_nothing_is_sent_away_by_default():
    picker = ModelPicker(own=["https://far.example/v1#m"])
    assert [choice.name for choice in picker.choices()] == ["https://far.example/v1#m"]
    picker.update(ModelList(is_known=True))
    assert picker.name == "", "a server is asked only when it is chosen"
    picker.update(parse_models(TOLD))
    assert picker.name == "mine" and [choice.name for choice in picker.choices()] == [
        "mine",
        "https://far.example/v1#m",
    ]
    picker.choose("https://far.example/v1#m")
    picker.update(parse_models(TOLD))
    assert picker.name == "https://far.example/v1#m", "the choice holds"


def test_the_advised_model_comes_first_when_it_is_there():
    told = {**TOLD, "models": [TOLD["models"][1], {**TOLD["models"][0], "state": "present"}]}
    picker = ModelPicker()
    picker.update(parse_models(told))
    assert picker.name == "qwen-3b"
    assert [item.name for item in picker.precisions()] == [AUTO, "bf16", "nf4"]
    picker.choose("qwen-3b", "nf4")
    assert picker.precision == "nf4"
    picker.choose("mine", "nf4")
    assert picker.precision == AUTO, "another model has other precisions"


def test_own_entries_come_and_go_and_keys_are_not_shown():
    picker = ModelPicker()
    picker.add("/models/a")
    picker.add("https://x.example/v1#m")
    picker.keys["https://x.example/v1#m"] = "secret"
    assert picker.own == ["https://x.example/v1#m", "/models/a"] and picker.key == "secret"
    assert "secret" not in repr(picker)
    picker.forget("https://x.example/v1#m")
    assert picker.name == "" and picker.own == ["/models/a"] and picker.key is None


def test_a_folder_that_the_engine_lists_is_not_listed_twice():
    picker = ModelPicker(own=["/models/mine"])
    picker.update(parse_models(TOLD))
    assert [choice.name for choice in picker.choices()] == ["mine"]


@pytest.mark.parametrize(
    ("name", "reach", "host", "is_encrypted"),
    [
        ("qwen-3b", Reach.NOWHERE, "", True),
        ("/models/mine", Reach.NOWHERE, "", True),
        ("scripted:/x.json", Reach.NOWHERE, "", True),
        ("http://localhost:11434/v1#q", Reach.THIS_MACHINE, "localhost:11434", True),
        ("http://127.0.0.1/v1", Reach.THIS_MACHINE, "127.0.0.1", True),
        ("http://[::1]:8000/v1", Reach.THIS_MACHINE, "::1:8000", True),
        ("https://api.example/v1#m", Reach.AWAY, "api.example", True),
        ("http://gpu.lan:8000/v1", Reach.AWAY, "gpu.lan:8000", False),
        ("HTTPS://localhost.evil.example/v1", Reach.AWAY, "localhost.evil.example", True),
        ("https://127.0.0.1.evil.example/", Reach.AWAY, "127.0.0.1.evil.example", True),
        ("https://localhost@evil.example/", Reach.AWAY, "evil.example", True),
        ("https://[broken/v1", Reach.AWAY, "https://[broken/v1", False),
    ],
)
def test_where_pixels_go(name, reach, host, is_encrypted):
    found = destination(name)
    assert (found.reach, found.host, found.is_encrypted) == (reach, host, is_encrypted)


def test_names_of_servers():
    assert (
        server_name(" http://localhost:11434/v1/ ", "qwen2.5vl:7b")
        == "http://localhost:11434/v1#qwen2.5vl:7b"
    )
    assert server_name("https://a.example/v1#m", "") == "https://a.example/v1#m"
    assert server_name("https://a.example/v1", "") == "https://a.example/v1"
    assert title_of("http://localhost:11434/v1#qwen") == "qwen · localhost:11434"
    assert title_of("/models/mine") == "mine" and title_of("scripted:/a/b.json") == "b.json"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost:11434",
        "ftp://a.example",
        "https://",
        "https://u:p@a.example",
        "http://a b",
        "http://[x",
    ],
)
def test_what_is_no_server(address):
    with pytest.raises(AddressError):
        server_name(address, "m")


def test_a_model_that_is_optional_is_never_chosen_by_itself():
    shared = ["https://far.example/v1#m"]
    picker, other = ModelPicker(own=shared, is_optional=True), ModelPicker(own=shared)
    listed = parse_models({"models": [{"id": "here", "state": "present"}], "recommended": {"id": "here"}})
    for item in (picker, other):
        item.update(listed)
    assert (picker.name, other.name) == ("", "here")
    other.add("https://new.example/v1")
    assert "https://new.example/v1" in [choice.name for choice in picker.choices()], "servers are shared"
    picker.choose("https://new.example/v1")
    picker.update(listed)
    assert picker.name == "https://new.example/v1", "a choice holds"
