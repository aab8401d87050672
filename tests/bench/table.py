"""The table that `./dev bench` prints: its rows, and how two programs' runs become one."""

from measure import cpu_ratio, median_cpu, median_wall


class Row:
    """One line of the table. `measured` and `goal` in `unit`; a goal of None judges nothing."""

    def __init__(self, what, measured, unit, goal=None, note="", at_least=False):
        self.what, self.measured, self.unit, self.goal, self.note, self.at_least = (
            what, measured, unit, goal, note, at_least)

    @property
    def ok(self):
        if self.goal is None:
            return True
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def cells(self):
        digits = 1 if self.measured >= 100 else 2
        number = f"{self.measured:,.{digits}f} {self.unit}".strip()
        goal = "" if self.goal is None else f"{'>=' if self.at_least else '<='} {self.goal:g} {self.unit}".strip()
        return [self.what, number, goal, "" if self.goal is None else "ok" if self.ok else "MISSED", self.note]

    def as_json(self):
        return {"what": self.what, "measured": self.measured, "unit": self.unit, "goal": self.goal, "ok": self.ok,
                "note": self.note}


def wall(usages):
    return f"{median_wall(usages) * 1e3:.0f} ms on the wall"


def compared(what, ours, theirs, count, unit, goal, other="bare"):
    """CPU of ours for each of `count` units in `other`'s, and both beside it."""
    mine, other_cpu = median_cpu(ours), median_cpu(theirs)
    scale, name = (1e6 / count, "us") if count > 1 else (1e3, "ms")
    note = f"{mine * scale:.2f} {name} CPU a {unit}, {other} {other_cpu * scale:.2f}"
    note += f"; {wall(ours)}, {other} {wall(theirs)}" if count == 1 else f"; {count / median_wall(ours):,.0f} /s"
    return Row(what, cpu_ratio(ours, theirs), f"x {other}", goal, note)


def print_table(rows):
    cells = [["", "measured", "goal", "", ""]] + [row.cells() for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(5)]
    for what, number, goal, verdict, note in cells:
        print(f"{what:<{widths[0]}}  {number:>{widths[1]}}  {goal:>{widths[2]}}  {verdict:<{widths[3]}}  {note}".rstrip())
