"""Which MindSpore cannot export or run which case, and why.

Every small case was tried with 2.0.0, 2.7.0 and 2.10.0; with 1.6.2 those up to `layer_logsoftmax` in table order, with
1.10.0 those up to `loss_hinge`, and with both the samples. Rows of 1.x beyond that name a class, function or kernel
that is missing there.
"""

from __future__ import annotations

REFUSED: dict[str, dict[str, str]] = {
    "cmt_xsmall_infer": {"2.0.0": "not in MindCV 0.2.2"},
    "layer_adaptive_avgpool": {"1.6.2": "no nn.AdaptiveAvgPool2d"},
    "layer_adaptive_avgpool_infer": {"1.6.2": "no nn.AdaptiveAvgPool2d"},
    "layer_gelu_exact": {"1.6.2": "no CPU kernel for Erf"},
    "layer_gelu_exact_infer": {"1.6.2": "no CPU kernel for Erf"},
    "layer_instancenorm2d": {"2.7.0": "nn.InstanceNorm2d raises: mindspore.ops has no InstanceNorm"},
    "layer_instancenorm2d_infer": {"2.7.0": "nn.InstanceNorm2d raises: mindspore.ops has no InstanceNorm"},
    "layer_logsigmoid": {"1.6.2": "no CPU kernel for ReciprocalGrad"},
    "layer_mish": {"1.6.2": "no nn.Mish"},
    "layer_mish_infer": {"1.6.2": "no nn.Mish"},
    "layer_prelu": {"1.6.2": "no CPU kernel for PReLU"},
    "layer_prelu_infer": {"1.6.2": "no CPU kernel for PReLU"},
    "layer_prelu_one": {"1.6.2": "no CPU kernel for PReLU"},
    "layer_prelu_one_infer": {"1.6.2": "no CPU kernel for PReLU"},
    "layer_resize_bilinear": {"1.6.2": "no ops.ResizeBilinearV2", "1.10.0": "no ops.ResizeBilinearV2"},
    "layer_resize_bilinear_infer": {"1.6.2": "no ops.ResizeBilinearV2", "1.10.0": "no ops.ResizeBilinearV2"},
    "layer_selu": {"1.6.2": "no nn.SeLU"},
    "layer_selu_infer": {"1.6.2": "no nn.SeLU"},
    "layer_silu": {"1.6.2": "no nn.SiLU"},
    "layer_silu_infer": {"1.6.2": "no nn.SiLU"},
    "layer_tanh_steep": dict.fromkeys(("2.7.0", "2.10.0"), "its own tanh on the CPU is the device's approximation"),
    "loss_bce_logits": {"1.6.2": "no CPU kernel for BCEWithLogitsLoss"},
    "loss_ce": {"1.6.2": "no nn.CrossEntropyLoss"},
    "loss_ce_chances": {"1.6.2": "no nn.CrossEntropyLoss"},
    "loss_ce_ignore": {"1.6.2": "no nn.CrossEntropyLoss"},
    "loss_ce_none": {"1.6.2": "no nn.CrossEntropyLoss"},
    "loss_ce_smooth": {"1.6.2": "no nn.CrossEntropyLoss"},
    "loss_ce_sum": {"1.6.2": "no nn.CrossEntropyLoss"},
    "loss_ce_weight": {"1.6.2": "no nn.CrossEntropyLoss"},
    "loss_hinge": {"1.6.2": "no nn.HingeEmbeddingLoss", "1.10.0": "no nn.HingeEmbeddingLoss"},
    "loss_huber": {"1.6.2": "no nn.HuberLoss"},
    "loss_kldiv": {"1.6.2": "no nn.KLDivLoss", "1.10.0": "no nn.KLDivLoss"},
    "loss_kldiv_batchmean": {"1.6.2": "no nn.KLDivLoss", "1.10.0": "no nn.KLDivLoss"},
    "loss_nll": {"1.6.2": "no nn.NLLLoss"},
    "loss_smooth_l1_mean": {"1.6.2": "nn.SmoothL1Loss has no reduction"},
    "opt_adadelta": {"1.6.2": "no nn.Adadelta"},
    "opt_adam_amsgrad": {"1.6.2": "nn.Adam has no use_amsgrad"},
    "opt_adamax": {"1.6.2": "no nn.AdaMax"},
    "opt_ftrl": {"1.6.2": "no CPU kernel for ApplyFtrl"},
    "opt_lr_polynomial_cycle": {"1.6.2": "no CPU kernel for Ceil"},
    "opt_proximaladagrad": {"1.6.2": "no CPU kernel for ApplyProximalAdagrad"},
    "swinv2_tiny_window8_infer": {"2.0.0": "not in MindCV 0.2.2"},
    "volo_d1_infer": {"2.0.0": "not in MindCV 0.2.2"},
    "step_functional": {"1.6.2": "no ops.value_and_grad"},
    "step_two_losses": {"2.0.0": "TrainOneStepCell makes no sensitivities for a tuple of losses"},
}
