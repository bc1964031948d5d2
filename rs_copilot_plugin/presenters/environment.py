"""What the settings dialog says about the engine's environment: where it is, and what a new one costs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from rs_copilot_plugin.engine.environment import PLUGIN_FOLDER, engine_folder, find_engine
from rs_copilot_plugin.engine.install_plan import (
    InstallPlan,
    NoPythonError,
    Tools,
    is_complete,
    managed_folders,
    plan_install,
)


@dataclass(frozen=True)
class EngineFacts:
    """The engine that would be started. ``kind`` is empty where there is none."""

    kind: str = ""
    program: str = ""


@dataclass(frozen=True)
class InstallOffer:
    """What creating an environment would need; ``problem`` says why it cannot be created here."""

    plan: InstallPlan | None = None
    free_bytes: int = 0
    with_uv: bool = False
    problem: str = ""
    exists: bool = False

    @property
    def fits(self) -> bool:
        """Whether the disk has room for it."""
        return self.plan is not None and self.free_bytes > self.plan.disk_bytes


def engine_facts(own_interpreter: str) -> EngineFacts:
    """Look up the engine as a start would."""
    command = find_engine(own_interpreter)
    return EngineFacts() if command is None else EngineFacts(command.kind, command.argv[0])


def offer_install(tools: Tools, variant: str = "cpu") -> InstallOffer:
    """Plan an environment for this machine, without doing anything."""
    code = engine_folder(PLUGIN_FOLDER)
    if code is None:
        return InstallOffer(problem="The plugin's folder lacks the engine; install the plugin again.")
    try:
        plan = plan_install(code / "locks", tools, variant)
    except (NoPythonError, OSError) as error:
        return InstallOffer(problem=str(error))
    return InstallOffer(plan, free_bytes_at(plan.folder), bool(tools.uv), exists=is_complete(plan.folder))


def can_train() -> bool:
    """Whether an environment with the packages for training was made by the plugin."""
    code = engine_folder(PLUGIN_FOLDER)
    folders = [] if code is None else managed_folders(code / "locks")
    return any(is_complete(folder) for folder in folders if not folder.name.startswith("cpu-"))


def free_bytes_at(folder: Path) -> int:
    """Free space on the disk that a folder, which may not exist yet, would be on."""
    existing = next((path for path in (folder, *folder.parents) if path.exists()), Path.home())
    return shutil.disk_usage(existing).free


def gigabytes(size_bytes: int) -> str:
    """A size for people."""
    return f"{size_bytes / 1e9:.1f} GB"
