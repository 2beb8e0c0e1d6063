"""Tables of measurements, whose rows are NamedTuples, with output as Markdown and JSON."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Table(NamedTuple):
    """Table with a title, rows of one kind, and notes."""

    title: str
    rows: Sequence[Any]
    """Rows, as NamedTuples of numbers, texts and None."""
    notes: Sequence[str] = ()
    """Sentences that a reader of the table needs."""

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
        """Convert the table to plain data for JSON."""
        return {"title": self.title, "rows": [row._asdict() for row in self.rows], "notes": list(self.notes)}


def shown(value: Any) -> str:
    """Format a value: a float with three or more significant digits, and None as a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)
