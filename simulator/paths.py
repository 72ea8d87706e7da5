"""Where the project's own parts and tools lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
SAMCONFIG = ROOT / "samconfig.toml"
TOOLS = ROOT / ".tools"
SAM = TOOLS / "sam" / "bin" / "sam"
MINISTACK = TOOLS / "ministack" / "bin" / "ministack"
LAYER_PYTHON = TOOLS / "uv" / "bin" / "python"  # the one with pip, which layers/core/Makefile builds with
RUNTIME_PYTHON = TOOLS / "runtime" / "bin" / "python"
EMULATOR = next(
    iter(sorted(TOOLS.glob("sam/lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"))),
    TOOLS / "aws-lambda-rie-x86_64",
)
