"""The documents: what they repeat of the code is as the code has it, and what they name is there."""

import re
from pathlib import Path

import click
import pytest

from remediator.outcome import Outcome
from remediator_cli.main import COMMANDS, main
from simulator.paths import ROOT
from tests.support.alarm_rules import template
from tools.tables import MARKED, TABLES, written

PAGES = {
    str(page.relative_to(ROOT)): page
    for found in ("*.md", "docs/**/*.md", ".github/**/*.md")
    for page in sorted(ROOT.glob(found))
}
CURRENT = {name: page for name, page in PAGES.items() if name != "CHANGELOG.md" and "decisions" not in name}
FILES = "".join(f"{path}\n" for top in (*ROOT.glob("[!.]*"), ROOT / ".github") for path in (top, *top.rglob("*")))
FILE = r"(?:[\w.-]+/)*[\w.-]*[\w-]+\.(?:py|md|ya?ml|toml|json|j2|in|sh)"
MADE_LATER = {"diner.json", "answer.json", "samconfig.user.toml", ".local/stack.json", ".local/event.json"}
OTHERS_OPTIONS = {
    *("--guided", "--parameter-overrides", "--docker-network", "--skip-pull-image"),  # SAM's
    *("--cli-read-timeout", "--secret-string"),  # the AWS CLI's
    "--offline",  # zizmor's
    *(option for param in main.params for option in param.opts),  # before any command
}

each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
each_current_page = pytest.mark.parametrize("page", CURRENT.values(), ids=CURRENT)


def prose(page: Path) -> str:
    """The page without its blocks of code, in which a `#` is no heading and a bracket no link."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def code(page: Path) -> list[str]:
    """What stands in code: each span, and each line of a block."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```$|^    (\S.*)$", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = re.sub(r" *\\\n *", " ", "\n".join(map("".join, blocks))).splitlines()
    return [said.strip() for said in (*re.findall(r"`([^`\n]+)`", prose(page)), *lines)]


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.*)", prose(page), re.MULTILINE)
    texts = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text).lower().replace(" ", "-") for text in texts}


def links(page: Path) -> list[str]:
    """Those that lead to a place of the repository."""
    found = map("".join, re.findall(r"\]\(([^)\s]+)\)|(?:src|href|srcset)=\"([^\"\s]+)\"", prose(page)))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def options(command: str) -> set[str]:
    found = main.get_command(click.Context(main), command)
    assert found
    return {option for param in found.params for option in param.opts} | {"--help"}


@each_page
def test_every_table_that_repeats_the_code_is_as_the_code_has_it(page: Path) -> None:
    text = page.read_text()
    tables = [table for _, _, table, _ in MARKED.findall(text)]

    assert text == written(text), "run `make tables`"
    assert text.count("<!-- table: ") == len(tables), "a marker has no end"
    assert not [table for table in tables if "| TODO |" in table], "write the new row's words by hand"


def test_every_table_stands_on_one_page() -> None:
    placed = [name for page in PAGES.values() for _, name, _, _ in MARKED.findall(page.read_text())]

    assert len(placed) == len(set(placed))
    assert set(TABLES) == set(placed)


def test_a_row_that_the_code_lacks_goes_and_a_new_one_waits_for_the_words_that_others_keep() -> None:
    text = "<!-- table: probes -->\n| `gone` | a | b |\n| `canary: menu` | old | by hand |\n<!-- end of table -->\n"

    rows = written(text).splitlines()

    assert "| `canary: menu` | `GET /api/order/menu` | by hand |" in rows
    assert "| `canary: process` | `GET /` | TODO |" in rows
    assert "gone" not in "".join(rows)
    assert written("\n".join(rows)) == "\n".join(rows)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_a_cell_for_each_column_and_rows_that_are_told_apart(name: str) -> None:
    columns, rows = TABLES[name]
    made = [*rows()]

    assert {len(row) for row in made} == {len(columns.split(" | "))}
    assert not [cell for row in made for cell in row if cell and re.search(r"[|\n]", cell)]
    assert all(None not in row for row in made) or len({row[0] for row in made}) == len(made)


@each_page
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        leads_to = (page.parent / path).resolve() if path else page
        assert leads_to.exists(), link
        assert not anchor or anchor in anchors(leads_to), link


@each_page
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(rf"`({FILE})`", prose(page)))

    assert {name for name in named if f"/{name}\n" not in FILES} <= MADE_LATER


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "docs/glossary.md"])
def test_a_row_that_names_a_file_and_what_is_in_it_is_right(name: str) -> None:
    for line in re.findall(r"^\| .*", PAGES[name].read_text(), re.MULTILINE):
        text = ""
        for said in re.findall(r"`([^`]+)`", line.rpartition(" | ")[2]):
            if re.fullmatch(FILE, said):
                text = "".join(Path(path).read_text() for path in FILES.splitlines() if path.endswith(f"/{said}"))
            elif text and re.fullmatch(r"[\w.]+", said):
                assert re.search(rf"\b{said.rpartition('.')[2]}\b", text), line


@each_current_page
def test_every_command_is_one_of_ours_and_takes_the_options_that_are_named(page: Path) -> None:
    every = OTHERS_OPTIONS.union(*map(options, COMMANDS))

    for said in code(page):
        called = re.match(r"((?:\.venv/bin/)?remediator )?([a-z]+)\b([^#]*)", said)
        if called and (called[1] or called[2] in COMMANDS):
            assert set(re.findall(r"--[a-z-]+", called[3])) <= options(called[2]), said
        elif said.startswith("--"):
            assert set(re.findall(r"--[a-z-]+", said)) <= every, said


@each_current_page
def test_every_make_target_parameter_and_output_that_is_named_is_there(page: Path) -> None:
    makefile, made, said = (ROOT / "Makefile").read_text(), template(), "\n".join(code(page))

    for target, variable in re.findall(r"^make ([a-z-]+)(?: ([A-Z]+)=)?", said, re.MULTILINE):
        assert f"\n{target}:" in makefile, target
        assert f"$({variable})" in makefile or not variable, variable
    assert set(re.findall(r"\b([A-Z][a-z]\w+)=(?!=)", said)) <= {*made["Parameters"], "Id", "Arn"}
    assert set(re.findall(r"<([A-Z]\w+)>", said)) <= set(made["Outputs"])


def test_every_page_is_reached_from_the_readme_and_every_file_of_grafana_is_explained() -> None:
    reached, new = set(), {PAGES["README.md"]}
    while new:
        reached |= new
        found = {(page.parent / link.partition("#")[0]).resolve() for page in new for link in links(page)}
        new = found.intersection(PAGES.values()) - reached

    assert set(ROOT.glob("docs/*.md")) <= reached
    assert not [path.name for path in ROOT.glob("grafana/*") if path.name not in PAGES["docs/grafana.md"].read_text()]


@each_current_page
def test_a_page_that_lists_the_outcomes_lists_each_of_them(page: Path) -> None:
    named = set(code(page)) & set(Outcome)

    assert len(named) <= len(Outcome) / 2 or named == set(Outcome), set(Outcome) - named
