"""What SAM built, on its own."""

import subprocess
from pathlib import Path

import pytest

from console.places import RUNTIME_PYTHON


@pytest.mark.parametrize("function", ["Remediate", "Canary"])
def test_built_function_imports_with_only_the_built_layer_on_its_path(built: Path, function: str) -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]; import app, remediator, pydantic;"
        "print(sys.version_info[:2], app.__file__, remediator.__file__, pydantic.__file__)"
    )
    done = subprocess.run(
        [str(RUNTIME_PYTHON), "-I", "-S", "-c", script, str(built / function), str(built / "Core" / "python")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(3, 13)")
    assert done.stdout.count(str(built)) == 3
