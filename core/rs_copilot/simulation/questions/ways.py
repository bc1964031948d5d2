"""Exact reachability: the town's road network, walked node by node."""

from __future__ import annotations

from collections.abc import Sequence

from rs_copilot.simulation.network import Edge, Network


def way_exists(network: Network, start: Edge, goal: Edge, shut: Sequence[Edge], through: bool = True) -> bool:
    """Whether one road can be reached from another without some others; with ``through`` closed roads may be
    crossed at their junctions.
    """
    closed = {id(edge) for edge in shut}
    walls = set() if through else {node for edge in shut for node in (edge.node_a, edge.node_b)}
    neighbours: dict[int, list[int]] = {}
    for edge in network.edges:
        if id(edge) not in closed:
            neighbours.setdefault(edge.node_a, []).append(edge.node_b)
            neighbours.setdefault(edge.node_b, []).append(edge.node_a)
    todo = [node for node in (start.node_a, start.node_b) if node not in walls]
    known = set(todo)
    while todo:
        for node in neighbours.get(todo.pop(), ()):
            if node not in known and node not in walls:
                known.add(node)
                todo.append(node)
    return goal.node_a in known or goal.node_b in known
