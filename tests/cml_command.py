"""A stand-in for the command `cml` of CML 0.20.6, with its faults, on the path of a test.

It does what `cml comment create` does, as far as its source tells. One thing differs: it keeps the scheme of `--repo`,
where CML always calls `https://HOST/api/v3`.
"""

import sys
from pathlib import Path

SOURCE = r"""
import argparse, json, os, re, sys, time, urllib.request
from pathlib import Path
from urllib.parse import urlsplit

mode = MODE
Path(SEEN).write_text(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd()}))
if mode == "hangs":
    child = os.fork()
    if child:
        Path(f"{SEEN}.child").write_text(str(child))
    time.sleep(60)
if mode == "silent":
    sys.exit(0)
if mode == "fails":
    sys.exit(1)
with (Path(os.environ["HOME"]) / ".gitconfig").open("a") as file:
    file.write("[safe]\n\tdirectory = *\n")

parser = argparse.ArgumentParser()
parser.add_argument("command"), parser.add_argument("action"), parser.add_argument("file")
parser.add_argument("--update", action="store_true"), parser.add_argument("--no-publish", action="store_true")
parser.add_argument("--driver"), parser.add_argument("--target"), parser.add_argument("--repo")
options = parser.parse_args()
repo = urlsplit(options.repo)
base = "https://api.github.com" if repo.hostname == "github.com" else f"{repo.scheme}://{repo.netloc}/api/v3"
token = os.environ.get("REPO_TOKEN") or os.environ["GITHUB_TOKEN"]
number = options.target.removeprefix("pr/")

def call(method, path, content=None):
    data = None if content is None else json.dumps(content).encode()
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{base}{path}", data, headers, method=method)) as answer:
        return json.load(answer)

if os.environ.get("GITHUB_SERVER_URL"):
    call("GET", f"/users/{os.environ['GITHUB_ACTOR']}")
report = Path(options.file).read_text(encoding="utf-8")
if not options.no_publish:
    report = re.sub(r"\]\((?!http)[^)]*\)", "](https://asset.cml.dev/0)", report)
sha = os.environ.get("GITHUB_SHA")
body = f'{report}\n\n![](https://cml.dev/watermark.png{f"#{sha}" if sha else ""} "CML watermark")'
mark = re.compile(r'!\[\]\(https://cml\.dev/watermark\.png#[0-9a-fA-F]+ "CML watermark"\)')
comments = call("GET", f"/repos{repo.path}/issues/{number}/comments")
found = next((one for one in reversed(comments) if mark.search(one["body"])), None) if options.update else None
if mode == "empties":
    body = "CML"
if found:
    call("PATCH", f"/repos{repo.path}/issues/comments/{found['id']}", {"body": body})
else:
    call("POST", f"/repos{repo.path}/issues/{number}/comments", {"body": body})
if mode == "posts and fails":
    sys.exit(1)
if not os.environ.get("ITERATIVE_DO_NOT_TRACK"):
    urllib.request.urlopen(urllib.request.Request(f"{repo.scheme}://{repo.netloc}/telemetry", b"{}", method="POST"))
"""


def install(folder: Path, mode: str = "works") -> Path:
    """Write the command into a folder; return the file in which it says how it was called."""
    seen = folder / "cml-was-called.json"
    head = f"#!{sys.executable} -I\nMODE, SEEN = {mode!r}, {str(seen)!r}\n"
    command = folder / "cml"
    command.write_text(head + SOURCE)
    command.chmod(0o755)
    return seen
