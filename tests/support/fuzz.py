"""Values nobody expects: lists and objects where a text is, letters of other scripts, halves of characters.

FUZZ_EXAMPLES sets how many each test tries.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")), deadline=None, suppress_health_check=list(HealthCheck)
)
LURES = [
    *(
        "OK",
        "resolved",
        "firing",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00Z",
        "9" * 5_000,
        "\ud800",
        "\x1b[2J",
    ),
    *(
        "\u202eolleh",
        "\u017dlu\u0165ou\u010dk\u00fd",
        "\u6bd4\u8428\u2603",
        "\u0439\u0301",
        "[/link]",
        "%F0%9F",
        "\\ud83c",
    ),
]
TEXTS = st.sampled_from(LURES) | st.text(max_size=12) | st.characters(categories=["Cs"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def objects(*names: str) -> st.SearchStrategy[dict[str, object]]:
    """Objects that have some of these keys, each with any value, and other keys beside."""
    return st.dictionaries(st.sampled_from(names) | TEXTS, VALUES, max_size=len(names) + 1)
