"""What a practice copy forgets of the shell that it is used in: the addresses and secrets of the real work.

Its environment forgets them where it is activated, and every command of ours before it begins, activated or not. So
what is practised reaches no real registry, bucket, platform or log.
"""

import logging
import os
import re
from pathlib import Path

SECTION, KEY = "holdfast", "practice"
SETTING = f"{SECTION}.{KEY}"  # in the Git config of a practice copy, and of no other clone
ADDRESSES = (
    "AWS_ACCESS_KEY_ID", "AWS_CONFIG_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
    "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "DATABASE_URL", "DEPLOY_REMOTE", "DEPLOY_URL",
    "DVC_REMOTE", "GH_TOKEN", "GITHUB_TOKEN", "HEROKU_API_KEY", "MLFLOW_REGISTRY_URI", "MLFLOW_S3_ENDPOINT_URL",
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "REDIS_URL",
    "REPO_TOKEN",
)  # fmt: skip
# No address, and chapters set them: only a new shell begins without.
CHOICES = ("HOLDFAST_ENV", "MODEL_URI", "PYTHONPATH")
PRACTICE = re.compile(rf"^\s*\[{SECTION}\][^\[]*?^\s*{KEY}\s*=", re.MULTILINE | re.IGNORECASE)

logger = logging.getLogger(__name__)


def forget(root: Path) -> None:
    """Forget addresses and secrets where a repository is a practice copy; elsewhere do nothing."""
    known = [name for name in ADDRESSES if name in os.environ]
    if known and is_practice(root):
        for name in known:
            del os.environ[name]
        logger.warning("this is a practice copy: what the shell has in %s is not used", ", ".join(known))


def is_practice(root: Path) -> bool:
    """Tell whether a repository, or the one that a worktree belongs to, is a practice copy; Git is not asked."""
    git = root / ".git"
    if git.is_file():  # gitdir: REPOSITORY/.git/worktrees/NAME
        git = (root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).parent.parent
    config = git / "config"
    return config.is_file() and PRACTICE.search(config.read_text(encoding="utf-8", errors="replace")) is not None
