"""Draws a journey: a lane for each actor, time downwards, each lot a ribbon in the lane of who holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from canvas import Canvas, text_width, wrapped
from frames import Frame, frames_of
from legend import Legend, draw_carried_sign, draw_sign
from stays import Stay, give_slots, stays_of
from step_labels import Remark, pills_of, remark_of
from story import SHANGHAI, Story
from words import FLAW_COLOUR, OUTCOME_COLOURS, STREAM_COLOURS, mass

from backend.domain.custody_state import LotStatus
from backend.domain.types import Flaw, Outcome, Stream

TIME_WIDTH, TEXT_WIDTH, SLOT_WIDTH, EDGE = 106, 172, 17, 18
HEADER_TOP, HEADER_HEIGHT = 66, 84
ZH_SIZE, EN_SIZE = 13, 11
RIBBON = 7
INK, FAINT, PAPER = "#1a202c", "#718096", "#ffffff"


@dataclass
class Row:
    """Where a step is drawn."""

    gap_y: float
    y: float
    bottom: float


def draw(story: Story) -> str:
    """Return a story's picture as SVG."""
    return _Picture(story, frames_of(story)).drawn()


class _Picture:
    def __init__(self, story: Story, frames: list[Frame]) -> None:
        self.story, self.frames, self.canvas = story, frames, Canvas()
        self.stays = stays_of(frames)
        self.slots = give_slots(self.stays, story)
        self.lane_x: dict[str, float] = {}
        x = float(EDGE + TIME_WIDTH)
        for name in story.actors:
            self.lane_x[name] = x
            x += self.lane_width(name)
        self.width = x + EDGE
        self.rows: list[Row] = []
        self.days: list[tuple[float, datetime]] = []
        streams, has_given = {stay.stream for stay in self.stays}, any(stay.given for stay in self.stays)
        self.legend = Legend(self.canvas, self.width, streams, frames, has_given)
        self.foot = 0.0
        self.height = self._lay_out_rows()

    # --- where things are ---

    def lane_width(self, name: str) -> float:
        return max(1, self.slots[name]) * SLOT_WIDTH + 24 + TEXT_WIDTH + 12

    def slot_x(self, stay: Stay) -> float:
        return self.lane_x[stay.holder] + 16 + stay.slot * SLOT_WIDTH

    def node_x(self, actor: str) -> float:
        return self.lane_x[actor] + max(1, self.slots[actor]) * SLOT_WIDTH + 18

    def _texts(self, number: int) -> tuple[list[str], list[str], list[list[tuple[str, str]]], Remark | None]:
        frame = self.frames[number]
        before = self.frames[number - 1].lots if number else {}
        lines: list[list[tuple[str, str]]] = [[]]
        used = 0.0
        for pill in pills_of(self.story, frame, before):
            width = text_width(pill[0], 10.5) + 16
            if lines[-1] and used + width > TEXT_WIDTH + 6:
                lines.append([])
                used = 0
            lines[-1].append(pill)
            used += width
        told = frame.step.told
        return (
            wrapped(told.zh, ZH_SIZE, TEXT_WIDTH),
            wrapped(told.en, EN_SIZE, TEXT_WIDTH),
            [line for line in lines if line],
            remark_of(frame),
        )

    def _lay_out_rows(self) -> float:
        y = float(HEADER_TOP + HEADER_HEIGHT + 8)
        day = None
        for number, frame in enumerate(self.frames):
            when = datetime.fromtimestamp(frame.step.at, SHANGHAI)
            if when.date() != day:
                self.days.append((y + 12, when))
                day = when.date()
                y += 26
            zh, en, pills, remark = self._texts(number)
            gap = 30 if self._arrives(number) or frame.step.does == "refuse" else 10
            height = 17 * len(zh) + 14 * len(en) + 21 * len(pills) + (32 if remark else 0)
            self.rows.append(Row(y + gap / 2 + 2, y + gap + 8, y + gap + height + 6))
            y += gap + height + 8
        self.foot = y + 8
        return self.foot + 18 + self.legend.height

    def _arrives(self, number: int) -> bool:
        return any(stay.first == number and stay.comes_from is not None for stay in self.stays)

    # --- drawing ---

    def drawn(self) -> str:
        self._draw_ground()
        for stay in self.stays:
            self._draw_stay(stay)
        for number in range(len(self.frames)):
            self._draw_step(number)
        self.legend.draw(self.foot + 20)
        return self.canvas.svg(self.width, self.height, f"{self.story.called.zh} · {self.story.called.en}")

    def _draw_ground(self) -> None:
        canvas, story = self.canvas, self.story
        canvas.rect("ground", 0, 0, self.width, self.height, fill=PAPER, radius=14)
        canvas.text(EDGE + 6, 40, story.called.zh, size=22, bold=True)
        zh_width = text_width(story.called.zh, 22)
        canvas.text(EDGE + 18 + zh_width, 40, story.called.en, size=15, fill=FAINT)
        for place, (name, actor) in enumerate(story.actors.items()):
            x, width = self.lane_x[name], self.lane_width(name)
            fill = "#f7fafc" if place % 2 == 0 else "#edf2f7"
            canvas.rect("ground", x, HEADER_TOP, width, self.foot - HEADER_TOP, fill=fill, radius=8)
            middle = x + width / 2
            organisation = story.organisations[actor.organisation]
            canvas.text(middle, HEADER_TOP + 24, actor.called.zh, size=15, bold=True, anchor="middle")
            canvas.text(middle, HEADER_TOP + 40, actor.called.en, size=11.5, fill="#4a5568", anchor="middle")
            canvas.text(middle, HEADER_TOP + 59, organisation.zh, size=10.5, fill=FAINT, anchor="middle")
            canvas.text(middle, HEADER_TOP + 73, organisation.en, size=10, fill=FAINT, anchor="middle")
            canvas.rect("ground", x + 12, HEADER_TOP + HEADER_HEIGHT - 3, width - 24, 1, fill="#cbd5e0")
        for y, when in self.days:
            canvas.rect("ground", EDGE, y + 5, self.width - 2 * EDGE, 1, fill="#cbd5e0")
            label = f"{when.month}月{when.day}日 {when.day} {when:%b}"
            canvas.rect("ground", EDGE, y - 5, text_width(label, 10.5) + 14, 20, fill="#4a5568", radius=10)
            canvas.text(EDGE + 7, y + 9, label, size=10.5, fill=PAPER, bold=True)

    def _draw_stay(self, stay: Stay) -> None:
        colour = STREAM_COLOURS[Stream(stay.stream)]
        x, canvas = self.slot_x(stay), self.canvas
        start, end = self.rows[stay.first].y, self._end_of(stay)
        source = self._source(stay)
        if source is None or source.holder == stay.holder:
            top = start
            if source is not None:
                self._draw_branch(source, stay, start, colour)
        else:
            top = self._draw_arrival(source, stay, colour)
        canvas.path("ribbons", f"M{x:.1f} {top:.1f}V{end:.1f}", stroke=colour, width=RIBBON)
        for row in stay.given:
            upper = self.rows[row].y
            lower = min(self.rows[row].bottom + 4, end) if row < stay.last else end
            if row + 1 in stay.given and row < stay.last:
                lower = self.rows[row + 1].y
            if lower > upper:
                more = 'stroke-dasharray="2.5 4"'
                canvas.path(
                    "ribbons", f"M{x:.1f} {upper:.1f}V{lower:.1f}", stroke=PAPER, width=RIBBON - 2.5, more=more
                )
        if source is None and self.frames[stay.first].flaw == Flaw.UNATTESTED:
            more = 'stroke-dasharray="3 3"'
            canvas.path(
                "ribbons", f"M{x:.1f} {start - 26:.1f}V{start:.1f}", stroke=FLAW_COLOUR, width=3, more=more
            )
        self._draw_badge(x, start, stay.lot, colour)
        self._draw_end(stay, x, end, colour)

    def _source(self, stay: Stay) -> Stay | None:
        if stay.comes_from is None:
            return None
        for other in self.stays:
            if other is not stay and other.lot == stay.comes_from and other.first < stay.first <= other.last + 1:
                return other
        return None

    def _end_of(self, stay: Stay) -> float:
        """Return where a ribbon ends: where the next holder takes it, where it is used up, or at the foot."""
        if stay.last + 1 >= len(self.frames):
            return self.foot - 12
        successor = [other for other in self.stays if other.lot == stay.lot and other.first == stay.last + 1]
        row = self.rows[stay.last + 1]
        if successor and successor[0].holder != stay.holder:
            return row.gap_y - 7
        return row.y

    def _draw_arrival(self, source: Stay, stay: Stay, colour: str) -> float:
        """Draw a lot's way from one lane to another; return where the receiver's ribbon goes on."""
        canvas, row = self.canvas, self.rows[stay.first]
        x0, x1 = self.slot_x(source), self.slot_x(stay)
        way = 1 if x1 > x0 else -1
        bend, y = 7, row.gap_y
        d = (
            f"M{x0:.1f} {y - bend - 0.5:.1f}Q{x0:.1f} {y:.1f} {x0 + way * bend:.1f} {y:.1f}"
            f"H{x1 - way * bend:.1f}Q{x1:.1f} {y:.1f} {x1:.1f} {y + bend:.1f}"
        )
        canvas.path("ribbons", d, stroke=PAPER, width=RIBBON + 4)
        canvas.path("ribbons", d, stroke=STREAM_COLOURS[Stream(source.stream)], width=RIBBON)
        given = self.frames[stay.first - 1].lots[source.lot].grams
        if stay.lot == source.lot:
            label = f"{source.lot} {mass(given)}"
        else:
            part = self.frames[stay.first].lots[stay.lot].grams
            label = f"{source.lot} {mass(given)} → {stay.lot} {mass(part)}"
        width = text_width(label, 10.5) + 12
        middle = x0 + way * min(abs(x1 - x0) / 2, 118 if way > 0 else 70)
        tip = middle + way * (width / 2 + 7)
        arrow = f"M{tip - way * 6:.1f} {y - 8:.1f}l{way * 9} 8l{-way * 9} 8z"
        canvas.add("marks", f'<path d="{arrow}" fill="{STREAM_COLOURS[Stream(source.stream)]}"/>')
        canvas.pill(middle - width / 2, y, label, fill=STREAM_COLOURS[Stream(source.stream)])
        return y + bend - 0.5

    def _draw_branch(self, source: Stay, stay: Stay, y: float, colour: str) -> None:
        x0, x1 = self.slot_x(source), self.slot_x(stay)
        self.canvas.path("lines", f"M{x0:.1f} {y:.1f}H{x1:.1f}", stroke=colour, width=2)

    def _draw_badge(self, x: float, y: float, lot: str, colour: str) -> None:
        self.canvas.circle("marks", x, y, 8, fill=colour, stroke=PAPER)
        self.canvas.text(x, y + 3.8, lot, size=10.5, fill=PAPER, bold=True, anchor="middle")

    def _draw_end(self, stay: Stay, x: float, y: float, colour: str) -> None:
        if stay.last + 1 >= len(self.frames):
            arrow = f"M{x - 6:.1f} {y:.1f}h12l-6 8z"
            self.canvas.add("marks", f'<path d="{arrow}" fill="{colour}"/>')
            return
        after = self.frames[stay.last + 1].lots[stay.lot]
        if after.status == LotStatus.CLOSED:
            self.canvas.rect("marks", x - 7, y - 2, 14, 4, fill=colour, radius=2)
        elif after.status == LotStatus.MERGED:
            into = self.frames[stay.last + 1].step.says["into"]
            target = next(s for s in self.stays if s.lot == into and s.first <= stay.last + 1 <= s.last)
            self.canvas.path("lines", f"M{x:.1f} {y:.1f}H{self.slot_x(target):.1f}", stroke=colour, width=2)
            self.canvas.circle("marks", x, y, 3.5, fill=colour)

    def _draw_step(self, number: int) -> None:
        frame, row, canvas = self.frames[number], self.rows[number], self.canvas
        when = datetime.fromtimestamp(frame.step.at, SHANGHAI)
        canvas.text(EDGE + 24, row.y + 4, str(number + 1), size=10.5, fill="#a0aec0", anchor="end")
        canvas.text(EDGE + 36, row.y + 4.5, f"{when:%H:%M}", size=12, fill="#4a5568")
        x = self.node_x(frame.step.by)
        self._draw_reach(number, x)
        self._draw_mark(x, row.y, frame)
        zh, en, pills, remark = self._texts(number)
        left, y = x + 14, row.y + 4.5
        for line in zh:
            canvas.text(left, y, line, size=ZH_SIZE, bold=True)
            y += 17
        y -= 2
        for line in en:
            canvas.text(left, y, line, size=EN_SIZE, fill="#4a5568")
            y += 14
        y += 3
        for line_of_pills in pills:
            at = left
            for text, colour in line_of_pills:
                at += canvas.pill(at, y, text, fill=colour) + 4
            y += 21
        if remark is not None:
            for line in (remark.zh, remark.en):
                canvas.text(left, y + 3, line, size=10.5, fill=remark.colour, bold=True)
                y += 14

    def _draw_reach(self, number: int, x: float) -> None:
        """Tie a step to the ribbon it is about; a refusal points back to the giver's."""
        frame, row, canvas = self.frames[number], self.rows[number], self.canvas
        says, step = frame.step.says, frame.step
        lot = says.get("lot") or says.get("into")
        if step.does in ("take", "refuse") and "give" in says:
            lot = says.get("into") or self._lot_of(says["give"])
        for stay in self.stays:
            if stay.lot == lot and stay.holder == step.by and stay.first <= number <= stay.last + 1:
                colour = STREAM_COLOURS[Stream(stay.stream)]
                d = f"M{self.slot_x(stay) + 4:.1f} {row.y:.1f}H{x - 9:.1f}"
                canvas.path(
                    "lines", d, stroke=colour, width=1.4, more='stroke-dasharray="1 3" stroke-linecap="round"'
                )
        if step.does == "refuse":
            self._draw_refusal(number, x, lot)

    def _draw_refusal(self, number: int, x: float, lot: str | None) -> None:
        row = self.rows[number]
        for stay in self.stays:
            if stay.lot == lot and stay.first <= number <= stay.last:
                x1, y, red = self.slot_x(stay), row.gap_y, OUTCOME_COLOURS[Outcome.CONFLICT]
                d = f"M{x:.1f} {row.y - 9:.1f}V{y:.1f}H{x1 + 12:.1f}"
                self.canvas.path("lines", d, stroke=red, width=2, more='stroke-dasharray="5 4"')
                self.canvas.add("marks", f'<path d="M{x1 + 5:.1f} {y:.1f}l9 -5v10z" fill="{red}"/>')
                return

    def _lot_of(self, give: str) -> str:
        step = self.story.step(give)
        return str(step.says["lot"]) if step.does == "give" else self._lot_of(step.says["give"])

    def _draw_mark(self, x: float, y: float, frame: Frame) -> None:
        canvas = self.canvas
        if frame.last is None:
            draw_carried_sign(canvas, x, y)
            return
        if frame.first is not None and frame.first != frame.last:
            canvas.circle("marks", x, y, 11, fill=OUTCOME_COLOURS[frame.first])
            canvas.circle("marks", x, y, 9, fill=PAPER)
        elif frame.flaw != Flaw.NONE and frame.last == Outcome.APPLIED:
            canvas.circle("marks", x, y, 11, fill=FLAW_COLOUR)
            canvas.circle("marks", x, y, 9, fill=PAPER)
        canvas.circle("marks", x, y, 8, fill=OUTCOME_COLOURS[frame.last])
        draw_sign(canvas, x, y, frame.last)
