"""Minimum cut of a small directed network: the cheapest way to give every vertex one of two labels."""

from __future__ import annotations

from collections import deque

SOURCE, SINK = 0, 1
INFINITE = 1 << 60


class Network:
    """Vertices 0 (source), 1 (sink) and those made by `vertex`; edges with integer capacities."""

    def __init__(self) -> None:
        """Start with the source and the sink."""
        self.edges: list[list[int]] = [[], []]
        self.ends: list[int] = []
        self.capacity: list[int] = []

    def vertex(self) -> int:
        """A new vertex."""
        self.edges.append([])
        return len(self.edges) - 1

    def edge(self, start: int, end: int, capacity: int) -> None:
        """Pay `capacity` when `start` is labelled like the source and `end` like the sink."""
        for own, other, amount in ((start, end, capacity), (end, start, 0)):
            self.edges[own].append(len(self.ends))
            self.ends.append(other)
            self.capacity.append(amount)

    def sink_side(self) -> set[int]:
        """The vertices labelled like the sink in the cheapest labelling; the fewest, where several are as cheap."""
        while self._augment():
            pass
        return set(self._distances())

    def _distances(self) -> dict[int, int]:
        """Edges with free capacity from each vertex to the sink; vertices without such a path are left out."""
        found = {SINK: 0}
        queue = deque([SINK])
        while queue:
            here = queue.popleft()
            for edge in self.edges[here]:
                before = self.ends[edge]
                if before not in found and self.capacity[edge ^ 1]:
                    found[before] = found[here] + 1
                    queue.append(before)
        return found

    def _augment(self) -> bool:
        """Send what flow fits along shortest paths (one phase of Dinic's method); False when the source is cut off."""
        distance = self._distances()
        if SOURCE not in distance:
            return False
        tried = [0] * len(self.edges)
        path: list[int] = []
        here = SOURCE
        while True:
            if here == SINK:
                here = self._push(path)
                continue
            edge = self._next_edge(here, tried, distance)
            if edge is not None:
                path.append(edge)
                here = self.ends[edge]
            elif path:
                here = self.ends[path.pop() ^ 1]
                tried[here] += 1
            else:
                return True

    def _next_edge(self, here: int, tried: list[int], distance: dict[int, int]) -> int | None:
        """An edge with free capacity that comes one step nearer to the sink."""
        edges = self.edges[here]
        while tried[here] < len(edges):
            edge = edges[tried[here]]
            end = self.ends[edge]
            if self.capacity[edge] and distance.get(end, -1) == distance[here] - 1:
                return edge
            tried[here] += 1
        return None

    def _push(self, path: list[int]) -> int:
        """Send flow along the path, cut it back to its first full edge, and return the vertex it now ends at."""
        amount = min(self.capacity[edge] for edge in path)
        full = 0
        for place, edge in reversed(list(enumerate(path))):
            self.capacity[edge] -= amount
            self.capacity[edge ^ 1] += amount
            if not self.capacity[edge]:
                full = place
        end = self.ends[path[full] ^ 1]
        del path[full:]
        return end
