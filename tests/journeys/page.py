"""Writes a journey's page: its picture, and the table of its steps with the ledger's answers."""

from __future__ import annotations

from datetime import datetime

from frames import Frame, frames_of
from step_labels import pills_of
from story import SHANGHAI, Story, instant
from words import FLAW_NAMES, OUTCOME_NAMES, STREAM_NAMES, mass

from backend.domain.types import Flaw, Stream

STATUS_NAMES = {
    "held": ("保管中", "held"),
    "given": ("已交出", "given"),
    "merged": ("已并入", "merged"),
    "closed": ("已结清", "closed"),
    "leaving": ("待离手", "leaving"),
}
JUDGED_NAMES = {
    "values": ("有效值", "effective value"),
    "disputes": ("争议", "dispute"),
    "citations": ("引用磅单", "ticket cited"),
    "refusals": ("拒绝收运", "refusal to collect"),
    "tolerances": ("允差", "tolerance"),
}

RESULT_NAMES = {
    "signed": "签下的值",
    "amended": "经更正",
    "agreed": "争议中同意",
    "by_default": "逾期未答",
    "ruled": "裁定",
    "ruled_finally": "终裁",
    "awaiting_answer": "等待答复",
    "awaiting_ruling": "等待裁定",
    "awaiting_city": "等待市级裁定",
    "appealable": "可申诉",
    "awaiting_final_ruling": "等待终裁",
    "closed": "已结束",
    "contested": "有异议",
    "acknowledged": "已认可",
    "stands": "成立",
    "unsupported": "证据不足",
    "sound": "有效",
    "other_grams": "与磅单质量不符",
}
_ONLY_RECORDED = (
    "更正、争议、拒绝收运和引用的磅单，总账只记录；有什么效力，由账簿按公开规则判断。\n\n"
    "The ledger only records amendments, disputes, refusals to collect and the tickets that takes cite; "
    "what comes of them is judged by the books, by public rules."
)


def write_page(story: Story) -> str:
    """Return a story's page as Markdown, in Chinese and English."""
    frames = frames_of(story)
    parts = [
        f"# {story.called.zh} · {story.called.en}",
        story.about.zh,
        story.about.en,
        f"![{story.called.zh} · {story.called.en}]({story.slug}.svg)",
        "## 步骤 · Steps",
        _steps(story, frames),
        "## 结局 · In the end",
        _lots(story),
        _totals(story),
    ]
    if any(kind in story.end for kind in JUDGED_NAMES):
        parts += ["## 账簿的判断 · What the books say", _ONLY_RECORDED, _judgements(story)]
    parts.append(
        f"本页由 `tests/journeys/stories/{story.slug}.toml` 生成，测试运行同一文件。"
        f"This page is generated from `tests/journeys/stories/{story.slug}.toml`, which the tests run."
    )
    return "\n\n".join(parts) + "\n"


def write_index(stories: list[Story]) -> str:
    """Return the page that lists all journeys."""
    rows = [f"| [{s.called.zh}<br>{s.called.en}]({s.slug}.md) | {s.about.zh}<br>{s.about.en} |" for s in stories]
    return "\n".join(
        [
            "# 旅程 · Journeys",
            "",
            "每个故事只写一遍，写成数据；同一份文件画出这里的图，也在测试里用真密钥跑过规则与本地链。",
            "",
            "Each story is told once, as data. The same file draws the picture here and is run by the tests, with "
            "real keys, through the custody rules and on a local chain.",
            "",
            "| 旅程 Journey | 讲的是 What it tells |",
            "|---|---|",
            *rows,
            "",
            "看图：一列一人，时间向下。色带是批次，颜色是类别，在谁列里就在谁手里；白色虚纹是已交出、没人接收。",
            "",
            "How to read the pictures: each column is an actor, and time runs down. A ribbon is a lot: its colour "
            "is its stream, its column whoever holds it. White stripes: given, and not taken yet.",
            "",
        ]
    )


