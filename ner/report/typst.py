"""PDF by Typst: a template of ``templates/`` and its data; nothing is fetched from anywhere."""

import json
from pathlib import Path
from typing import Any

from ner.errors import NerError

TEMPLATES = Path(__file__).with_name("templates")
# Families that hold simplified Chinese, the best first: Noto, Adobe, macOS, Windows, Linux.
FONTS = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("PingFang SC", "Hiragino Sans GB", "Heiti SC", "STHeiti", "Microsoft YaHei", "DengXian"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Serif CJK SC", "Noto Serif SC"),
    *("Source Han Serif SC", "Songti SC", "SimSun", "SimHei", "AR PL UMing CN"),
)


def compile(template: str, data: Any) -> bytes:
    """A template as PDF, tagged for screen readers.

    Args:
        data: what JSON can hold; the template reads it from ``sys.inputs.data`` and the font's family from
            ``sys.inputs.font``.

    Raises:
        NerError: no Chinese font is installed.
        ModuleNotFoundError: Typst is not installed.
    """
    import typst

    fonts = typst.Fonts()
    inputs = {"data": json.dumps(data, ensure_ascii=False), "font": chinese_font(fonts.families())}
    made = typst.compile(TEMPLATES / template, font_paths=fonts, sys_inputs=inputs)
    assert isinstance(made, bytes)  # one document, and no output file
    return made


def chinese_font(installed: list[str]) -> str:
    """The best of the installed families that hold Chinese.

    Raises:
        NerError: there is none.
    """
    known = {family.casefold(): family for family in installed}
    for family in FONTS:
        if found := known.get(family.casefold()):
            return found
    raise NerError(
        "no Chinese font is installed, so that no PDF can be made",
        remedy="apt-get install fonts-noto-cjk, or put NotoSansCJK-Regular.ttc into ~/.local/share/fonts;"
        " a report as HTML needs none",
    )
