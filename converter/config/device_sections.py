"""The sections of a config file about devices that this converter does not write for: each is refused by name."""

from __future__ import annotations

from converter.config.keys import Key, Need, Section, texts

_ASCEND = "this converter writes models for the CPU runtime only, not for Ascend"

_TRANSFORM = Section(
    "transform_quant_param",
    (
        Key(
            "export_precision_mode",
            "choice",
            "QUANT",
            values=("QUANT", "FLOAT32"),
            refusal=_ASCEND,
            about="Precision of the exported model.",
        ),
    ),
    "Export of quantized models through AscendCL.",
)

_ACL = Section(
    "acl_option_cfg_param",
    (
        *texts("device_id", "input_format", "input_shape_vector", "input_shape", "output_type", "precision_mode"),
        *texts("op_select_impl_mode", "dynamic_batch_size", "buffer_optimize", "dynamic_image_size", "dynamic_dims"),
        *texts("aoe_mode", "enable_tiling_generation"),
        Key("fusion_switch_config_file_path", "file"),
        Key("insert_op_config_file_path", "file"),
        Key("custom_opp_path", "directory"),
    ),
    "Ascend.",
    refusal=_ASCEND,
)

_OM = Section(
    "om_converter_options",
    texts(
        "input_name_vector",
        "input_shape_vector",
        "input_data_type_vector",
        "output_name_vector",
        "output_shape_vector",
        "output_data_type_vector",
    ),
    "Models with --fmk=OM.",
    refusal="this converter reads MindSpore MindIR only",
)

_CPU = Section(
    "cpu_option_cfg_param",
    (
        Key("architecture", "choice", values=("ARM64",), about="Processor family."),
        Key("instruction", "choice", values=("SIMD_DOT",), about="Instructions that the packing is for."),
    ),
    "Packing of weights for one processor.",
    refusal="weights are packed by the runtime when it loads the model",
)

_MICRO = Section(
    "micro_param",
    (
        Key(
            "enable_micro",
            "bool",
            default=False,
            refusal="no C code is generated; the .ms file is the result",
            about="Whether C code is generated.",
        ),
        Key(
            "target",
            "choice",
            "x86",
            values=("x86", "Cortex-M", "ARM32", "ARM64"),
            about="Processor that runs the code.",
        ),
        Key("codegen_mode", "choice", "Inference", values=("Inference", "Train"), about="What the code does."),
        Key("support_parallel", "bool", default=False, about="Whether the code uses threads."),
        Key("debug_mode", "bool", default=False, about="Whether the code prints every output."),
        Key("keep_original_weight", "bool", default=False, about="Whether weights keep their layout."),
        Key("save_path", "place", about="Directory that gets the code."),
        *texts("project_name", "changeable_weights_name", "inputs_shape", "dynamic_dim_params"),
    ),
    "C code generation.",
    needs=Need("micro_param", "enable_micro", value=True),
)

_MODEL = Section(
    "model_param",
    (
        Key("modelFile", "file"),
        *texts("fmk", "inputDataType", "outputDataType", "fp16", "trainModel", "inputShape", "inputDataFormat"),
        *texts("infer", "NoFusion"),
    ),
    "One model of several for C code generation.",
    refusal="several models in one conversion are part of C code generation",
    is_repeated=True,
)


def _free_form(name: str, about: str, refusal: str) -> Section:
    return Section(name, (), about, refusal=refusal, is_free_form=True)


DEVICE_SECTIONS: tuple[Section, ...] = (
    _TRANSFORM,
    _ACL,
    *(
        _free_form(name, "Ascend.", _ASCEND)
        for name in (
            "ascend_context",
            "acl_init_options",
            "acl_build_options",
            "aoe_global_options",
            "aoe_tuning_options",
        )
    ),
    _OM,
    _CPU,
    _free_form("graph_kernel_param", "Graph kernels.", "the CPU runtime has no graph kernels"),
    _MICRO,
    _MODEL,
)
