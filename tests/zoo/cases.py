"""The table of cases: one row each. Importable without MindSpore; the names stand for entries of the other tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inference_cases import NETWORKS as INFERENCE_NETWORKS
from refusals import REFUSED


@dataclass(frozen=True)
class Case:
    """One exported file with its recording.

    Attributes:
        name: File name without suffix.
        net: Key of `nets.NETS`.
        loss: Key of `losses.LOSSES`; None for inference, and for a network that returns its loss itself.
        optimizer: Key of `optimizers.OPTIMIZERS`; None for inference.
        step: Key of `steps.STEPS`: how network, loss and optimizer become one training step.
        size: "small" (committed), or "networks" and "inference" (exported on demand).
        warm_steps: Steps run before the export, so that the optimizer state is not zero.
        is_split: The weights lie in `<name>_variables/` beside `<name>_graph.mindir`.
    """

    name: str
    net: str
    loss: str | None = None
    optimizer: str | None = None
    step: str = "plain"
    size: str = "small"
    warm_steps: int = 0
    is_split: bool = False

    @property
    def note(self) -> str:
        """What a reader of the recording must know."""
        return NOTES.get(self.name, "")

    @property
    def runner(self) -> Case:
        """The case that is run: this one, or its stand-in where MindSpore has no CPU kernel to run it with."""
        return replace(self, **RUN_AS.get(self.name, {}))

    @property
    def is_training(self) -> bool:
        return self.optimizer is not None

    @property
    def steps(self) -> int:
        return 10 if self.is_training else 0

    @property
    def refused(self) -> dict[str, str]:
        """MindSpore version → why that version cannot export or run this case."""
        return REFUSED.get(self.name, {})


LENET = (
    Case("lenet_infer", "lenet"),
    Case("lenet_momentum_sparse", "lenet", "sparse", "momentum_lenet"),
    Case("lenet_sgd_sparse", "lenet_slim", "sparse", "sgd"),
    Case("lenet_adam_sparse", "lenet_slim", "sparse", "adam"),
    Case("lenet_momentum_onehot", "lenet_slim", "onehot", "momentum_lenet"),
    Case("lenet_sgd_onehot", "lenet_slim", "onehot", "sgd"),
    Case("lenet_adam_onehot", "lenet_slim", "onehot", "adam"),
    Case("lenet_momentum_mse", "lenet_slim", "mse", "momentum_lenet"),
    Case("lenet_sgd_mse", "lenet_slim", "mse", "sgd"),
    Case("lenet_adam_mse", "lenet_slim", "mse", "adam"),
    Case("lenet_split", "lenet_slim", "sparse", "momentum_lenet", is_split=True),
    Case("branch_infer", "branch"),
)

OPTIMIZERS = (
    "momentum",
    "momentum_nesterov",
    "momentum_decay_scale",
    "sgd",
    "sgd_plain",
    "sgd_dampening",
    "sgd_nesterov",
    "sgd_decay",
    "sgd_scale",
    "adam",
    "adam_nesterov",
    "adam_decay",
    "adam_betas",
    "adam_amsgrad",
    "adam_scale",
    "adamweightdecay",
    "adamax",
    "adagrad",
    "adadelta",
    "adafactor",
    "rmsprop",
    "rmsprop_centered",
    "rmsprop_momentum",
    "ftrl",
    "lamb",
    "lamb_decay",
    "lars",
    "lars_decay",
    "lazyadam",
    "adamoffload",
    "proximaladagrad",
    "asgd",
    "rprop",
    "group_rates",
    "group_decay",
    "group_schedules",
    "group_central",
    "frozen_conv",
    "lr_list",
    "lr_piecewise",
    "lr_exponential",
    "lr_exponential_stair",
    "lr_natural_exp",
    "lr_inverse",
    "lr_cosine",
    "lr_polynomial",
    "lr_polynomial_cycle",
    "lr_warmup",
    "lr_adam_cosine",
    "lr_adam_list",
)

LOSSES = (
    Case("loss_sparse_sum", "tiny", "sparse_sum", "momentum"),
    Case("loss_sparse_none", "tiny", "sparse_none", "momentum"),
    Case("loss_onehot_sum", "tiny", "onehot_sum", "momentum"),
    Case("loss_onehot_none", "tiny", "onehot_none", "momentum"),
    Case("loss_soft", "tiny", "soft", "momentum"),
    Case("loss_mse_sum", "tiny", "mse_sum", "momentum"),
    Case("loss_mse_none", "tiny", "mse_none", "momentum"),
    Case("loss_rmse", "tiny", "rmse", "momentum"),
    Case("loss_mae", "tiny", "mae", "momentum"),
    Case("loss_l1", "tiny", "l1", "momentum"),
    Case("loss_l1_sum", "tiny", "l1_sum", "momentum"),
    Case("loss_smooth_l1", "tiny", "smooth_l1", "momentum"),
    Case("loss_smooth_l1_mean", "tiny", "smooth_l1_mean", "momentum"),
    Case("loss_huber", "tiny", "huber", "momentum"),
    Case("loss_ce", "tiny", "ce", "momentum"),
    Case("loss_ce_sum", "tiny", "ce_sum", "momentum"),
    Case("loss_ce_none", "tiny", "ce_none", "momentum"),
    Case("loss_ce_smooth", "tiny", "ce_smooth", "momentum"),
    Case("loss_ce_weight", "tiny", "ce_weight", "momentum"),
    Case("loss_ce_ignore", "tiny", "ce_ignore", "momentum"),
    Case("loss_ce_chances", "tiny", "ce_chances", "momentum"),
    Case("loss_nll", "tiny_logsoftmax", "nll", "momentum"),
    Case("loss_bce", "tiny_sigmoid", "bce", "momentum"),
    Case("loss_bce_none", "tiny_sigmoid", "bce_none", "momentum"),
    Case("loss_bce_logits", "tiny", "bce_logits", "momentum"),
    Case("loss_kldiv", "tiny_logsoftmax", "kldiv", "momentum"),
    Case("loss_kldiv_batchmean", "tiny_logsoftmax", "kldiv_batchmean", "momentum"),
    Case("loss_cosine", "tiny", "cosine", "momentum"),
    Case("loss_soft_margin", "tiny", "soft_margin", "momentum"),
    Case("loss_hinge", "tiny", "hinge", "momentum"),
    Case("loss_dice", "tiny_sigmoid", "dice", "momentum"),
    Case("loss_focal", "tiny", "focal", "momentum"),
)

LAYERS = (
    "relu",
    "relu6",
    "leakyrelu",
    "elu",
    "gelu",
    "gelu_exact",
    "silu",
    "hswish",
    "hsigmoid",
    "prelu",
    "prelu_one",
    "sigmoid",
    "tanh",
    "softplus",
    "mish",
    "selu",
    "logsigmoid",
    "softmax",
    "softmax_channel",
    "logsoftmax",
    "conv_valid_bias",
    "conv_stride_same",
    "conv_pad",
    "conv_pad_asymmetric",
    "conv_kernel_rect",
    "conv_1x1",
    "conv_dilated",
    "conv_dilated_same",
    "conv_group",
    "conv_depthwise",
    "conv_depthwise_stride",
    "conv_depthwise_multiplier",
    "conv_transpose",
    "conv_transpose_pad",
    "conv1d",
    "conv3d",
    "batchnorm2d",
    "batchnorm2d_momentum",
    "batchnorm2d_frozen",
    "batchnorm2d_no_affine",
    "batchnorm1d",
    "layernorm",
    "layernorm_image",
    "groupnorm",
    "instancenorm2d",
    "l2normalize",
    "maxpool_valid",
    "maxpool_same",
    "avgpool_valid",
    "avgpool_same",
    "global_mean",
    "adaptive_avgpool",
    "resize_nearest",
    "resize_bilinear",
    "pad",
    "dropout",
    "dropout_keep_all",
    "vector",
    "squeeze",
    "joined",
    "embedding",
    "attention",
    "strided_slice",
    "transpose",
    "lstm",
    "lstm_deep_both_ways",
    "gru",
    "rnn",
)

RUN_AS = {
    "opt_lamb": {"optimizer": "lamb_by_hand"},
    "opt_lamb_decay": {"optimizer": "lamb_decay_by_hand"},
    "opt_lars": {"optimizer": "lars_by_hand"},
    "opt_lars_decay": {"optimizer": "lars_decay_by_hand"},
    "loss_soft_margin": {"loss": "soft_margin_by_hand"},
    "layer_instancenorm2d": {"net": "layer_instancenorm2d_by_hand"},
    "layer_instancenorm2d_infer": {"net": "layer_instancenorm2d_by_hand"},
    "step_loss_scale_fixed": {"step": "plain"},
    "step_loss_scale_dynamic": {"step": "plain"},
}

NO_KERNEL = "MindSpore has no CPU kernel for it: recorded from the same formula in other operators (stand_ins.py)"
NOTES = {
    **dict.fromkeys(RUN_AS, NO_KERNEL),
    "step_loss_scale_fixed": "MindSpore's overflow check has no CPU kernel: recorded without it; no final scale_sense",
    "step_loss_scale_dynamic": "MindSpore's overflow check has no CPU kernel: recorded without it; no final scale",
    "layer_instancenorm2d": NO_KERNEL + "; no final moving averages",
    "opt_momentum_nesterov": "MindSpore's CPU kernel ignores use_nesterov: losses are those of plain momentum",
    "layer_dropout": "random: compare by expectation",
}

STEPS = (
    Case("step_scaled", "tiny", "sparse", "momentum", step="scaled"),
    Case("step_loss_scale_fixed", "tiny", "sparse", "momentum", step="loss_scale_fixed"),
    Case("step_loss_scale_dynamic", "tiny", "sparse", "momentum", step="loss_scale_dynamic"),
    Case("step_clip_global_norm", "tiny", "sparse", "momentum", step="clip_global_norm"),
    Case("step_clip_each_norm", "tiny", "sparse", "momentum", step="clip_each_norm"),
    Case("step_clip_value", "tiny", "sparse", "momentum", step="clip_value"),
    Case("step_with_logits", "tiny", "sparse", "momentum", step="with_logits"),
    Case("step_functional", "tiny", "sparse", "momentum", step="functional"),
    Case("step_two_inputs", "two_inputs", "sparse", "momentum", step="two_inputs"),
    Case("step_two_heads", "two_outputs", "sparse", "momentum", step="two_heads"),
    Case("step_two_losses", "two_outputs", "sparse", "momentum", step="two_losses"),
    Case("step_tied", "tied", "mse", "momentum"),
    Case("step_if", "if", "sparse", "momentum"),
    Case("step_loop", "loop", "sparse", "momentum"),
    Case("resumed_momentum", "tiny", "sparse", "momentum", warm_steps=5),
    Case("resumed_sgd", "tiny", "sparse", "sgd", warm_steps=5),
    Case("resumed_adam", "tiny", "sparse", "adam", warm_steps=5),
    Case("resumed_batchnorm", "layer_batchnorm2d", "sparse", "adam", warm_steps=5),
    Case("two_inputs_infer", "two_inputs"),
    Case("two_outputs_infer", "two_outputs"),
    Case("loop_infer", "loop"),
    Case("if_infer", "if"),
)

NETWORKS = (
    Case("mini_alexnet", "mini_alexnet", "sparse", "momentum"),
    Case("nin", "nin", "sparse", "momentum"),
    Case("encoder", "encoder", "sparse", "adam"),
    Case("encoder_infer", "encoder"),
    Case("decoder_infer", "decoder"),
    Case("transformer_infer", "transformer"),
    Case("half_infer", "half"),
    Case("half_weights_infer", "half_weights"),
    Case("lstm_classifier", "lstm_classifier", "sparse", "adam_fast"),
    Case("lstm_classifier_infer", "lstm_classifier"),
    Case("lstm2_classifier", "lstm2_classifier", "sparse", "momentum"),
    Case("bilstm_classifier", "bilstm_classifier", "sparse", "momentum"),
    Case("bilstm2_classifier", "bilstm2_classifier", "sparse", "adam_fast"),
    Case("vae", "vae", None, "adam", step="own_loss"),
    Case("transfer_backbone_infer", "transfer_backbone"),
    Case("transfer_head", "transfer_head", "sparse", "adam_fast"),
    Case("transfer_joined", "transfer_joined", "sparse", "adam_fast"),
    Case("yolo", "yolo", None, "momentum_lenet", step="own_loss"),
    Case("mobilenetv1", "mobilenetv1", "sparse", "momentum_slow", size="networks"),
    Case("mobilenetv2", "mobilenetv2", "sparse", "momentum_network", size="networks"),
    Case("mobilenetv3", "mobilenetv3", "sparse", "momentum_slow", size="networks"),
    Case("effnet", "effnet", "sparse", "momentum_slow", size="networks"),
    Case("effnet_tune", "effnet_tune", "sparse", "momentum_slow", size="networks"),
    Case("effnet_tune_eval", "effnet_tune_eval", "sparse", "momentum_slow", size="networks"),
    Case("resnet18", "resnet18", "sparse", "momentum_slow", size="networks"),
    Case("resnet50", "resnet50", "sparse", "momentum_slow", size="networks"),
    Case("googlenet", "googlenet", "sparse", "momentum_slow", size="networks"),
    Case("densenet", "densenet", "sparse", "momentum_slow", size="networks"),
    Case("shufflenetv2", "shufflenetv2", "sparse", "momentum_slow", size="networks"),
    Case("xception", "xception", "sparse", "momentum_slow", size="networks"),
    Case("vgg", "vgg", "sparse", "momentum_slow", size="networks"),
)

CASES = (
    *LENET,
    *(Case(f"opt_{name}", "tiny", "sparse", name) for name in OPTIMIZERS),
    *LOSSES,
    *(Case(f"layer_{name}", f"layer_{name}", "sparse", "momentum") for name in LAYERS),
    *(Case(f"layer_{name}_infer", f"layer_{name}") for name in LAYERS),
    Case("layer_tanh_steep", "layer_tanh_steep", "sparse", "momentum"),
    *STEPS,
    *NETWORKS,
    *(Case(f"{row.name}_infer", f"inference_{row.name}", size="inference") for row in INFERENCE_NETWORKS),
)

# Committed for every MindSpore version, so that each mind_ir_version has training, control flow, recurrence.
SAMPLE = frozenset(
    (
        "lenet_infer",
        "lenet_momentum_sparse",
        "branch_infer",
        "opt_sgd_nesterov",
        "opt_adam",
        "opt_adamweightdecay",
        "opt_rmsprop",
        "opt_lr_cosine",
        "loss_bce_logits",
        "loss_ce",
        "loss_smooth_l1",
        "layer_batchnorm2d",
        "layer_batchnorm2d_infer",
        "layer_conv_group",
        "layer_conv_transpose",
        "layer_gelu",
        "layer_layernorm",
        "layer_lstm",
        "step_clip_global_norm",
        "step_if",
        "resumed_adam",
        "transfer_head",
    )
)
