"""When the local AWS builds anew."""

from pathlib import Path

from console.gameday.local_aws import sources


def test_sources_differ_by_each_name_and_byte_and_not_by_byte_code(tmp_path: Path) -> None:
    seen = [sources(tmp_path)]
    for name, text in (
        ("template.yaml", "a"),
        ("functions/x/app.py", "a"),
        ("functions/x/app.py", "b"),
        ("layers/core/Makefile", "a"),
        ("layers/core/remediator/py.typed", ""),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        seen.append(sources(tmp_path))
    (tmp_path / "functions/x/__pycache__").mkdir()
    (tmp_path / "functions/x/__pycache__/app.pyc").write_text("c")

    assert len(set(seen)) == len(seen)
    assert sources(tmp_path) == seen[-1]
