"""Collect the plugin's translatable texts: ``tools/translations.py`` writes ``i18n/rs_copilot_*.ts``.

The texts are the literals in calls of ``tr``. Translations that exist are kept, texts that are gone are
dropped. Qt's ``lrelease`` (Debian: ``qttools5-dev-tools``) then compiles them to the ``.qm`` that QGIS reads;
these are kept in the repository, so that packaging does not need Qt's tools.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "i18n"
CONTEXT = "RsCopilot"
LANGUAGES = ("de",)


def texts() -> dict[str, str]:
    """Every text, with the file that it first appears in."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "rs_copilot_plugin").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr"):
                continue
            if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                found.setdefault(node.args[0].value, path.relative_to(ROOT).as_posix())
    return found


def known_translations(path: Path) -> dict[str, str]:
    """What has been translated already."""
    if not path.is_file():
        return {}
    # The project's own file, not input from elsewhere.
    root = ElementTree.fromstring(path.read_text(encoding="utf-8").split("\n", 2)[2])  # noqa: S314
    pairs = ((m.findtext("source") or "", m.findtext("translation") or "") for m in root.iter("message"))
    return {source: translation for source, translation in pairs if translation}


def document(language: str, known: dict[str, str]) -> str:
    """The file for one language, in the order of the source."""
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ElementTree.SubElement(root, "context")
    ElementTree.SubElement(context, "name").text = CONTEXT
    for text, source in texts().items():
        message = ElementTree.SubElement(context, "message")
        ElementTree.SubElement(message, "location", filename=f"../{source}")
        ElementTree.SubElement(message, "source").text = text
        translation = ElementTree.SubElement(message, "translation")
        if text in known:
            translation.text = known[text]
        else:
            translation.set("type", "unfinished")
    ElementTree.indent(root, " ")
    head = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n'
    return f"{head}{ElementTree.tostring(root, encoding='unicode')}\n"


def compile_all() -> bool:
    """Compile every language; whether ``lrelease`` was there to do it."""
    lrelease = shutil.which("lrelease") or shutil.which("lrelease-qt5")
    if lrelease is None:
        return False
    for language in LANGUAGES:
        subprocess.run([lrelease, "-silent", str(FOLDER / f"rs_copilot_{language}.ts")], check=True)
    return True


def main() -> int:
    """Write and compile the files, or with ``--check`` say whether the texts are up to date."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    FOLDER.mkdir(exist_ok=True)
    stale = []
    for language in LANGUAGES:
        path = FOLDER / f"rs_copilot_{language}.ts"
        wanted = document(language, known_translations(path))
        if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
            stale.append(path.name)
            if not check:
                path.write_text(wanted, encoding="utf-8")
    print(f"{len(texts())} texts; {'stale' if check else 'written'}: {', '.join(stale) or 'none'}")
    if not check and not compile_all():
        print("lrelease was not found: install it and run this again to compile the .qm", file=sys.stderr)
        return 1
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
