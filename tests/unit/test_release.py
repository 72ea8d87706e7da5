"""`make release`, in a repository of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.paths import ROOT
from tools.release import PROJECTS

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0] - 2026-01-01

### Added

- All.
"""
EMPTY = CHANGELOG.replace("- A thing.\n", "")
NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, env=os.environ | NOBODY, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout of main with version 0.1.0, which is tagged, and a change that isn't released."""
    for name in ("tools/release.py", *PROJECTS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in PROJECTS:
        text = (tmp_path / name).read_text()
        assert text.count('\nversion = "') == 1
        head, _, rest = text.partition('\nversion = "')
        (tmp_path / name).write_text(f'{head}\nversion = "0.1.0"{rest.partition('"')[2]}')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "All")
    git(tmp_path, "tag", "v0.1.0")
    return tmp_path


def make_release(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    words = ["make", "-f", str(ROOT / "Makefile"), "release", f"PYTHON={sys.executable}", f"VERSION={version}"]
    return subprocess.run(words, cwd=folder, env=os.environ | NOBODY, capture_output=True, text=True, check=False)


def test_a_release_is_one_commit_with_version_dated_changelog_and_tag(repository: Path) -> None:
    done = make_release(repository, "0.2.0")

    assert done.returncode == 0, done.stderr
    assert "git push --follow-tags origin main" in done.stdout
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "log", "--format=%s") == "0.2.0 is released\nAll"
    assert git(repository, "cat-file", "-t", "v0.2.0") == "tag"  # annotated
    assert git(repository, "rev-parse", "v0.2.0^{}") == git(repository, "rev-parse", "HEAD")
    for name in PROJECTS:
        assert (repository / name).read_text().count('\nversion = "0.2.0"\n') == 1
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    fresh = f"## [Unreleased]\n\n## [0.2.0] - {day}\n"
    assert (repository / "CHANGELOG.md").read_text() == CHANGELOG.replace("## [Unreleased]\n", fresh)


def test_the_first_release_bears_the_version_that_is_there(repository: Path) -> None:
    git(repository, "tag", "--delete", "v0.1.0")

    assert make_release(repository, "0.1.0").returncode == 0
    assert git(repository, "tag", "--list") == "v0.1.0"


def written(name: str, text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_text(text)
        git(folder, "commit", "--quiet", "--all", "--message", "Written")

    return write


REFUSALS = {
    "a file that isn't committed": (lambda folder: (folder / "new").touch(), "0.2.0", "Commit these or put them away"),
    "another branch": (lambda folder: git(folder, "switch", "-q", "-c", "wip"), "0.2.0", "on main, and this is wip"),
    "no branch": (lambda folder: git(folder, "switch", "-q", "--detach"), "0.2.0", "and this is no branch"),
    "an older version": (lambda _: None, "0.0.9", "0.0.9 is older than 0.1.0"),
    "numbers, not letters": (written(PROJECTS[0], 'version = "0.10.0"\n'), "0.9.0", "0.9.0 is older than 0.10.0"),
    "a tag that is there": (lambda _: None, "0.1.0", "v0.1.0 is tagged already"),
    "no version": (lambda _: None, "", "three numbers: make release VERSION=1.2.3, and not nothing"),
    "a word": (lambda _: None, "next", "three numbers: make release VERSION=1.2.3, and not next"),
    "a v": (lambda _: None, "v0.2.0", "three numbers: make release VERSION=1.2.3, and not v0.2.0"),
    "two numbers": (lambda _: None, "0.2", "three numbers: make release VERSION=1.2.3, and not 0.2"),
    "nothing to release": (written("CHANGELOG.md", EMPTY), "0.2.0", "says nothing under ## [Unreleased]"),
    "no heading": (written("CHANGELOG.md", "# Changelog\n"), "0.2.0", "has no heading ## [Unreleased]"),
}  # fmt: skip


@pytest.mark.parametrize(("prepare", "version", "why"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_a_sentence_and_changes_nothing(
    repository: Path, prepare: Callable[[Path], object], version: str, why: str
) -> None:
    prepare(repository)
    before = [git(repository, *words) for words in (("status", "--porcelain"), ("log",), ("tag",))]

    done = make_release(repository, version)

    assert done.returncode != 0
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert [git(repository, *words) for words in (("status", "--porcelain"), ("log",), ("tag",))] == before


@pytest.mark.parametrize("setting", ["core.hooksPath", "tag.gpgSign"])
def test_a_release_that_git_refuses_halfway_leaves_nothing_behind(repository: Path, setting: str) -> None:
    refuses = repository / ".git" / "refuses"
    refuses.mkdir()
    (refuses / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (refuses / "pre-commit").chmod(0o755)
    git(repository, "config", "gpg.program", "false")
    git(repository, "config", setting, str(refuses) if setting == "core.hooksPath" else "true")

    done = make_release(repository, "0.2.0")

    assert re.search(r"^git (commit|tag) failed: ", done.stderr)
    assert git(repository, "status", "--porcelain") == git(repository, "tag", "--list", "v0.2.0") == ""
    assert git(repository, "log", "--format=%s") == "All"


def test_our_changelog_is_in_the_form_that_a_release_takes() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", each) for each in headings[1:])
