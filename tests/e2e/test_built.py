"""What SAM built, on its own."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks.sides import EVENT, our_variables
from benchmarks.stubs import stubs
from simulator.invoke import sent_now
from simulator.paths import ROOT, RUNTIME_PYTHON
from tests.e2e.conftest import run

# What is imported when the first byte goes to the shop, beside Python's own and the runtime's: each costs a cold start.
OUTSIDE = {
    "annotated_types", "aws_lambda_powertools", "boto3", "botocore", "certifi", "charset_normalizer", "cython_runtime",
    "dateutil", "idna", "jmespath", "pydantic", "pydantic_core", "requests", "s3transfer", "six", "typing_extensions",
    "typing_inspection", "urllib3",
}  # fmt: skip
# Runs the built function with a shop that, as soon as it is asked, prints what is imported and ends the process.
FIRST_BYTE = """
import json, os, socket, sys, threading
sys.path[:0] = sys.argv[1:3]
shop = socket.create_server(("127.0.0.1", 0))
os.environ["SHOP_URL"] = f"http://127.0.0.1:{shop.getsockname()[1]}"
def wait():
    asked, _ = shop.accept()
    asked.recv(1)
    print(json.dumps(sorted(sys.modules)), flush=True)
    os._exit(0)
threading.Thread(target=wait, daemon=True).start()
class Context:
    aws_request_id = invoked_function_arn = function_name = memory_limit_in_mb = function_version = "r-1"
    def get_remaining_time_in_millis(self): return 120_000
import app
app.handler(json.loads(sys.argv[3]), Context())
"""


ALONE = [str(RUNTIME_PYTHON), "-I", "-S", "-c"]  # a Python that knows nothing of the checkout


def break_python(file: Path) -> None:
    file.write_text("#!/bin/sh\nexit 127\n")
    file.chmod(0o755)


def build_core(layer: Path, environment: dict[str, str], into: Path) -> subprocess.CompletedProcess[str]:
    """The layer built as SAM builds it."""
    return run(["make", "--silent", "build-Core"], cwd=layer, env=environment | {"ARTIFACTS_DIR": str(into)})


@pytest.mark.parametrize("function", ["Remediate", "Canary", "Ingest"])
def test_a_built_function_imports_with_only_the_built_layer_on_its_path(built: Path, function: str) -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]; import app, remediator, boto3;"
        "print(sys.version_info[:2], app.__file__, remediator.__file__, boto3.__file__)"
    )

    done = run([*ALONE, script, str(built / function), str(built / "Core" / "python")])

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(3, 13)")
    assert done.stdout.count(str(built)) == 3


def test_every_module_of_the_layer_is_byte_code_that_is_used_without_a_check_of_its_source(built: Path) -> None:
    sources = [file for file in (built / "Core" / "python").rglob("*.py") if "{" not in file.name]
    compiled = {file: file.parent / "__pycache__" / f"{file.stem}.cpython-313.pyc" for file in sources}

    assert len(sources) > 500
    assert [str(file) for file, code in compiled.items() if not code.exists()] == []
    # PEP 552: flags 0b01, a hash in place of a time stamp, and not checked: a build's times don't matter.
    assert {code.read_bytes()[4:8] for code in compiled.values()} == {b"\x01\x00\x00\x00"}


def test_the_layer_is_built_by_any_python_with_pip_without_byte_code_of_another_version(tmp_path: Path) -> None:
    """As under pyenv, whose python3.13 doesn't run in the folder that SAM copies the layer to."""
    (tmp_path / "bin").mkdir()
    break_python(tmp_path / "bin" / "python3.13")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "PYENV_VERSION": ""}
    layer = shutil.copytree(ROOT / "layers/core", tmp_path / "core")
    asked = [("-c", "import sys; print(sys.version_info[:2])"), ("-m", "pip", "--version")]
    version, pip = (run(["python3", *words], cwd=layer, env=environment) for words in asked)
    if pip.returncode or version.stdout.strip() == "(3, 13)":
        pytest.skip(f"python3 has no pip, or is 3.13, outside the checkout: {version.stdout}{pip.stderr[-200:]}")

    done = build_core(layer, environment, tmp_path / "built")

    assert done.returncode == 0, done.stderr
    assert "no byte code" in done.stdout
    assert (tmp_path / "built/python/boto3/__init__.py").exists()
    assert not list((tmp_path / "built").rglob("*.pyc"))


def test_without_a_python_that_has_pip_the_build_says_what_to_install(tmp_path: Path) -> None:
    for name in ("python3", "python3.13"):
        break_python(tmp_path / name)

    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = build_core(ROOT / "layers/core", path, tmp_path / "built")

    assert done.returncode == 2
    assert "no python3 with pip is found: install one" in done.stderr.splitlines()[0]
    assert not (tmp_path / "built").exists()


def test_a_layer_that_any_python_built_is_never_taken_from_the_cache() -> None:
    """SAM's cache compares sources alone: a plain build's layer without byte code would end up in `make deploy`."""
    plain = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["build"]["parameters"]

    assert not plain.get("cached", False)


@pytest.mark.parametrize("target", ["setup", "unit", "check", "build", "deploy", "local", "demo", "invoke", "test"])
def test_without_its_python_each_target_says_in_one_line_what_to_install(tmp_path: Path, target: str) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "simulator").mkdir()
    for name in ("Makefile", "pyproject.toml", "simulator/pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)

    words = ["make", target, "PYTHON=python3.13-that-is-nowhere"]
    done = run(words, cwd=tmp_path, env={"PATH": os.environ["PATH"]})

    advice, make = done.stderr.splitlines()
    assert done.returncode == 2
    assert "apt-get install python3.13-venv" in advice
    assert make.startswith("make: ***")


def test_the_layer_holds_the_data_of_the_services_that_are_used_and_of_no_other(built: Path) -> None:
    data = built / "Core" / "python" / "botocore" / "data"
    endpoints = json.loads((data / "endpoints.json").read_text())

    used = {"dynamodb", "secretsmanager", "sns"}
    assert {folder.name for folder in data.iterdir() if folder.is_dir()} == used
    assert all(set(partition["services"]) <= used for partition in endpoints["partitions"])
    assert set(endpoints["partitions"][0]["services"]) == used


def test_the_first_byte_goes_to_the_shop_before_any_other_package_is_imported(built: Path) -> None:
    with stubs(0, 0) as running:
        event = json.dumps(sent_now(json.loads(EVENT.read_text())))
        paths = (str(built / "Remediate"), str(built / "Core" / "python"))
        done = run([*ALONE, FIRST_BYTE, *paths, event], env=our_variables(running, "imports"))

    assert done.stdout, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    tops = {name.split(".")[0] for name in found if not name.startswith("_")} - set(sys.stdlib_module_names)
    assert {"boto3", "requests"} <= tops <= OUTSIDE | {"app", "remediator"}
    assert "pydantic.networks" not in found
