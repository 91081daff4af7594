"""Write the reference pages: `python -m docs._ext.reference`, from the root of the repository."""

from pathlib import Path

from docs._ext.reference import codes, commands, gates, params

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "reference"


def pages(root: Path = ROOT) -> dict[str, str]:
    """Return the text of each page by the name of its file."""
    return {
        "commands.md": commands.page(),
        "params.md": params.page(root / "params.yaml"),
        "gates.md": gates.page(root / "params.yaml"),
        "codes.md": codes.page(root),
    }


def write(folder: Path = FOLDER) -> None:
    """Write every page that is not up to date."""
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
