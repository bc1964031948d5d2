"""The hub of models: what a repository holds at one commit, and its files byte by byte.

Its client brings addresses, tokens and the session. Bytes are read here, because the client (2.4) throws away
what it has of a file when it stops, and 16 GB should not begin again.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from pydantic import ValidationError

from rs_copilot import __version__
from rs_copilot.errors import BadInputError, MissingDependencyError
from rs_copilot.models.vlm_cards import COMMIT, PICKLES, Licence, ModelFile, VlmCard, is_data, is_weights

PUBLIC_HUB = "https://huggingface.co"
PIECE_BYTES = 1 << 20
# A connection that says nothing for so long is taken as broken; it also bounds how late a cancel is heard.
TIMEOUT_S = 10.0
# Waits before trying again; any byte that arrives starts the list anew.
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)
BUSY = frozenset({408, 429, 500, 502, 503, 504})
HINT_OFFLINE = (
    "Check the connection; HF_ENDPOINT names another hub. Without a network, copy the model from another "
    "machine and use `rs-copilot models add FOLDER`."
)


class _Busy(httpx2.TransportError):
    """The server asked to come again later."""


@dataclass(frozen=True)
class Hub:
    """A hub, by its address; ``headers`` carry the user's own token, where there is one."""

    address: str
    headers: Mapping[str, str]
    client: Any

    def pin(self, card: VlmCard, revision: str | None = None) -> VlmCard:
        """The card with commit, files and hashes as the hub has them: now, or at a commit.

        Raises:
            MissingDependencyError: the hub does not answer, or does not let this user in.
            BadInputError: no such repository or commit, or no weights that can be used.
        """
        with _hub_errors(self.address, card.repository):
            api = self.client.HfApi(endpoint=self.address)
            found = api.model_info(card.repository, revision=revision, files_metadata=True, timeout=TIMEOUT_S)
        if not re.fullmatch(COMMIT, str(found.sha)) or (revision is not None and found.sha != revision):
            raise BadInputError(
                f"the hub answered with commit {found.sha!r}, expected {revision or '40 digits'}"
            )
        names = [item.rfilename for item in found.siblings or ()]
        try:
            files = [_file_of(item) for item in found.siblings or () if _is_wanted(item.rfilename)]
        except ValidationError as error:
            raise BadInputError(f"the hub's list of {card.repository} cannot be used: {error}") from error
        if not any(is_weights(file.path) for file in files):
            raise _no_weights(card, names)
        licence = _named(card.licence, found.card_data)
        return card.model_copy(update={"revision": found.sha, "files": tuple(files), "licence": licence})

    def read_file(self, card: VlmCard, file: ModelFile, part: Path, on_bytes: Callable[[int], None]) -> None:
        """Write one file of a pinned card, going on where ``part`` ends. ``on_bytes`` may raise to stop.

        Raises:
            MissingDependencyError: the hub does not answer, not after several tries either.
            BadInputError: it sends more than the card says.
        """
        url = self.client.hf_hub_url(
            card.repository, file.path, revision=card.revision, endpoint=self.address
        )
        if file.size_bytes == 0:
            part.touch()
            return
        tries = 0
        with _hub_errors(self.address, card.repository):
            while _size_of(part) < file.size_bytes:
                before = _size_of(part)
                try:
                    self._read_on(url, file, part, on_bytes)
                except httpx2.TransportError:
                    tries = 0 if _size_of(part) > before else tries + 1
                    if tries >= len(PAUSES_S):
                        raise
                    _wait(PAUSES_S[tries], on_bytes)

    def _read_on(self, url: str, file: ModelFile, part: Path, on_bytes: Callable[[int], None]) -> None:
        """Read from the end of ``part`` until the connection ends."""
        have = _size_of(part)
        # Compressed on the way, a file has neither a known length nor a place to go on from.
        headers = {**self.headers, "Accept-Encoding": "identity", "Range": f"bytes={have}-"}
        session = self.client.get_session()
        with session.stream("GET", url, headers=headers, timeout=TIMEOUT_S) as response:
            if response.status_code in BUSY:
                raise _Busy(f"the server answers {response.status_code}")
            self.client.utils.hf_raise_for_status(response)
            if response.status_code != 206 and have:
                on_bytes(-have)
                have = 0
            with part.open("ab" if have else "wb") as out:
                for piece in response.iter_bytes(PIECE_BYTES):
                    have += len(piece)
                    if have > file.size_bytes:
                        raise BadInputError(
                            f"{file.path} is larger than the {file.size_bytes} bytes announced"
                        )
                    out.write(piece)
                    on_bytes(len(piece))
        if have < file.size_bytes:
            raise httpx2.ReadError(f"the connection ended after {have} of {file.size_bytes} bytes")


