"""`make release VERSION=x.y.z`: set the version, date the changelog, commit and tag. Nothing is pushed."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

CHANGELOG = "CHANGELOG.md"
PROJECTS = ("pyproject.toml", "simulator/pyproject.toml")
UNRELEASED = "## [Unreleased]"
VERSION = re.compile(r'^version = "(.*)"$', re.MULTILINE)


class Refused(Exception):
    """Why there is no release: one sentence."""


def git(*words: str) -> str:
    """What git prints. Raises Refused with git's own words if it fails."""
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"git {words[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def newer(version: str, current: str) -> str:
    """The version, if it may follow the current one. The first release may bear the version that is there already."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise Refused(f"A version is three numbers: make release VERSION=1.2.3, and not {version or 'nothing'}.")
    if [int(each) for each in version.split(".")] < [int(each) for each in current.split(".")]:
        raise Refused(f"{version} is older than {current}, which pyproject.toml says.")
    return version


def dated(changelog: str, version: str, day: str) -> str:
    """The changelog with what is unreleased under the version, and a fresh heading above it."""
    before, heading, after = changelog.partition(f"{UNRELEASED}\n")
    if not heading:
        raise Refused(f"{CHANGELOG} has no heading {UNRELEASED}.")
    changes = after.partition("\n## ")[0].splitlines()
    if all(not line.strip() or line.startswith("#") for line in changes):
        raise Refused(f"{CHANGELOG} says nothing under {UNRELEASED}: write what changes for those who run it.")
    return f"{before}{heading}\n## [{version}] - {day}\n{after}"


def check_tree(version: str) -> None:
    """Raise Refused unless this is main, all is committed and the tag is free."""
    if (branch := git("branch", "--show-current")) != "main":
        raise Refused(f"Releases are made on main, and this is {branch or 'no branch'}.")
    if changed := git("status", "--porcelain"):
        raise Refused(f"Commit these or put them away first:\n{changed}")
    if git("tag", "--list", f"v{version}"):
        raise Refused(f"v{version} is tagged already.")


def release(version: str) -> None:
    """Write, commit and tag, or raise Refused with nothing changed."""
    texts = {name: Path(name).read_text() for name in (CHANGELOG, *PROJECTS)}
    current = VERSION.findall(texts[PROJECTS[0]])[0]
    check_tree(newer(version, current))
    texts[CHANGELOG] = dated(texts[CHANGELOG], version, f"{datetime.now(UTC):%Y-%m-%d}")
    for name in PROJECTS:
        texts[name] = VERSION.sub(f'version = "{version}"', texts[name])
    for name, text in texts.items():
        Path(name).write_text(text)
    before = git("rev-parse", "HEAD")
    try:
        git("commit", "--quiet", "--message", f"{version} is released", "--", *texts)
        git("tag", "--annotate", f"v{version}", "--message", f"Version {version}")
    except Refused:
        git("reset", "--quiet", "--hard", before)
        raise


if __name__ == "__main__":
    try:
        release(sys.argv[1])
    except Refused as why:
        sys.exit(str(why))
    print(f"v{sys.argv[1]} is committed and tagged here. To publish it: git push --follow-tags origin main")
