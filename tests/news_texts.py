"""Texts of many different paragraphs, so that embedding them takes a while."""

import random

_PLACES = ("包头", "赤峰", "通辽", "乌海", "鄂尔多斯", "呼伦贝尔", "巴彦淖尔", "乌兰察布", "兴安盟")
_DEEDS = ("新建", "检修", "改造", "验收", "启用", "关停", "扩建", "公示")
_THINGS = (
    "供水管道",
    "变电站",
    "养老院",
    "图书馆",
    "公交场站",
    "污水处理厂",
    "粮食储备库",
    "体育馆",
)


def long_text(paragraphs: int, *, seed: int = 7) -> str:
    """Return a text of paragraphs that are all different."""
    dice = random.Random(seed)
    return "\n\n".join(
        f"第{n}号通报：{dice.choice(_PLACES)}于{dice.randint(2001, 2024)}年{dice.choice(_DEEDS)}"
        f"{dice.choice(_THINGS)}{dice.randint(2, 99)}处，投入资金{dice.randint(100, 9999)}万元，"
        f"涉及居民{dice.randint(1000, 99999)}户，由{dice.choice(_PLACES)}方面负责后续管理。"
        for n in range(1, paragraphs + 1)
    )