def open_hub() -> Hub:
    """The hub that the user's environment names (HF_ENDPOINT), else the public one.

    Raises:
        ModuleNotFoundError: huggingface_hub is not installed.
    """
    import huggingface_hub
    from huggingface_hub.utils import build_hf_headers

    address = os.environ.get("HF_ENDPOINT", PUBLIC_HUB).rstrip("/")
    headers = build_hf_headers(library_name="rs-copilot", library_version=__version__)
    return Hub(address, headers, huggingface_hub)


def _is_wanted(name: str) -> bool:
    return "/" not in name and not name.startswith(".") and is_data(name)


def _file_of(item: Any) -> ModelFile:  # noqa: ANN401  comes without types
    if item.size is None:
        raise BadInputError(f"the hub does not say how large {item.rfilename} is")
    # Files in LFS are known by their SHA-256, small ones by what git calls them.
    hashes = {"sha256": item.lfs.sha256} if item.lfs else {"git_sha1": item.blob_id}
    return ModelFile.model_validate({"path": item.rfilename, "size_bytes": item.size, **hashes})


def _no_weights(card: VlmCard, names: list[str]) -> BadInputError:
    pickles = [name for name in names if Path(name).suffix in PICKLES]
    found = f"weights as {pickles[0]} only" if pickles else "no weights"
    return BadInputError(
        f"{card.repository} has {found}, expected model*.safetensors",
        hint="Pickles can run any code and are never loaded. Choose a repository with safetensors.",
    )


def _named(licence: Licence, page: Any) -> Licence:  # noqa: ANN401
    """The licence with the name on the model's page: a catalog may be older than that."""
    said = str(getattr(page, "license_name", None) or getattr(page, "license", None) or "other")
    is_same = said.lower().replace("-", " ") == licence.name.lower().replace("-", " ")
    if said == "other" or is_same or not re.fullmatch(r"[\w.+ -]{1,64}", said):
        return licence
    return licence.model_copy(update={"name": said, "is_open": licence.is_open and is_same})


def _size_of(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _wait(pause_s: float, on_bytes: Callable[[int], None]) -> None:
    """Sleep, and hear a cancel meanwhile."""
    until_s = time.monotonic() + pause_s
    while (left_s := until_s - time.monotonic()) > 0:
        on_bytes(0)
        time.sleep(min(left_s, 0.2))


@contextmanager
def _hub_errors(address: str, repository: str | None) -> Iterator[None]:
    """What the client raises, as what it means to the user."""
    from huggingface_hub import errors

    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise MissingDependencyError(
            "HF_HUB_OFFLINE forbids to fetch models.", hint="Unset it, or use `rs-copilot models add FOLDER`."
        ) from error
    except errors.GatedRepoError as error:
        raise MissingDependencyError(
            f"{repository} is given only to who agrees to its terms on its page at {address}.",
            hint="Agree there, then log in: hf auth login",
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise BadInputError(
            f"{address} has no such model, commit or file: {repository}",
            hint="Check the name; a private repository needs `hf auth login`.",
        ) from error
    except (httpx2.HTTPError, errors.HFValidationError) as error:
        raise MissingDependencyError(
            f"The hub {address} cannot be used: {_first_line(error)}", hint=HINT_OFFLINE
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
