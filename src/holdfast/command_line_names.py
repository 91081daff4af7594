"""What can be typed about models that have a name: registered, released, scoring, and on GitHub."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def registry(commands: "Commands") -> None:
    """Describe the commands about the registry."""
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


def lineage(commands: "Commands") -> None:
    """Describe the commands about where a model comes from and runs."""
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


def scores(commands: "Commands") -> None:
    """Describe the commands that score."""
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


def release(commands: "Commands") -> None:
    """Describe the commands of a release."""
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


def github(commands: "Commands") -> None:
    """Describe the commands that workflows run on GitHub."""
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
