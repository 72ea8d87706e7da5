"""README's pictures: there, described, light, and closed: they load nothing and hold no secret."""

import re
from pathlib import Path

import pytest

from remediator.masking import Mask
from simulator.paths import ROOT

PICTURES = sorted((ROOT / "docs" / "pictures").iterdir())
IN_README = re.findall(r"!\[([^\]]*)\]\((docs/pictures/[^)]+)\)", (ROOT / "README.md").read_text())
SHOWN = {file: words for words, file in IN_README}


def test_readme_shows_each_picture_and_says_in_words_what_is_on_it() -> None:
    assert sorted(SHOWN) == [str(picture.relative_to(ROOT)) for picture in PICTURES]
    assert all(len(words.split()) >= 4 for words in SHOWN.values()), SHOWN
    assert {picture.suffix for picture in PICTURES} == {".svg", ".png"}


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_small_enough_to_be_seen_at_once(picture: Path) -> None:
    assert 5_000 < picture.stat().st_size < 200_000


def test_a_drawn_terminal_loads_nothing_runs_nothing_and_shows_no_secret_and_no_place_of_the_machine() -> None:
    (text,) = [picture.read_text() for picture in PICTURES if picture.suffix == ".svg"]

    assert re.findall(r"[a-z]+://[^\"\s<]+", text) == ["http://www.w3.org/2000/svg"]
    assert re.findall(r"url\((?!#heal-)|@import|@font-face|<script|<image|href|\bon\w+=", text) == []
    said = re.sub(r"<[^>]*>", " ", text)
    assert Mask().text(said) == said
    assert re.findall(r"(?:/(?:home|root|tmp|work|Users)\b|by root)", said) == []
    assert "remediator heal --follow" in said.replace("&#160;", " ")
    assert "HEALED" in said
