"""Scan the plugin's zip as the QGIS repository does, and more strictly: every rule of Bandit, and secrets.

Zero findings are allowed. A finding that is none gets ``# nosec Bxxx`` with the reason beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from build_plugin import build

# detect-secrets' name for a long hexadecimal string.
HASH = "Hex High Entropy String"


def run_json(command: list[str], cwd: Path) -> dict[str, object]:
    """Run a scanner and read the JSON document it prints.

    Raises:
        RuntimeError: it printed none; the message holds what it said instead.
    """
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    try:
        document: dict[str, object] = json.loads(result.stdout)
    except json.JSONDecodeError as error:
        raise RuntimeError(f"{' '.join(command)} printed no JSON: {result.stderr[-2000:]}") from error
    return document


def bandit_findings(folder: Path) -> list[str]:
    """All of Bandit's rules over the unpacked plugin."""
    document = run_json([sys.executable, "-m", "bandit", "-q", "-r", ".", "-f", "json"], folder)
    results = document.get("results", []) + document.get("errors", [])  # type: ignore[operator]
    return [
        f"bandit {r.get('test_id', 'error')} {r['filename']}:{r.get('line_number', 0)}: "
        f"{r.get('issue_text') or r.get('reason')}"
        for r in results
    ]


def is_hash_of_a_card(name: str, kind: object) -> bool:
    """Whether a finding is a checksum in the card of packaged weights: those are there to be published."""
    return Path(name).parts[-2:-1] == ("weights",) and name.endswith(".json") and kind == HASH


def secret_findings(folder: Path) -> list[str]:
    """Everything that looks like a secret to detect-secrets, and is none of our own checksums."""
    document = run_json([sys.executable, "-m", "detect_secrets", "scan", "--all-files", "."], folder)
    results: dict[str, list[dict[str, object]]] = document["results"]  # type: ignore[assignment]
    return [
        f"detect-secrets {name}:{secret['line_number']}: {secret['type']}"
        for name, secrets in results.items()
        for secret in secrets
        if not is_hash_of_a_card(name, secret["type"])
    ]


def scan(archive_path: Path) -> list[str]:
    """Unpack the archive and scan what is in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with zipfile.ZipFile(archive_path) as archive:
            archive.extractall(folder)
        return bandit_findings(folder) + secret_findings(folder)


def main() -> int:
    """Scan a given zip, or one built from the checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, nargs="?")
    given: Path | None = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as name:
        archive_path = given or build(Path(name))
        findings = scan(archive_path)
    print("\n".join(findings) or f"{archive_path.name}: no findings")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
