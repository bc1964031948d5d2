"""The map that a model is shown: north up, what lies where stands there, and its numbers too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine

from rs_copilot.asking.map_picture import COLOUR, MAP_BUDGET, MapView, read_map
from rs_copilot.asking.planner import vlm_planner
from rs_copilot.asking.summary import summary_of
from rs_copilot.errors import BadInputError
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.prior import Prior, PriorTile
from rs_copilot.reasoning.question import Question
from rs_copilot.types import SizeWH
from rs_copilot.vlm.families import QWEN3_VL, RSCOVLM
from rs_copilot.vlm.messages import ImagePart
from rs_copilot.vlm.scripted import ScriptedBackend
from tests.engine.asking.models import COUNT_ENTERED, said
from tests.engine.reasoning import town
from tests.engine.vlm.eyes import MAGENTA, boxes_of, painted, save_raster, seen

# A magenta square on the ground, away from zones and roads, in metres from the town's origin.
SQUARE = (40.0, -20.0, 48.0, -12.0)
ENTERED = Question(text="How many vehicles entered the market?")


@pytest.fixture(scope="module")
def memory() -> Memory:
    return town.memory_once()


@pytest.fixture(scope="module", params=[0.0, -35.0, 180.0], ids=["north up", "turned", "upside down"])
def raster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A map of the town with the square."""
    middle = Affine.translation(*town.place(90, 0)) @ Affine.rotation(request.param)
    place = middle @ Affine.scale(0.5, -0.5) @ Affine.translation(-400, -400)
    image = painted(SizeWH(800, 800))
    corners = np.array([~place @ tuple(xy) for xy in shapely.get_coordinates(town.box(*SQUARE))])
    rows, columns = np.mgrid[0:800, 0:800] + 0.5
    image[shapely.contains_xy(shapely.Polygon(corners), columns, rows)] = MAGENTA
    return str(save_raster(tmp_path_factory.mktemp("map") / "town.tif", image, place))


@pytest.mark.parametrize("family", [RSCOVLM, QWEN3_VL], ids=lambda family: family.name)
def test_places_stand_where_they_are(memory: Memory, raster: str, family: object) -> None:
    found = read_map(MapView(raster), memory, (), family)
    assert found is not None
    (box,) = boxes_of(found.pixels, MAGENTA)
    expected = found.places_px(town.ORIGIN + np.array([[SQUARE[0], SQUARE[3]], [SQUARE[2], SQUARE[1]]]))
    assert np.abs(np.array(box).reshape(2, 2) - expected).max() < 1.6
    square = shapely.transform(town.box(*SQUARE), lambda xy: town.geo_crs.to_lonlat(xy, town.CRS))
    assert np.abs(np.array(found.box_px(square)) - expected.ravel()).max() < 1.5
    # It is shown in the size in which it is sent.
    assert seen(found.part, family).shape == found.pixels.shape
    assert found.pixels.shape[0] * found.pixels.shape[1] <= MAP_BUDGET.max_px


def test_things_are_drawn_with_the_numbers_of_the_list(memory: Memory, raster: str) -> None:
    shown = summary_of(memory, ENTERED).shown
    plain, drawn = (read_map(MapView(raster), memory, items, RSCOVLM) for items in ((), shown))
    assert plain is not None
    assert drawn is not None
    changed = (plain.pixels != drawn.pixels).any(axis=2)
    depot = memory.by_key["zones 0"]
    west, south, east, north = depot.shape.bounds
    edge = drawn.places_px(np.array([[west, (south + north) / 2], [(west + east) / 2, north]]))
    for x, y in edge.astype(int):
        assert changed[y - 2 : y + 3, x - 2 : x + 3].any()
    assert boxes_of(drawn.pixels, COLOUR)
    # Far Field lies two hundred metres away: it is in the list, and not on the picture.
    assert any(thing.name == "Far Field" for thing in shown)


def test_a_prior_is_told_with_its_squares(memory: Memory, raster: str) -> None:
    inside, outside = (
        shapely.transform(town.box(*box), lambda xy: town.geo_crs.to_lonlat(xy, town.CRS))
        for box in ((20, -20, 60, 20), (80, -20, 120, 20))
    )
    tiles = (PriorTile(1, 0.8, inside), PriorTile(2, 0.6, outside))
    for prior, is_told in (
        (Prior(tiles, 0.2, is_withheld=False), True),
        (Prior(tiles, 0.2, is_withheld=True), False),
    ):
        model = ScriptedBackend([said(COUNT_ENTERED)])
        vlm_planner(model, MapView(raster), prior)(ENTERED, memory)
        (picture, words) = model.heard[0][-1].parts
        assert isinstance(picture, ImagePart)
        assert ("P1: rank 1" in words.text) == is_told
        assert "north up" in words.text
        if is_told:
            found = read_map(MapView(raster), memory, (), RSCOVLM, prior)
            assert found is not None
            box = found.box_px(inside)
            assert f"pixels {list(box or ())}" in words.text


def test_beside_the_map_there_is_no_picture(memory: Memory, tmp_path: Path) -> None:
    place = Affine.translation(*town.place(5000, 5000)) @ Affine.scale(0.25, -0.25)
    raster = save_raster(tmp_path / "far.tif", painted(SizeWH(64, 64)), place)
    assert read_map(MapView(str(raster)), memory, (), RSCOVLM) is None
    model = ScriptedBackend([said(COUNT_ENTERED)])
    vlm_planner(model, MapView(str(raster)))(ENTERED, memory)
    assert not model.heard[0][-1].pictures
    assert "north up" not in model.heard[0][-1].text
    empty = replace(memory, views=replace(memory.views, times_s=np.zeros(0)), things=())
    assert read_map(MapView(str(raster)), empty, (), RSCOVLM) is None


def test_a_file_that_is_no_map_is_said(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "map.tif"
    path.write_text("no map", encoding="utf-8")
    with pytest.raises(BadInputError):
        read_map(MapView(str(path)), memory, (), RSCOVLM)
