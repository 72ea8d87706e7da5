"""The wheel that `pipx install .` and `uv tool install .` make: the command line alone, with what it needs declared."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from simulator.paths import ROOT

OURS = {"remediator", "remediator_cli"}
# As an interpreter has it that knows nothing of the checkout: its .pth files are not read.
START = "import sys; sys.path[:0] = sys.argv[1:3]; del sys.argv[1:3]; from remediator_cli.main import main; main()"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (packed,) = folder.glob("*.whl")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def run(wheel: Path, *words: str) -> tuple[str, int]:
    """What the command line prints outside the checkout, and its exit code."""
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    done = subprocess.run(
        [sys.executable, "-S", "-c", START, str(wheel), libraries, *words],
        cwd=wheel.parent, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout, done.returncode


def test_wheel_holds_the_runtime_and_the_command_line_and_no_more(wheel: Path) -> None:
    folders = {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")}
    assert folders == OURS
    assert (wheel / "remediator_cli/report/report.html.j2").exists()


def test_wheel_declares_every_package_it_imports(wheel: Path) -> None:
    (metadata,) = wheel.glob("*.dist-info/METADATA")
    declared = {name.lower() for name in re.findall(r"^Requires-Dist: ([\w-]+)", metadata.read_text(), re.MULTILINE)}
    imported = set()
    for file in wheel.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).partition(".")[0])
    typing_only = {name for name in imported if name.startswith("mypy_boto3")}
    foreign = imported - OURS - typing_only - sys.stdlib_module_names
    providers = importlib.metadata.packages_distributions()
    botocore = {"botocore"}  # boto3's own half
    assert {providers[name][0].lower().replace("_", "-") for name in foreign - botocore} <= declared


def test_command_line_works_outside_the_checkout(wheel: Path) -> None:
    event = ROOT / "events" / "cloudwatch-alarm.json"

    assert run(wheel, "--version")[1] == 0
    assert "gameday" in run(wheel, "--help")[0]
    assert '"trigger"' in run(wheel, "alarm", str(event))[0]
    assert run(wheel, "link", "https://example.com/", "--no-resolve")[1] == 3
