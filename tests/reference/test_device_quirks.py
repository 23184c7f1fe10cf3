"""The device's 34 quirks: each is embodied in a record that is replayed; the symptoms that can be said in a line."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from recordings import NAMES, Record, difference, folder

from converter.errors import ConversionError
from converter.mslite.reader import read_model
from converter.reference import Session
from converter.reference.convolution import Window, forward

QUIRKS: dict[str, dict[str, Any]] = {
    quirk["name"]: quirk for quirk in json.loads((folder("quirks") / "quirks.json").read_text(encoding="utf-8"))
}
# Seen on nets too large to record; `test_a_convolution_is_closer_to_exact_than_the_devices_winograd` stands for it.
WITHOUT_RECORD = {"winograd"}


def test_there_are_as_many_quirks_as_were_measured() -> None:
    assert len(QUIRKS) == 34


@pytest.mark.parametrize("name", sorted(set(QUIRKS) - WITHOUT_RECORD))
def test_the_records_of_a_quirk_are_replayed(name: str) -> None:
    kinds = [file.split("/") for file in QUIRKS[name]["files"] if file.count("/") == 1]
    assert kinds
    for kind, record in kinds:
        assert record in NAMES[kind]


def _trained(record: Record, steps: int) -> dict[str, np.ndarray]:
    session = record.session()
    for _ in range(steps):
        session.step(record.inputs)
    return session.constants()


def test_gradient_scale_has_no_effect() -> None:
    scaled, plain = Record("quirks", "gradient_scale"), Record("train", "loss_sce_sparse_mean_train")
    for name, values in _trained(scaled, 5).items():
        np.testing.assert_array_equal(values, _trained(plain, 5)[name])


def test_nesterov_momentum_follows_the_formula() -> None:
    record = Record("train", "opt_momentum_nesterov_train")
    before, after = Session(record.model).constants(), _trained(record, 1)
    gradient, rate, momentum = after["moments.a.weight"], before["learning_rate"], before["momentum"]
    wanted = before["a.weight"] - (gradient * momentum + gradient) * rate
    np.testing.assert_allclose(after["a.weight"], wanted, rtol=1e-6)


def test_sgd_clears_only_the_first_element_of_stat() -> None:
    record = Record("quirks", "sgd_dampening_first")
    stat = next(values for name, values in _trained(record, 1).items() if "stat" in name and values.size > 1)
    assert stat.reshape(-1)[0] == 0
    assert (stat.reshape(-1)[1:] == 1).all()


def test_a_label_whose_probability_underflows_costs_minus_log_of_a_millionth() -> None:
    record = Record("quirks", "sce_saturated")
    losses: list[np.ndarray] = []
    session = record.session()
    session.on_kernel = lambda _, node, outputs: (
        losses.append(np.asarray(outputs[0])) if node.op == "SoftmaxCrossEntropyWithLogits" else None
    )
    session.step(record.inputs)
    np.testing.assert_allclose(losses[0].reshape(-1)[1:], -np.log(1e-6), rtol=1e-6)


def test_a_sparse_label_whose_probability_underflows_costs_infinity() -> None:
    record = Record("quirks", "sparse_sce_saturated")
    assert record.session().step(record.inputs).losses == [np.inf]


def test_a_broadcast_constant_stays_as_it_was_compiled() -> None:
    stale, live = Record("quirks", "stale_broadcast_const"), Record("train", "loss_sce_sparse_mean_train")
    sessions = stale.session(), live.session()
    losses = [[session.step(stale.inputs).losses[0] for _ in range(5)] for session in sessions]
    assert losses[0] == pytest.approx(QUIRKS["stale_broadcast_const"]["check"]["losses"], rel=1e-6)
    assert losses[1] == pytest.approx(QUIRKS["stale_broadcast_const"]["check"]["losses_with_BiasAdd"], rel=1e-6)


def test_batch_norm_grad_destroys_a_moving_variance_that_it_reads() -> None:
    record = Record("quirks", "bngrad_moving_variance")
    assert difference(_trained(record, 1)["1.moving_variance"], record.arrays["after1/1.moving_variance"]) < 1e-5
    np.testing.assert_allclose(_trained(record, 1)["1.moving_variance"], 1 / np.sqrt(0.9), rtol=1e-3)


def test_moving_variance_is_unbiased_for_images_and_biased_for_matrices() -> None:
    for name in ("layer_batchnorm2d_train", "layer_batchnorm1d_train"):
        record = Record("train", name)
        order = Session(record.model).roles.order
        norm = next(node for node in order if node.op == "FusedBatchNorm")
        source = next(position for position, node in enumerate(order) if node is norm.inputs[0].producer)
        x = record.arrays[f"trace/{source}/0"].astype(np.float64)
        count = x.size // x.shape[-1]
        batch = x.reshape(count, -1).var(axis=0) * (count / (count - 1) if x.ndim == 4 else 1)
        wanted = 0.9 * Session(record.model).constants()["1.moving_variance"] + 0.1 * batch
        np.testing.assert_allclose(_trained(record, 1)["1.moving_variance"], wanted, rtol=1e-6)


@pytest.mark.parametrize("name", ["sgd_dampening_negative", "sgd_nesterov_dampening"])
def test_an_optimizer_that_fails_to_prepare_never_learns(name: str) -> None:
    session = Session(read_model(folder("accept") / f"{name}.ms"))
    record = Record("train", "opt_sgd_momentum_train")
    losses = {session.step(record.inputs).losses[0] for _ in range(3)}
    assert len(losses) == 1


@pytest.mark.parametrize("name", ["lr_computed", "lr_input"])
def test_a_learning_rate_that_is_no_constant_is_refused_when_the_model_is_compiled(name: str) -> None:
    with pytest.raises(ConversionError, match=r"learning rate that is computed or a graph input"):
        Session(read_model(folder("accept") / f"{name}.ms"))


def test_a_grouped_convolution_is_refused_in_training() -> None:
    with np.load(folder("refuse") / "layer_conv_group_train.npz") as arrays:
        inputs = [arrays["in0"], arrays["in1"]]
    session = Session(read_model(folder("refuse") / "layer_conv_group_train.ms"))
    with pytest.raises(ConversionError, match=r"grouped convolution that trains(.|\n)*Conv2DFusion"):
        session.step(inputs)


def test_dropout_is_the_identity_in_eval_and_scaled_in_training() -> None:
    record = Record("train", "layer_dropout_train")
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    session = record.session()
    session.on_kernel = lambda _, node, outputs: seen.append(outputs) if node.op == "Dropout" else None  # type: ignore[arg-type, func-returns-value] # both are there
    session.evaluate(record.inputs)
    session.step(record.inputs)
    (same, _), (y, mask) = seen
    assert set(np.unique(mask)) == {0.0, 1.0}
    np.testing.assert_allclose(y[mask == 1], same[mask == 1] * 2, rtol=1e-6)
    assert not y[mask == 0].any()


def test_a_convolution_is_closer_to_exact_than_the_devices_winograd() -> None:
    generator = np.random.default_rng(5)
    x, weight = generator.standard_normal((1, 11, 13, 32)), generator.standard_normal((64, 3, 3, 32))
    window = Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
    got = forward(x.astype(np.float32), weight.astype(np.float32), window)
    padded = np.pad(x.astype(np.float32).astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    exact = sum(
        padded[:, i : i + 11, j : j + 13] @ weight[:, i, j].astype(np.float32).astype(np.float64).T
        for i in range(3)
        for j in range(3)
    )
    assert difference(got, np.asarray(exact)) < QUIRKS["winograd"]["check"]["rel_error_32_to_64"]
