"""May a connection go to this address? Plain text in, an answer out; nothing is looked up.

Sources: the IANA special-purpose registries as the standard library knows them, and what it calls
public though no shop's supplier lives there.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_PRIVATE = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)
_NEVER = tuple(
    ip_network(text)
    for text in (
        "224.0.0.0/4",  # multicast
        "192.88.99.0/24",  # 6to4 relays: a tunnel to anywhere
        "2001::/23",  # Teredo, a tunnel, and other protocols' own
        "3fff::/20",  # documentation
        "fd00:ec2::/32",  # EC2's own services, credentials among them
    )
)
_UNICAST6 = ip_network("2000::/3")  # all that has been given out: the rest can't be a supplier
_NAT64 = ip_network("64:ff9b::/96")


def is_literal(host: str) -> bool:
    """Whether `host` is an IPv4 address in its one canonical spelling, four decimal parts."""
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def may_connect(address: str, *, allow_private: bool) -> bool:
    """Whether `address` is public, or loopback or private where those are allowed.

    Link-local (the metadata service), multicast and reserved addresses never are, nor what isn't
    an address, nor one with a zone, which is meant for a link of this machine.
    """
    try:
        ip = _unwrap(ip_address(address))
    except ValueError:
        return False
    if "%" in address or any(ip in network for network in _NEVER):
        return False
    if any(ip in network for network in _PRIVATE):
        return allow_private
    return ip.is_global and (isinstance(ip, IPv4Address) or ip in _UNICAST6)


def _unwrap(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that is reached by way of a mapped or a translated IPv6 address."""
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip in _NAT64):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
