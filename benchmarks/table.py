"""Tables of measurements: rows are NamedTuples, shown as Markdown and kept as JSON."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Table(NamedTuple):
    """Rows of one kind under a title; a note is one sentence that a reader needs."""

    title: str
    rows: Sequence[Any]
    """NamedTuples of numbers, texts and None."""
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        lines = [f"### {self.title}", ""]
        if self.rows:
            columns = self.rows[0]._fields
            numeric = [isinstance(value, int | float) for value in self.rows[0]]
            lines.append(f"| {' | '.join(name.replace('_', ' ') for name in columns)} |")
            lines.append(f"|{'|'.join('---:' if number else '---' for number in numeric)}|")
            lines += [f"| {' | '.join(map(shown, row))} |" for row in self.rows]
            lines.append("")
        lines += [f"* {note}" for note in self.notes]
        return "\n".join(lines).rstrip() + "\n"

    def plain(self) -> dict[str, Any]:
        """The table as JSON holds it."""
        return {"title": self.title, "rows": [row._asdict() for row in self.rows], "notes": list(self.notes)}


def shown(value: Any) -> str:
    """A number with three or four digits that count; nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)
