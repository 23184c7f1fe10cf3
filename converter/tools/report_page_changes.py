"""What differs between two manifests, in the words of a build: models, sizes, options, files, converter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Models = dict[str, dict[str, Any]]
# Shown as they are; everything else of a record is compared piece by piece or follows from these.
_PLAIN = ("bytes", "converter", "flags", "model")


def changes(before: Models, now: Models) -> list[dict[str, str]]:
    """Return rows of (model, what, before, now), sorted by model."""
    rows = [{"model": name, "what": "model", "before": "", "now": "added"} for name in now.keys() - before.keys()]
    rows += [{"model": name, "what": "model", "before": "removed", "now": ""} for name in before.keys() - now.keys()]
    for name in now.keys() & before.keys():
        rows += [{"model": name, **row} for row in _changed(before[name], now[name])]
    return sorted(rows, key=lambda row: (row["model"], row["what"]))


def _changed(before: dict[str, Any], now: dict[str, Any]) -> Iterator[dict[str, str]]:
    for what in _PLAIN:
        if before.get(what) != now.get(what):
            yield _row(what, before.get(what), now.get(what))
    for group, title in (("options", "option"), ("made_from", "file"), ("memory", "RAM")):
        yield from _pieces(title, _flat(before.get(group)), _flat(now.get(group)))
    for ports in ("inputs", "outputs"):
        if before.get(ports) != now.get(ports):
            yield _row(ports, _ports(before.get(ports)), _ports(now.get(ports)))
    if before.get("sha256") != now.get("sha256"):
        yield _row("sha256", str(before.get("sha256"))[:12], str(now.get("sha256"))[:12])


def _pieces(title: str, before: dict[str, Any], now: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if title == "file":
            old, new = (None if each is None else f"sha256 {str(each)[:12]}" for each in (old, new))
        yield _row(f"{title} {name}", *((old, new) if title == "RAM" else (_plain(old), _plain(new))))


def _row(what: str, before: object, now: object) -> dict[str, str]:
    return {"what": what, "before": _text(before), "now": _text(now)}


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)


def _plain(value: object) -> str | None:
    """Return a setting as it is written in a config: no separators in numbers."""
    return None if value is None else str(value)


def _flat(value: object, prefix: str = "") -> dict[str, Any]:
    """Return nested options by dotted names."""
    if not isinstance(value, dict):
        return {prefix: value} if prefix else {}
    found: dict[str, Any] = {}
    for name, inner in value.items():
        found |= _flat(inner, f"{prefix}.{name}" if prefix else name)
    return found


def _ports(ports: list[dict[str, Any]] | None) -> str:
    return ", ".join(f"{port['name']} {port['dtype']}{port['shape']}" for port in ports or ())
