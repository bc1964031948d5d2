"""Retrieval, then the learned dense field over the first tiles: what a second look at few places adds.

It is run where attitude is known: the frame is drawn once, and every tile asks for one correlation.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from benchmarks.retrieval.networks import Network
from benchmarks.retrieval.places import Place
from benchmarks.retrieval.queries import Condition, Query
from benchmarks.retrieval.ranking import RANKS
from rs_copilot.localization.field_look import FieldFrame, FieldMap
from rs_copilot.localization.patches import Pyramid
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.retrieve import guesses
from rs_copilot.localization.sweep import Hit, Null
from rs_copilot.raster.source import open_raster
from rs_copilot.retrieval.dense import open_dense

TILES = 50
DETAIL_PX = 64.0


class TwoStage:
    """Ranks the first tiles of a network anew."""

    def __init__(self, network: Network, places: list[Place]) -> None:
        self.name = f"{network.name}, then its dense field over the first {TILES} tiles"
        self._retriever = network.retriever
        self._dense = open_dense()
        if self._dense is None:
            raise SystemExit("the weights of the dense field are not here")
        self._files = ExitStack()
        self._references = [self._reference(place) for place in places]

    def _reference(self, place: Place) -> Reference:
        source = self._files.enter_context(open_raster(place.raster))
        return Reference(source.read, source.info.bounds_m, source.info.gsd_m, source.info.metric_crs)

    def rank(self, query: Query, condition: Condition) -> list[int]:
        """The best tiles of a query: by the correlation somewhere within half a side of the centre."""
        gallery = self._retriever.gallery
        (guess,) = guesses(
            query.shape(tilt_known=True), gallery.manifest.sides_m, scale_known=True, heading_known=True
        )
        tiles = [hit.tile for hit in self._retriever.find(query.image, [guess], TILES)]
        pyramid = Pyramid.of(query.image)
        frames: dict[int, FieldFrame] = {}
        values = []
        for tile in tiles:
            raster = int(gallery.tiles.raster[tile])
            if raster not in frames:
                frames[raster] = FieldFrame(pyramid, FieldMap(self._references[raster], self._dense))
            reach = 0.5 * float(gallery.tiles.side_m[tile]) / guess.view.width_m
            hit = Hit(guess.view, gallery.tiles.center_xy_m[tile], 0.0, Null(1.0, 1.0))
            values.append(frames[raster].look(hit, DETAIL_PX, reach).value)
        return [tiles[i] for i in np.argsort(-np.array(values), kind="stable")[: RANKS[-1]]]
