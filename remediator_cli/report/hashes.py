"""Hashes: none stands in a sentence, and those that somebody compares have a table of their own."""

import re

from remediator_cli.report.facts import IncidentFacts
from remediator_cli.terminal import shown

# A link's fingerprint as a recorded reason and the mask write it; any other hash, but no part of a host's name.
_FINGERPRINT = re.compile(r"(the link to \S+|<(?:link \S+|key|jwt))(?: is)? [0-9a-f]{12}\b")
_HASH = re.compile(r"(?<![\w.-])([0-9a-f]{7})[0-9a-f]{13,}(?!\.?[\w-])", re.I)


def without_hashes(sentence: str) -> str:
    """The sentence without fingerprints, other hashes cut short. Masked before: no mask knows half of a secret."""
    return _HASH.sub(r"\1…", _FINGERPRINT.sub(r"\1", shown(sentence)))


def hashes(facts: IncidentFacts) -> list[tuple[str, str]]:
    """The hash of the last entry of the incident's part of the audit log, and the fingerprint of each link."""
    links = {data["link"]: f"link at {data['host']}" for data in facts.data("intent")}
    last = [("last entry of the audit log", facts.log[-1].hash)] if facts.log else []
    return [*last, *((name, fingerprint) for fingerprint, name in links.items())]
