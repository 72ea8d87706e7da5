"""Cut botocore's data to the services that are used.

At its first client botocore lists every service there is, and reads the endpoints of all.
"""

from __future__ import annotations  # whatever Python builds the layer

import json
import shutil
import sys
from pathlib import Path


def trim(data: Path, services: set[str]) -> None:
    """Leave the models and endpoints of these services, and what is no service's."""
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    endpoints = data / "endpoints.json"
    known = json.loads(endpoints.read_text())
    for partition in known["partitions"]:
        partition["services"] = {name: found for name, found in partition["services"].items() if name in services}
    endpoints.write_text(json.dumps(known))


if __name__ == "__main__":
    trim(Path(sys.argv[1]), set(sys.argv[2:]))
