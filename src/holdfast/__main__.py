"""One door for people and CI: `python -m holdfast COMMAND`."""

import argparse
import signal
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast import terminal
from holdfast.errors import UserError, exit_code

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def parser() -> argparse.ArgumentParser:
    """Describe every command."""
    top = argparse.ArgumentParser(prog="python -m holdfast", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for describe in (
        _data, _own_data, _model, _registry, _lineage, _scores, _comparison, _github, _reproduction, _trials, _release,
        _tutorial,
    ):  # fmt: skip
        describe(commands)
    completion = commands.add_parser(
        "completion",
        help="print what a shell needs to complete `holdfast` and its options",
        epilog="example: holdfast completion bash > ~/.local/share/bash-completion/completions/holdfast",
    )
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="which shell")
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


def _registry(commands: "Commands") -> None:
    commands.add_parser(
        "publish",
        help="log this tree's model as an MLflow run, and register it as challenger",
        epilog="example: HOLDFAST_ENV=uat python -m holdfast publish",
    )
    promote = commands.add_parser(
        "promote",
        help="make the challenger champion, if the judge says so",
        epilog="example: HOLDFAST_ENV=prod python -m holdfast promote --dry-run",
    )
    promote.add_argument("version", nargs="?", default="challenger", metavar="VERSION", help="another one instead")
    promote.add_argument("--dry-run", action="store_true", help="judge and show, but change nothing")
    promote.add_argument(
        "--approved-by", action="append", default=[], metavar="NAME", help="who has agreed (once for each person)"
    )
    rollback = commands.add_parser(
        "rollback",
        help="make the champion before this one champion again",
        epilog="example: HOLDFAST_ENV=prod python -m holdfast rollback",
    )
    rollback.add_argument("version", nargs="?", metavar="VERSION", help="one that was champion at any time")
    commands.add_parser(
        "history",
        help="say who was champion from when to when, and on which verdict",
        epilog="example: HOLDFAST_ENV=prod python -m holdfast history",
    )


def _lineage(commands: "Commands") -> None:
    explain = commands.add_parser(
        "explain-model",
        help="say what a model is made of, who let it in and on what grounds, and where it runs",
        epilog="examples: python -m holdfast explain-model 7; python -m holdfast explain-model --prediction ID",
    )
    which = explain.add_mutually_exclusive_group()
    which.add_argument(
        "version", nargs="?", default="champion", metavar="MODEL", help="an alias, a version or a hash (champion)"
    )
    which.add_argument("--prediction", metavar="ID", help="the one that gave a prediction: see DATABASE_URL")
    which.add_argument("--scored", metavar="DIR", help="the one that gave the scores that `score` wrote there")
    explain.add_argument("--format", dest="form", choices=["text", "json"], default="text", help="how to say it (text)")
    deployed = commands.add_parser(
        "deployed",
        help="ask a service what it serves, and note in the registry that it is the champion",
        epilog="example: HOLDFAST_ENV=prod python -m holdfast deployed https://flights.example.org",
    )
    deployed.add_argument("url", metavar="URL", help="the address of the service")
    deployed.add_argument("--token", metavar="VARIABLE", help="the environment variable that holds its bearer token")


def _scores(commands: "Commands") -> None:
    score = commands.add_parser(
        "score",
        help="score whole files, partition by partition",
        epilog="examples: python -m holdfast score data/flights --out scores; python -m holdfast score --check scores",
    )
    score.add_argument("inputs", nargs="*", metavar="INPUT", help="Parquet or CSV files, or folders of them")
    score.add_argument("--out", metavar="DIR", help="the folder of the scores; what is there already is kept")
    score.add_argument(
        "--model", help="champion, challenger, a version, a Git revision, a folder or a hash (the model of this tree)"
    )
    score.add_argument("--check", metavar="DIR", help="instead, tell whether all of DIR is whole and by one model")


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


def _release(commands: "Commands") -> None:
    release = commands.add_parser(
        "release",
        help="take this commit into the environment HOLDFAST_ENV: all that its workflow runs",
        epilog="example: HOLDFAST_ENV=uat python -m holdfast release",
    )
    release.add_argument(
        "--approved-by", action="append", default=[], metavar="NAME", help="who agreed (once for each person)"
    )
    deploy = commands.add_parser(
        "deploy",
        help="push HEAD with an exported model to a platform that builds from Git",
        epilog="example: python -m holdfast deploy served https://git.heroku.com/APP.git",
    )
    deploy.add_argument("folder", metavar="FOLDER", help="that `export` wrote")
    deploy.add_argument("remote", metavar="REMOTE", help="the address or the name of the platform's Git repository")


def _github(commands: "Commands") -> None:
    post = commands.add_parser(
        "post",
        help="put the report of a run of `ci` on its pull request, as one comment",
        epilog="example: python -m holdfast post --repository OWNER/NAME --run 123456 --head $(git rev-parse HEAD)",
    )
    post.add_argument("--repository", required=True, metavar="OWNER/NAME", help="where the pull request is")
    post.add_argument("--run", required=True, metavar="ID", help="the run that uploaded the artifact `report`")
    post.add_argument("--head", required=True, metavar="SHA", help="the commit that the run was of")
    post.add_argument(
        "--author", default="github-actions[bot]", metavar="LOGIN", help="who the token is (github-actions[bot])"
    )
    propose = commands.add_parser(
        "propose",
        help="open a pull request for the month that `make retrain` has added",
        epilog="example: make retrain && python -m holdfast propose",
    )
    propose.add_argument("--start-checks", action="store_true", help="also start ci.yml, as a workflow has to")
    alarm = commands.add_parser(
        "alarm",
        help="open an issue that new versions break us, or add to the open one",
        epilog="example: python -m holdfast alarm https://github.com/OWNER/NAME/actions/runs/123456",
    )
    alarm.add_argument("run_url", metavar="RUN", help="the address of the run that failed")


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


def run() -> int:
    """Run the command that is named on the command line."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` may stop listening
    signal.signal(signal.SIGTERM, _end)  # whoever ends us lets us tidy up
    arguments = vars(parser().parse_args())
    name = arguments.pop("command").replace("-", "_")
    with terminal.lines(sys.stdout):
        code: int = import_module(f"holdfast.commands.{name}").run(_root(), **arguments)
    return code


def main() -> int:
    """Run the command that is named on the command line, and return its exit code."""
    return exit_code(run, partial(terminal.painted, stream=sys.stderr))


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _root() -> Path:
    """Return the folder of `params.yaml`: this one or one above it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            return folder
    raise UserError(f"{here}: no params.yaml and dvc.yaml here or above.", fix="cd into the repository")


if __name__ == "__main__":
    sys.exit(main())
