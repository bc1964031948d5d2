"""How well tiles are retrieved: trained and untrained networks, bags of words, exhaustive search.

    python -m benchmarks.retrieval [--data DIR] --model cvaa-s=core/rs_copilot/retrieval/weights/cvaa-s.onnx

Gallery and queries are those of `places` and `queries`. A hit is a tile that holds the true point at the
query's centre within half a tile of its own centre. What is *known* of a query is its truth with the errors
that telemetry has (3° of heading, 8 % of scale); the position is never known.

* `places`: rasters of the gallery; `queries`: frames with truth; `conditions`: what is known of them.
* `networks`, `bags`, `dense`: methods; `pairs`: University-1652 thumbnails; `speed`; `report`.
"""
