"""Exact reachability: the town's road network, walked node by node."""

from __future__ import annotations

from collections.abc import Sequence

from rs_copilot.simulation.network import Edge, Network


def way_exists(network: Network, start: Edge, goal: Edge, shut: Sequence[Edge]) -> bool:
    """Whether one road can be reached from another without some others."""
    closed = {id(edge) for edge in shut}
    neighbours: dict[int, list[int]] = {}
    for edge in network.edges:
        if id(edge) not in closed:
            neighbours.setdefault(edge.node_a, []).append(edge.node_b)
            neighbours.setdefault(edge.node_b, []).append(edge.node_a)
    todo = [start.node_a, start.node_b]
    known = set(todo)
    while todo:
        for node in neighbours.get(todo.pop(), ()):
            if node not in known:
                known.add(node)
                todo.append(node)
    return goal.node_a in known or goal.node_b in known
