"""Lineage: what led to what around one order, as a graph: event -> case -> decision -> plan -> promise -> message.

Behind "why was my order moved". networkx is imported here only.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import networkx as nx
from sqlalchemy import Connection, select

from core import decisions, events, orders
from core.clock import iso
from core.store.tables import case, message, plan, promise

Graph: TypeAlias = Any
"""a networkx.DiGraph; networkx ships no types"""


def of_order(db: Connection, order_id: str) -> Graph:
    """Every record that touched this order. Nodes carry kind, at and words; an edge says that one led to the other."""
    row = orders.get(db, order_id)
    graph: Graph = nx.DiGraph()
    _add(graph, row.id, "order", row.created_at, f"order {row.ref} received")
    for fact in [*events.of(db, row.id), *events.of(db, row.stop_id)]:
        _add(graph, f"event:{fact.seq}", "event", fact.at, fact.kind)
        graph.add_edge(row.id, f"event:{fact.seq}")
    for worked in db.execute(select(case).where(case.c.subject.in_([row.id, row.stop_id])).order_by(case.c.opened_at)):
        _case(db, graph, row.id, worked)
    _promises(db, graph, row.id)
    return graph


def _add(graph: Graph, node: str, kind: str, at: Any, words: str) -> None:
    graph.add_node(node, kind=kind, at=iso(at), words=words)


def _case(db: Connection, graph: Graph, order_id: str, worked: Any) -> None:
    _add(graph, worked.id, "case", worked.opened_at, f"case {worked.kind.replace('_', ' ')}")
    before = [
        n for n, data in graph.nodes(data=True) if data["kind"] == "event" and data["at"] <= iso(worked.opened_at)
    ]
    graph.add_edge(max(before, key=lambda n: graph.nodes[n]["at"]) if before else order_id, worked.id)
    for made in decisions.of_case(db, worked.id):
        who = made.approver or f"rule {made.rule}"
        _add(graph, made.id, "decision", made.at, f"{made.action} {made.verdict} by {who}")
        graph.add_edge(worked.id, made.id)
        for version in db.execute(select(plan).where(plan.c.decision_id == made.id)):
            node = f"plan:{version.depot_id}:{version.day}:{version.version}"
            _add(graph, node, "plan", version.created_at, f"plan version {version.version}")
            graph.add_edge(made.id, node)


def _promises(db: Connection, graph: Graph, order_id: str) -> None:
    told = db.execute(
        select(promise, message.c.case_id, message.c.template)
        .join(message, message.c.id == promise.c.message_id)
        .where(promise.c.order_id == order_id)
        .order_by(promise.c.made_at, promise.c.id)
    )
    for row in told:
        _add(graph, row.message_id, "message", row.made_at, f"message {row.template}")
        _add(graph, row.id, "promise", row.made_at, f"promised until {iso(row.hi)}, {row.status}")
        graph.add_edge(row.message_id, row.id)
        made = list(graph.successors(row.case_id)) if row.case_id in graph else []
        graph.add_edge(made[0] if made else order_id, row.message_id)


def chain(graph: Graph, node: str) -> list[str]:
    """How it came to `node`: the words of everything on the longest way that leads to it, oldest first."""
    up = graph.subgraph(nx.ancestors(graph, node) | {node})
    return [str(graph.nodes[each]["words"]) for each in nx.dag_longest_path(up)]


def newest(graph: Graph, *kinds: str) -> str | None:
    """The last thing of these kinds that happened."""
    found = [(data["at"], node) for node, data in graph.nodes(data=True) if data["kind"] in kinds]
    return max(found)[1] if found else None


def as_json(graph: Graph) -> dict[str, Any]:
    """Nodes in time order and edges, for pictures."""
    nodes = sorted(({"id": n, **data} for n, data in graph.nodes(data=True)), key=lambda n: (n["at"], n["id"]))
    return {"nodes": nodes, "edges": sorted([a, b] for a, b in graph.edges())}
