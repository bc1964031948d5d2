"""Print the machine's pip settings as shell lines that make uv follow them.

pip reads its configuration files, uv does not; a machine behind a mirror, with a certificate of its own or
with a folder of wheels has usually told pip only. Standard library only: this runs before anything is
installed, with any Python 3.
"""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys

# pip's name: uv's variable, and what separates several values there.
NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", ""),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", ""),
    "timeout": ("UV_HTTP_TIMEOUT", ""),
    "default-timeout": ("UV_HTTP_TIMEOUT", ""),
}
# Where pip says a setting comes from, weakest first.
SECTIONS = ("global", "install", ":env:")


def pip_settings(listing: str) -> dict[str, list[str]]:
    """Parse the output of ``pip config list``: one ``section.name='value'`` per line."""
    settings: dict[str, list[str]] = {}
    rank: dict[str, int] = {}
    for line in listing.splitlines():
        key, _, literal = line.partition("=")
        section, _, name = key.rpartition(".")
        if section not in SECTIONS or name not in NAMES or rank.get(name, -1) > SECTIONS.index(section):
            continue
        rank[name] = SECTIONS.index(section)
        settings[name] = str(ast.literal_eval(literal)).split()
    return settings


def uv_lines(settings: dict[str, list[str]], environment: dict[str, str]) -> list[str]:
    """Shell lines for uv; what the environment says already stays."""
    lines = []
    for name, values in settings.items():
        variable, separator = NAMES[name]
        if values and variable not in environment:
            value = separator.join(values) if separator else values[-1]
            lines.append(f"export {variable}={shlex.quote(value)}")
    # pip takes the best version of all indexes. Safe here: every archive is checked against the lock's hash.
    lines.append("export UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match}")
    lines.append("export UV_PYTHON_DOWNLOADS=never")
    return lines


def main() -> int:
    """Ask the pip of this interpreter and print the lines; without pip, only the constant ones."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    listing = result.stdout if result.returncode == 0 else ""
    print("\n".join(uv_lines(pip_settings(listing), dict(os.environ))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
