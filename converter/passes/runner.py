"""Runs passes in order, verifies the model between them, and says which pass broke what."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from converter.errors import ConversionError, Problem, fail
from converter.ir import verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.ir import Model
    from converter.passes.base import Modes, Pass

# Fusions make things smaller, so they come to an end; one that does not is a bug.
_MOST_ROUNDS = 100


def run_passes(
    model: Model,
    passes: Sequence[Pass],
    *,
    modes: Modes,
    skip: Sequence[str] = (),
    verify_each: bool = False,
    watch: Callable[[str, Model], None] | None = None,
) -> None:
    """Run every pass that takes part; the model is verified at the end, or after each pass with `verify_each`.

    Neighboring fusions are repeated together until none changes anything. `watch` is called after each pass with its
    name, for dumps; for fusions after their first run.

    Raises `ConversionError`: E105 for a name in `skip` that cannot be skipped, E901 where a pass left an invalid
    model, and what the passes themselves raise.
    """
    _check_skips(passes, skip)
    done: list[str] = []
    chosen = [each for each in passes if each.modes & modes and each.name not in skip]
    for is_fusion, group in groupby(chosen, key=lambda each: each.is_fusion):
        together = list(group)
        for _ in range(_MOST_ROUNDS):
            changed = False
            for each in together:
                changed |= _run(model, each, done, verify=verify_each or each is chosen[-1])
                if watch is not None and each.name not in done:
                    watch(each.name, model)
                done.append(each.name)
            if not (is_fusion and changed):
                break
        else:
            raise _bug(model, together[0].name, done, f"no end after {_MOST_ROUNDS} rounds")


def _run(model: Model, each: Pass, done: Sequence[str], *, verify: bool) -> bool:
    """One pass, and the verifier behind it."""
    try:
        changed = each.run(model)
    except ConversionError:
        raise
    except MemoryError as problem:
        message = f"pass {each.name!r} needs more memory than there is: {problem}"
        raise fail("E208", message, path=model.path) from problem
    except Exception as problem:
        raise _bug(model, each.name, done, f"{type(problem).__name__}: {problem}") from problem
    broken = verifier.problems_of(model) if verify else []
    if broken:
        raise _bug(model, each.name, done, "; ".join(broken[:3]))
    return changed


def _check_skips(passes: Sequence[Pass], skip: Sequence[str]) -> None:
    """Only known, optional passes can be skipped."""
    optional = {each.name for each in passes if each.optional}
    wrong = [name for name in skip if name not in optional]
    if wrong:
        folds = sorted(each.name for each in passes if each.optional and not each.is_fusion)
        hint = f"passes that can be skipped: {', '.join(folds)}, and the fusions in docs/fusions.md"
        raise ConversionError([Problem("E105", f"pass {name!r} cannot be skipped", hint=hint) for name in wrong])


def _bug(model: Model, name: str, done: Sequence[str], what: str) -> ConversionError:
    """A defect of ours, with what a report needs."""
    before = ", ".join(dict.fromkeys(done)) or "none"
    hint = f"please report this with the model; passes before: {before}"
    return fail("E901", f"bug in pass {name!r}: {what}", path=model.path, hint=hint)
