"""The table of inference networks: one row each. Importable without MindSpore."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """A network of MindCV that is exported for inference on demand.

    Attributes:
        name: Case and file name.
        models: Names under which MindCV versions know it; () for a definition of our own.
        side: Of the square images; the least that the network takes, as most time goes into running it.
        batch: Two, where an image is small, so that no pass takes the batch for something else.
        gain: Variance of kernels, see `net.Net`.
    """

    name: str
    models: tuple[str, ...]
    side: int = 64
    batch: int = 2
    gain: float = 2.0


def _sized(name: str, *models: str, side: int = 224, gain: float = 1.0) -> Network:
    """A network whose weights fix the size of its images."""
    return Network(name, models or (name,), side=side, batch=1, gain=gain)


def _free(name: str, *models: str, side: int = 64, gain: float = 2.0) -> Network:
    """A network that takes images of any size."""
    return Network(name, models or (name,), side=side, gain=gain)


NETWORKS = (
    Network("alexnet", ()),
    _sized("bit_resnet50", "BiTresnet50", "BiT_resnet50", side=64),
    _sized("cait_xxs24", "cait_xxs24_224"),
    _sized("cmt_xsmall", side=192),
    _sized("coat_lite_tiny"),
    _sized("convit_tiny"),
    _free("convnext_tiny", gain=1.0),
    _free("convnextv2_atto", gain=1.0),
    _sized("crossvit_9", "crossvit9", "crossvit_9", side=240),
    _free("densenet121"),
    _free("dpn92"),
    _free("edgenext_xx_small"),
    _free("efficientnet_b0"),
    _free("ghostnet_050"),
    _free("googlenet"),
    _free("hrnet_w32", gain=1.0),
    _free("inception_v3", side=107),
    _free("inception_v4", side=107),
    _free("mixnet_s"),
    _sized("mlp_mixer_s_p32"),
    _free("mnasnet_050", "mnasnet0_5", "mnasnet_050"),
    _free("mobilenet_v1_025", "mobilenet_v1_025_224", "mobilenet_v1_025"),
    _free("mobilenet_v2_035", "mobilenet_v2_035_96"),
    _free("mobilenet_v3_small_075"),
    _free("mobilevit_xx_small"),
    _free("nasnet_a_4x1056"),
    _sized("pit_ti"),
    _free("poolformer_s12"),
    _sized("pvt_tiny"),
    _sized("pvt_v2_b0"),
    _free("regnet_x_200mf"),
    _free("regnet_y_200mf"),
    _sized("repmlp_t224", "RepMLPNet_T224", "repmlp_t224"),
    _free("repvgg_a0"),
    _free("res2net50"),
    _free("resnest14"),
    _free("resnet18"),
    _free("resnet50"),
    _free("resnetv2_50"),
    _free("resnext50_32x4d"),
    _free("rexnet_09", "rexnet_x09", "rexnet_09"),
    _free("seresnet18"),
    _free("seresnext26_32x4d"),
    _free("shufflenet_v1_g3_05", "shufflenet_v1_g3_x0_5", "shufflenet_v1_g3_05"),
    _free("shufflenet_v2_x0_5"),
    _free("skresnet18"),
    _free("squeezenet1_1"),
    _sized("swin_tiny"),
    _sized("swinv2_tiny_window8", side=256),
    _sized("vgg11"),
    _sized("visformer_tiny", gain=0.3),
    _sized("vit_b_32_224"),
    _sized("volo_d1"),
    _free("xception"),
    _sized("xcit_tiny_12_p16", "xcit_tiny_12_p16", "xcit_tiny_12_p16_224", gain=0.3),
)

# Small networks of the zoo that stand for what inference must do: recurrence, attention, branches and loops, several
# inputs and outputs, float16.
SMALL = (
    "layer_lstm_infer",
    "layer_lstm_deep_both_ways_infer",
    "lstm_classifier_infer",
    "layer_gru_infer",
    "layer_rnn_infer",
    "encoder_infer",
    "decoder_infer",
    "transformer_infer",
    "half_infer",
    "half_weights_infer",
    "if_infer",
    "loop_infer",
    "branch_infer",
    "two_inputs_infer",
    "two_outputs_infer",
)
