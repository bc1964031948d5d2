"""Commands as data: menu, toolbar and shortcuts are made from this table."""

from __future__ import annotations

from dataclasses import dataclass

from .translate import tr


@dataclass(frozen=True)
class Action:
    """One command. ``handler`` names a method of the plugin; ``icon`` a file in ``resources/icons``."""

    id: str
    text: str
    tip: str
    icon: str
    handler: str
    shortcut: str = ""
    checkable: bool = False
    on_toolbar: bool = True


def all_actions() -> list[Action]:
    """Every command of the plugin, in menu order. Texts are made when asked, after the translator is in."""
    return [
        Action(
            "show_panel",
            tr("&RS Copilot Panel"),
            tr("Show or hide the panel where clips are located on the map"),
            "rs_copilot.svg",
            "toggle_panel",
            "Ctrl+Alt+R",
            checkable=True,
        ),
        Action(
            "show_video",
            tr("&Video Panel"),
            tr("Show or hide the video that is linked to the map"),
            "video.svg",
            "toggle_video",
            "Ctrl+Alt+V",
            checkable=True,
        ),
        Action(
            "show_look",
            tr("&Look Panel"),
            tr("Show or hide the panel where a model is asked about the map and the video"),
            "look.svg",
            "toggle_look",
            "Ctrl+Alt+A",
            checkable=True,
        ),
        Action(
            "show_ask",
            tr("As&k Panel"),
            tr("Show or hide the panel where questions to the scene are answered with evidence"),
            "ask_map.svg",
            "toggle_ask",
            "Ctrl+Alt+K",
            checkable=True,
        ),
        Action(
            "seek_tool",
            tr("&Seek Video on Map"),
            tr("Click on the map: the video jumps to the moments that see this point"),
            "seek.svg",
            "use_seek_tool",
            "Ctrl+Alt+S",
            checkable=True,
        ),
        Action(
            "open_scene",
            tr("&Open Scene…"),
            tr("Load a scene GeoPackage that was made earlier"),
            "open_scene.svg",
            "open_scene",
            on_toolbar=False,
        ),
        Action(
            "models",
            tr("&Models…"),
            tr("Fetch, verify and remove the models that the Look panel asks"),
            "models.svg",
            "open_models",
            on_toolbar=False,
        ),
        Action(
            "settings",
            tr("&Engine and Settings…"),
            tr("Create or choose the engine's environment"),
            "settings.svg",
            "open_settings",
            on_toolbar=False,
        ),
    ]
