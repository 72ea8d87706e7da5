"""What `make local ADDRESS=…` takes."""

import pytest
from click.testing import CliRunner

from simulator.local import local


@pytest.mark.parametrize("address", ["0.0.0.0", "169.254.1.2", "::1", "10.88.0.1:80", "http://10.88.0.1", ""])  # noqa: S104 - no bind
def test_an_address_to_which_no_report_link_may_lead_is_refused(address: str) -> None:
    done = CliRunner().invoke(local, ["--address", address])

    assert done.exit_code == 2
    assert "neither a name nor an IPv4 address that a report link may lead to" in done.output
