"""Which addresses may be connected to."""

import pytest

from remediator.addresses import is_literal, may_connect

PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.0", "223.255.255.255"),
    *("11.0.0.0", "128.0.0.0", "192.167.255.255", "192.169.0.0", "192.88.98.255", "192.88.100.0"),
    *("2606:4700::1111", "2001:4860:4860::8888", "2001:200::", "2003::1", "3ffe::1", "3fff:1000::"),
    *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2a00::1"),
    *("64:ff9b::200.1.1.1", "64:ff9b::192.0.0.9"),
]
PRIVATE = [
    *("127.0.0.1", "127.255.255.255", "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255"),
    *("192.168.0.0", "192.168.255.255", "::1", "fc00::1", "fd12::1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "fdff::", "fd00:ec3::1"),
]
NEVER = [
    *("169.254.169.254", "169.254.0.0", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fec0::1"),
    *("0.0.0.0", "::", "255.255.255.255", "240.0.0.1", "100.64.0.1", "192.0.2.1", "198.18.0.1"),  # noqa: S104 - not bound
    *("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1", "192.88.99.1", "192.0.0.1"),
    *("2002:808:808::", "2002:7f00:1::", "2001::1", "2001:1ff:ffff::", "2001:db8::1", "3fff::1"),
    *("::127.0.0.1", "::8.8.8.8", "64:ff9b:1::1", "::ffff:0:127.0.0.1", "4000::1", "1fff::1"),
    *("::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "::ffff:0.0.0.0", "100::1", "5f00::1"),
    *("192.88.99.200", "2001:20::1", "2001:1::1", "2001:3::1", "2001:4:112::1", "3fff:fff::1"),
    *("fd00:ec2:8000::1", "64:ff9b::1:808:808"),
    *("2606:4700::1%1", "fd12::1%eth0", "::1%lo"),
    *("", " ", "localhost", "127.1", "0177.0.0.1", "0x7f000001", "2130706433", "1.1.1.1 ", "1.1.1.1\n"),
    *("1.1.1.1/32", "[2606:4700::1111]", "1.1.1.1:443", "\uff11.1.1.1"),
]


@pytest.mark.parametrize(
    ("address", "always", "if_allowed"),
    [
        *((address, True, True) for address in PUBLIC),
        *((address, False, True) for address in PRIVATE),
        *((address, False, False) for address in NEVER),
    ],
)
def test_a_public_address_may_be_connected_to_and_a_private_one_if_that_is_allowed(
    address: str, always: bool, if_allowed: bool
) -> None:
    assert may_connect(address, allow_private=False) is always
    assert may_connect(address, allow_private=True) is if_allowed


@pytest.mark.parametrize(
    ("host", "literal"),
    [
        *((host, True) for host in ("1.2.3.4", "0.0.0.0", "255.255.255.255")),  # noqa: S104 - not bound
        *((host, False) for host in ("1.2.3", "01.2.3.4", "0x1.2.3.4", "1.2.3.256", "::1", "a.b", "")),
    ],
)
def test_four_decimal_parts_and_no_other_spelling_are_a_literal_address(host: str, literal: bool) -> None:
    assert is_literal(host) is literal
