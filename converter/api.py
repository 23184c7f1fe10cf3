"""convert(): the stages of a conversion, in order. Pure; `convert_file` streams the result to a file."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from converter.encryption import NO_KEYS, Decryption, encrypted, encrypted_size
from converter.errors import fail
from converter.ir import Note, Stage
from converter.mindir.frontend import read_mindir
from converter.mslite.writer import Layout, lay_out
from converter.output import replacing
from converter.passes.base import Modes
from converter.passes.fuse.official import left_out
from converter.passes.interface.wanted import interface_of
from converter.passes.pipeline import PIPELINE
from converter.passes.runner import run_passes
from converter.plugins import with_plugins
from converter.quantize.interface import set_quantized_types
from converter.reference.footprint import footprint
from converter.report import MemoryReport, Report, TensorReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from converter.encryption import Keys
    from converter.ir import Model, Value
    from converter.options import ConvertOptions
    from converter.quantize.calibrate import Progress


@dataclass(frozen=True)
class ConversionResult:
    """The converted model, its bytes ready to be streamed, and the report."""

    model: Model
    layout: Layout
    report: Report


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A conversion makes one large graph and keeps it: to look for garbage in it takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_collector_paused()
def convert(
    source: Path,
    options: ConvertOptions,
    *,
    keys: Keys = NO_KEYS,
    watch: Callable[[str, Model], None] | None = None,
    progress: Progress | None = None,
) -> ConversionResult:
    """Convert one MindIR model; print nothing, read `source`, its split weights and calibration data.

    Nothing is written but the statistics in the `workspace` of a quantization that names one. `watch` is called with
    the name of each stage or pass and the model after it, `progress` with each finished calibration run. Raises
    `ConversionError`.
    """
    decryption = None if keys.decrypt is None else Decryption(keys.decrypt, options.decrypt_mode)
    model = read_mindir(source, decryption)
    model.wanted = interface_of(options, model)
    if decryption is not None:
        model.notes.append(Note("encryption", f"the MindIR was decrypted with {decryption.mode}"))
    if watch is not None:
        watch("read", model)
    modes = Modes.TRAINING if options.train else Modes.INFERENCE
    pipeline = with_plugins(PIPELINE)
    unwanted = left_out(model, pipeline, disable_fusion=options.disable_fusion, blacklist=options.fusion_blacklists)
    skip = (*options.skip_passes, *unwanted)
    run_passes(model, pipeline, modes=modes, skip=skip, verify_each=options.verify_each, watch=watch)
    # Imported where they are needed: most conversions are short, and importing is most of their time.
    quantization = None
    if options.quant is not None:
        from converter.quantize.apply import quantize  # noqa: PLC0415 - as said

        quantization = quantize(model, options.quant, progress)
        model.stage = Stage.QUANTIZED
        if watch is not None:
            watch("quantize", model)
    elif any(value.quant for node in model.main.nodes for value in node.outputs):
        from converter.quantize.trained import quantize_as_trained  # noqa: PLC0415 - as said

        quantization = quantize_as_trained(model)
        model.stage = Stage.QUANTIZED
        if watch is not None:
            watch("quantize", model)
    set_quantized_types(model)
    if not options.train:
        _store_halves(model, options)
        if watch is not None and options.fp16:
            watch("store-as-float16", model)
    if options.infer:
        from converter.reference.trial import try_once  # noqa: PLC0415 - as said

        model.notes.extend(try_once(model))
    layout = lay_out(model)
    report = replace(_report(model, source, layout), quantization=quantization)
    return ConversionResult(model, layout, report)


def _store_halves(model: Model, options: ConvertOptions) -> None:
    """Constants as float16: all of them with --fp16=on, else those that came so and lose nothing."""
    from converter.quantize.half import keep_float16, store_as_float16  # noqa: PLC0415 - only where it is asked for

    if options.fp16:
        store_as_float16(model)
    elif options.quant is None:
        keep_float16(model)


def convert_file(
    source: Path,
    target: Path,
    options: ConvertOptions,
    *,
    keys: Keys = NO_KEYS,
    watch: Callable[[str, Model], None] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Convert `source` into the file `target`, which is whole or untouched. Raises `ConversionError`."""
    if options.encrypt and keys.encrypt is None:
        raise fail("E104", "the output is to be encrypted, but there is no key", hint="give it with --encryptKey")
    result = convert(source, options, keys=keys, watch=watch, progress=progress)
    with replacing(target) as file:
        if keys.encrypt is None:
            result.layout.write(file)
        else:
            file.writelines(encrypted(result.layout.chunks(), keys.encrypt))
        for read in result.model.files:
            read.check_unchanged()
    if keys.encrypt is None:
        return result.report
    note = ("encryption", "the file is encrypted with AES-GCM", None)
    return replace(result.report, size=encrypted_size(result.report.size), notes=(*result.report.notes, note))


def describe_file(path: Path) -> Report:
    """Report on a `.ms` file, whoever converted it. Raises `ConversionError` E310 when it is none."""
    from converter.mslite.reader import read_model  # noqa: PLC0415 - a conversion needs no FlatBuffers library

    model = read_model(path)
    constants = sum(len(graph.constants()) for graph in model.graphs)
    return _described(model, path, constants, path.stat().st_size)


def _report(model: Model, source: Path, layout: Layout) -> Report:
    """Counts, interface and notes of a conversion."""
    return _described(model, source, len(layout.constants), layout.size)


def _described(model: Model, source: Path, constants: int, size: int) -> Report:
    needs = footprint(model)
    return Report(
        source=source.name,
        producer=model.producer,
        nodes=sum(len(graph.nodes) for graph in model.graphs),
        constants=constants,
        size=size,
        inputs=tuple(_tensor(value) for value in model.main.inputs),
        outputs=tuple(_tensor(value) for value in model.main.outputs),
        notes=tuple((note.kind, note.message, note.node) for note in model.notes),
        labels=tuple(value.name for value in needs.labels),
        memory=None if needs.inference is None else MemoryReport(needs.constants, needs.inference, needs.training),
    )


def _tensor(value: Value) -> TensorReport:
    kind = value.type
    return TensorReport(value.name, kind.dtype.name.lower(), kind.shape or (), value.layout.name)
