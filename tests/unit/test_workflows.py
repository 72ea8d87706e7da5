"""What GitHub reads: workflows, Dependabot's configuration and the issue forms, held against GitHub's documents.

zizmor, in `make check`, holds the first two against its own rules and GitHub's schema. None of them was run by GitHub.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.paths import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*.y*ml"))
CHOOSER = GITHUB / "ISSUE_TEMPLATE" / "config.yml"
FORMS = [file for file in sorted(GITHUB.glob("ISSUE_TEMPLATE/*.y*ml")) if file != CHOOSER]

# "Syntax for GitHub's form schema": each type with the attributes it needs.
NEEDED = {
    "markdown": {"value"},
    "textarea": {"label"},
    "input": {"label"},
    "dropdown": {"label", "options"},
    "checkboxes": {"label", "options"},
    "upload": {"label"},
}
FORM_KEYS = {"name", "description", "body", "assignees", "labels", "title", "type", "projects"}


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_job_has_an_end_and_no_more_permission_than_to_read_the_checkout(file: Path) -> None:
    workflow = read(file)

    assert workflow["permissions"] == {}
    assert "pull_request_target" not in workflow[True]  # `on`, which YAML 1.1 takes for true
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert job["timeout-minutes"] <= 60
        assert re.fullmatch(r"ubuntu-\d\d\.04", job["runs-on"])


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_an_action_is_a_commit_whose_version_is_beside_it(file: Path) -> None:
    used = [line.partition("uses:")[2] for line in file.read_text().splitlines() if "uses:" in line]

    assert used
    for action in used:
        assert re.fullmatch(r" [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_ci_runs_the_readmes_two_commands_and_nothing_else() -> None:
    (job,) = read(GITHUB / "workflows" / "ci.yml")["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]

    assert commands == ["make demo", "make test"]
    assert all(re.search(f"^{command}\\b", (ROOT / "README.md").read_text(), re.MULTILINE) for command in commands)


def test_dependabot_looks_at_the_actions_and_at_every_folder_of_pins() -> None:
    dependabot = read(GITHUB / "dependabot.yml")
    updates = {each["package-ecosystem"]: each for each in dependabot["updates"]}
    pinned = [*ROOT.glob("requirements*/*.txt"), *ROOT.glob("*/*/requirements*.txt")]

    assert dependabot["version"] == 2
    assert updates.keys() == {"github-actions", "pip"}
    assert updates["github-actions"]["directory"] == "/"
    assert set(updates["pip"]["directories"]) == {f"/{file.parent.relative_to(ROOT)}" for file in pinned}
    assert {each["schedule"]["interval"] for each in updates.values()} <= {"daily", "weekly", "monthly", "quarterly"}


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_an_issue_form_has_what_github_requires_and_nothing_it_does_not_know(file: Path) -> None:
    form = read(file)
    fields = [field for field in form["body"] if field["type"] != "markdown"]

    assert {"name", "description", "body"} <= form.keys() <= FORM_KEYS
    assert fields, "at least one element that isn't Markdown"
    for field in form["body"]:
        assert NEEDED[field["type"]] <= field["attributes"].keys()
        assert field.keys() <= {"type", "id", "attributes", "validations"}
    for unique in ([field["id"] for field in fields], [field["attributes"]["label"] for field in fields]):
        assert len(unique) == len(set(unique))
    assert all(re.fullmatch("[A-Za-z0-9_-]+", field["id"]) for field in fields)


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_an_issue_form_begins_with_what_never_belongs_into_an_issue(file: Path) -> None:
    first = read(file)["body"][0]

    assert first["type"] == "markdown"
    assert all(word in first["attributes"]["value"] for word in ("Never paste", "report link", "token", "password"))


def test_whoever_has_found_a_vulnerability_is_led_away_from_the_issues() -> None:
    chooser = read(CHOOSER)
    (link,) = chooser["contact_links"]

    assert chooser["blank_issues_enabled"] is False
    assert link.keys() == {"name", "url", "about"}
    assert link["url"].startswith("https://docs.github.com/")
    assert "Report a vulnerability" in link["about"]