def _steps(story: Story, frames: list[Frame]) -> str:
    rows = [
        "| | 时间 When | 谁 Who | 做什么 What | 数量 Amounts | 总账的回答 Answer |",
        "|--:|---|---|---|---|---|",
    ]
    before = {}
    for number, frame in enumerate(frames, 1):
        when = datetime.fromtimestamp(frame.step.at, SHANGHAI)
        actor = story.actors[frame.step.by].called
        amounts = "<br>".join(text for text, _ in pills_of(story, frame, before))
        rows.append(
            f"| {number} | {when:%m-%d %H:%M} | {actor.zh}<br>{actor.en} "
            f"| {frame.step.told.zh}<br>{frame.step.told.en} | {amounts} | {_answer(frame)} |"
        )
        before = frame.lots
    return "\n".join(rows)


def _answer(frame: Frame) -> str:
    if frame.first is None or frame.last is None:
        return "—"
    zh, en = OUTCOME_NAMES[frame.last]
    if frame.flaw != Flaw.NONE:
        flaw_zh, flaw_en = FLAW_NAMES[frame.flaw]
        zh, en = f"{zh}：{flaw_zh}", f"{en}: {flaw_en}"
    if frame.first != frame.last:
        first_zh, first_en = OUTCOME_NAMES[frame.first]
        zh, en = f"{first_zh} → {zh}", f"{first_en} → {en}"
    return f"{zh}<br>{en}"


def _lots(story: Story) -> str:
    rows = [
        "| 批次 Lot | 是什么 What | 在谁手里 Holder | 状态 Status | 质量 Mass | 类别 Stream |",
        "|---|---|---|---|--:|---|",
    ]
    for name, told in story.end["lots"].items():
        called, holder = story.lots[name], story.actors[told["holder"]].called
        status_zh, status_en = STATUS_NAMES[told["status"]]
        stream_zh, stream_en = STREAM_NAMES[Stream[told["stream"].upper()]]
        rows.append(
            f"| {name} | {called.zh}<br>{called.en} | {holder.zh}<br>{holder.en} | {status_zh} {status_en} "
            f"| {mass(told['grams'])} | {stream_zh} {stream_en} |"
        )
    return "\n".join(rows)


def _totals(story: Story) -> str:
    rows = [
        "| 类别 Stream | 收运 Lifted | 增加 Gained | 在手 Held | 离开 Out | 损耗 Lost |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, told in story.end["totals"].items():
        zh, en = STREAM_NAMES[Stream[name.upper()]]
        held = sum(lot["grams"] for lot in story.end["lots"].values() if lot["stream"] == name)
        lifted, gained, out, lost = (mass(told.get(side, 0)) for side in ("lifted", "gained", "out", "lost"))
        rows.append(f"| {zh} {en} | {lifted} | {gained} | {mass(held)} | {out} | {lost} |")
    return "\n".join(rows) + "\n\n收运 + 增加 = 在手 + 离开 + 损耗 · lifted + gained = held + out + lost"


def _judgements(story: Story) -> str:
    rows = ["| 判断 About | 步骤 Step | 何时 As known at | 结果 Result |", "|---|--:|---|---|"]
    numbers = {step.id: number for number, step in enumerate(story.steps, 1)}
    for kind, (zh, en) in JUDGED_NAMES.items():
        for told in story.end.get(kind, ()):
            step = next(told[key] for key in ("of", "take", "decline") if key in told)
            at = told.get("at", told.get("effective_at"))
            when = f"{datetime.fromtimestamp(instant(at), SHANGHAI):%m-%d %H:%M}" if at else "—"
            rows.append(f"| {zh} {en} | {numbers[step]} | {when} | {_result(kind, told)} |")
    return "\n".join(rows)


def _result(kind: str, told: dict[str, object]) -> str:
    if kind == "tolerances":
        verdict = "允差之内 within" if told["within"] else "重大差异 significant"
        return f"{told['permille']} ‰, `{told['rule']}`: {verdict}"
    if kind == "values":
        return f"{mass(int(str(told['value'])))} · {_plain(told['is'])}"
    if kind == "refusals" and "second_lift" in told:
        return f"{_plain(told['is'])}; 已二次收运 lifted after all"
    return _plain(told["stage" if kind == "disputes" else "is"])


def _plain(name: object) -> str:
    """Return a judgement's name in Chinese and English."""
    return f"{RESULT_NAMES[str(name)]} {str(name).replace('_', ' ')}"
