"""What can be typed after `python -m holdfast`: every command with its options, its help and an example."""

import argparse
from typing import TYPE_CHECKING

from holdfast.command_line_names import github, lineage, registry, release, scores

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def parser() -> argparse.ArgumentParser:
    """Describe every command."""
    top = argparse.ArgumentParser(prog="python -m holdfast", description="One door for people and CI.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for describe in (
        _tutorial, _data, _own_data, _model, registry, lineage, scores, _comparison, github, _reproduction, _trials,
        release, _completion,
    ):  # fmt: skip
        describe(commands)
    return top


def _data(commands: "Commands") -> None:
    ingest = commands.add_parser(
        "ingest",
        help="write monthly partitions of the example's flights below data/",
        epilog="example: python -m holdfast ingest --through 2013-10",
    )
    until = ingest.add_mutually_exclusive_group(required=True)
    until.add_argument("--through", metavar="YYYY-MM", help="the last month to write")
    until.add_argument(
        "--next", action="store_const", const="next", dest="through", help="the month after the newest below data/"
    )
    ingest.add_argument(
        "--replace", action="store_true", help="write every month anew, also those that differ from upstream"
    )

    validate = commands.add_parser(
        "validate",
        help="judge partitions against the contract, and write Data Docs",
        epilog="example: python -m holdfast validate incoming/2014-01.parquet",
    )
    validate.add_argument("partitions", nargs="*", metavar="PARTITION", help="files or folders (all of data/)")
    validate.add_argument("--names", action="store_true", help="print what is promised of a partition, and stop")

    data_diff = commands.add_parser(
        "data-diff",
        help="say what changed between two data versions",
        epilog="examples: python -m holdfast data-diff HEAD~1; python -m holdfast data-diff v1 v2 --markdown",
    )
    data_diff.add_argument("before", metavar="REV", help="the Git revision of the version before")
    data_diff.add_argument("after", metavar="REV2", nargs="?", help="that of the one after (what is under data/ now)")
    data_diff.add_argument("--markdown", action="store_true", help="as GitHub's markdown, for a pull request")


def _own_data(commands: "Commands") -> None:
    init = commands.add_parser(
        "init-data",
        help="look at a table of yours, propose what the pipeline must know of it, and write that once you agree",
        epilog="example: python -m holdfast init-data wine.csv --target quality",
    )
    init.add_argument("files", nargs="+", metavar="FILE", help="CSV or Parquet; several are one table")
    init.add_argument("--target", metavar="COLUMN", help="what is to be predicted (guessed by its name, or the last)")
    init.add_argument(
        "--kind", choices=["binary", "classes", "number"], help="what the target is (guessed from its values)"
    )
    init.add_argument(
        "--more", action="store_true", help="add rows: name the files of before, then new ones; params.yaml stays"
    )
    init.add_argument("--yes", action="store_true", help="write without showing the changes and asking")


def _model(commands: "Commands") -> None:
    commands.add_parser(
        "metrics",
        help="print what was measured of the model, and on which rows",
        epilog="example: python -m holdfast metrics",
    )
    card = commands.add_parser(
        "card",
        help="write the model card of this tree's model: what it is for, how good it is and how surely, what it lacks",
        epilog="example: python -m holdfast card --format md",
    )
    card.add_argument("--format", dest="form", choices=["md", "html"], help="print the card (where it is, in short)")
    export = commands.add_parser(
        "export",
        help="write all that a service needs of a model into a folder, and prove that it scores as it was evaluated",
        epilog="example: HOLDFAST_ENV=prod python -m holdfast export served --model champion",
    )
    export.add_argument("into", metavar="FOLDER", help="where to; an older bundle in it is replaced")
    export.add_argument(
        "--model", metavar="NAME", help="of the registry: champion, 7, a hash, models:/NAME/7 (the model of this tree)"
    )


def _comparison(commands: "Commands") -> None:
    report = commands.add_parser(
        "report",
        help="judge this tree's model against another, on the same rows",
        epilog="examples: python -m holdfast report --base HEAD~1; python -m holdfast report --format md",
    )
    report.add_argument("--base", metavar="REV", help="the commit of the champion (main; on main the one before)")
    report.add_argument(
        "--champion", metavar="MODEL", help="instead of it, a model's folder, or models:/NAME@ALIAS of the registry"
    )
    report.add_argument(
        "--format", dest="form", choices=["md", "html", "json"], help="print the report (what is found, in short)"
    )
    gate = commands.add_parser(
        "gate",
        help="exit with 1 unless the last report's verdict is to promote",
        epilog="example: python -m holdfast report && python -m holdfast gate",
    )
    gate.add_argument("--base", metavar="REV", help="the commit that it must be against (as for report)")


def _reproduction(commands: "Commands") -> None:
    commands.add_parser(
        "lock-check",
        help="tell whether dvc.lock is what `dvc repro` would write",
        epilog="example: python -m holdfast lock-check",
    )
    rebuild = commands.add_parser(
        "rebuild-check",
        help="clone a commit, reproduce it without a cache, compare every artifact",
        epilog="example: python -m holdfast rebuild-check HEAD~1",
    )
    rebuild.add_argument("revision", nargs="?", default="HEAD", metavar="REV", help="the commit (HEAD)")
    restore = commands.add_parser(
        "restore",
        help="check out the commit and data of a registered version, and prove that its model comes out of them again",
        epilog="example: python -m holdfast restore champion --into ../champion",
    )
    restore.add_argument("version", metavar="VERSION", help="its number, an alias, or the first characters of its hash")
    restore.add_argument("--into", metavar="FOLDER", help="where to (../THIS-version-NUMBER)")


def _trials(commands: "Commands") -> None:
    sweep = commands.add_parser(
        "sweep",
        help="try other parameters, each combination an experiment of DVC, and compare them on the validation rows",
        epilog="example: python -m holdfast sweep -S train.learning_rate=0.03,0.1 -S 'train.max_leaf_nodes=[15,31],63'",
    )
    sweep.add_argument(
        "-S", "--set-param", action="append", required=True, dest="settings", metavar="NAME=A,B",
        help="the values of a parameter that are tried, as `dvc exp run -S` takes them; may be repeated",
    )  # fmt: skip
    sweep.add_argument("--set-winner", action="store_true", help="write the best values into params.yaml")


def _tutorial(commands: "Commands") -> None:
    tutorial = commands.add_parser(
        "tutorial",
        help="make a practice copy to follow docs/tutorial in, go back in it, or say what a chapter lacks",
        epilog="example: python -m holdfast tutorial start ../practice",
    )
    actions = tutorial.add_subparsers(dest="action", required=True, metavar="ACTION")
    start = actions.add_parser(
        "start", help="make one: a clone with an origin, a DVC remote and an environment of its own"
    )
    start.add_argument("folder", metavar="DIR", help="where to: a new or an empty folder")
    for name, says in (
        ("reset", "go back to the start of a chapter; what was done is kept under mine/"),
        ("check", "look at what a chapter leaves behind, and say what is missing"),
    ):
        action = actions.add_parser(name, help=f"{says} (in the practice copy)")
        action.add_argument("chapter", type=int, metavar="N", help="the number of the chapter, from 1 to 8")


def _completion(commands: "Commands") -> None:
    completion = commands.add_parser(
        "completion",
        help="print what a shell needs to complete `holdfast` and its options",
        epilog="example: holdfast completion bash > ~/.local/share/bash-completion/completions/holdfast",
    )
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="which shell")
