"""The door that DVC uses: `python src/holdfast/stages STAGE`, in the folder of `params.yaml`.

It is apart from `python -m holdfast`, so that a new command there makes no stage run again. And it runs
the code beside it, whatever is installed: so a clone, a Git worktree or an experiment in a
temporary folder is reproduced by its own code.
"""

import logging
import sys
import time
from importlib import import_module
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

from holdfast import params, threads  # noqa: E402
from holdfast.errors import DONE, UserError, exit_code  # noqa: E402
from holdfast.files import Workspace, tidy, write_json  # noqa: E402

STAGES = ("prepare", "featurize", "train", "evaluate")


def run() -> int:
    """Run the stage that is named on the command line."""
    stage = sys.argv[1] if len(sys.argv) == 2 else ""
    if stage not in STAGES:
        found = " ".join(sys.argv[1:]) or "nothing"
        raise UserError(f"stage: found '{found}', expected one of {', '.join(STAGES)}.", fix="dvc repro")
    logging.basicConfig(format=f"{stage}: %(message)s", level=logging.WARNING)
    logging.getLogger("holdfast").setLevel(logging.INFO)
    workspace = Workspace(Path.cwd())
    tidy(getattr(workspace, stage))  # where this stage was killed before
    choices = params.load(workspace.params)
    threads.limit(choices.threads)
    start = time.perf_counter()
    import_module(f"holdfast.stages.{stage}").main(choices, workspace)
    # Beside the artifacts, which never hold a time: for people, and for the report.
    workspace.times.mkdir(parents=True, exist_ok=True)
    write_json(workspace.times / f"{stage}.json", round(time.perf_counter() - start, 1))
    return DONE


sys.exit(exit_code(run))
