"""What the code really imports and reads, found from its source without running it."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "holdfast"


def module_file(name: str) -> Path | None:
    """Return the file of a module of ours, or None if the name is no module of ours."""
    parts = name.split(".")
    if parts[0] != "holdfast":
        return None
    base = PACKAGE.joinpath(*parts[1:])
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


def imports(path: Path) -> set[str]:
    """Return the names that a file imports anywhere, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def closure(*modules: str) -> set[Path]:
    """Return every file of ours that running these modules can load."""
    todo, files = list(modules), set[Path]()
    while todo:
        name = todo.pop()
        path = module_file(name)
        if path is None or path in files:
            continue
        files.add(path)
        todo += imports(path)
        todo += [name.rpartition(".")[0]] if "." in name else []
    return files


def attributes_of(path: Path, variable: str) -> set[str]:
    """Return the names x for which `variable.x` stands in a file."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == variable
    }
