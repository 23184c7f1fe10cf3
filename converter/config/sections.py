"""The settings of a config file as data: every section that there is."""

from __future__ import annotations

from converter.config.device_sections import DEVICE_SECTIONS
from converter.config.keys import REGISTRY, Key, Section
from converter.config.quant_sections import QUANT_SECTIONS

_REGISTRY = Section(
    REGISTRY,
    (
        Key(
            "plugin_path",
            "files",
            refusal="shared libraries cannot be loaded here; write a Python plugin instead (docs/plugins.md)",
            about="Plugins that add operators or passes.",
        ),
        Key("disable_fusion", "choice", "off", values=("on", "off"), about="Whether every fusion is switched off."),
        Key("fusion_blacklists", "names", (), about="Names of fusions to leave out."),
    ),
    "Plugins and fusion.",
)

SECTIONS: tuple[Section, ...] = (*QUANT_SECTIONS, _REGISTRY, *DEVICE_SECTIONS)

SECTION_BY_NAME: dict[str, Section] = {section.name: section for section in SECTIONS}

# What a setting of the 1.x format, which had no sections, is called today.
OLD_KEYS: dict[str, str] = {
    "image_path": "write 'calibrate_path=INPUT:DIRECTORY' in [data_preprocess_param]",
    "batch_count": "write 'calibrate_size=N' in [data_preprocess_param]",
    "input_shapes": "remove it: shapes come from the model",
    "method_x": "write 'activation_quant_method=...' in [full_quant_param]",
    "thread_num": "remove it",
    "computeRate": "remove it: models are not split over devices",
    "device0": "remove it: models are not split over devices",
    "device1": "remove it: models are not split over devices",
}
