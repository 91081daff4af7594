"""A report, written down in every form: for programs, for a pull request, for people."""

from pathlib import Path

from holdfast import files, report_markdown, report_page
from holdfast.report import Report, as_json


def write(report: Report, into: Path) -> Path:
    """Write all three into a folder, whole or not at all, and return it."""
    with files.replacing(into) as folder:
        files.write_json(folder / "report.json", as_json(report))
        files.write_bytes(folder / "report.md", report_markdown.markdown(report).encode())
        files.write_bytes(folder / "report.html", report_page.page(report).encode())
    return into
