"""Which addresses a webhook may reach: none that lead inside, however they are written."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

# IANA's registries of special addresses, read 2026-11: what is not reachable by everyone, or is
# answered by the next machine. `is_global` of Python 3.11 knows fewer.
CLOSED_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host: 0.0.0.0 is loopback to Linux
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT; 100.100.100.200 is a cloud's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's wire server, in public space
        "169.254.0.0/16",  # link-local; 169.254.169.254 is metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Global unicast; unique local, link-local, multicast, compatible and translated addresses, ::1 and
# :: lie outside.
OPEN_6 = IPv6Network("2000::/3")
CLOSED_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
MAPPED = IPv6Network("::ffff:0:0/96")
# Where only IPv6 is spoken, DNS64 gives public IPv4 receivers such addresses.
NAT64 = IPv6Network("64:ff9b::/96")
ISATAP = (0x00005EFE, 0x02005EFE)
_LOW = 0xFFFFFFFF


def is_reachable(address: Address, allowed: Networks) -> bool:
    """Whether a webhook may be sent there: public, or in a network that was allowed."""
    return is_allowed(address, allowed) or is_public(address)


def is_allowed(address: Address, allowed: Networks) -> bool:
    return any(address in network or unwrapped(address) in network for network in allowed)


def is_public(address: Address) -> bool:
    """Whether the whole internet means the same machine by it."""
    inner = unwrapped(address)
    if isinstance(inner, IPv4Address):
        return not any(inner in network for network in CLOSED_4)
    if inner not in OPEN_6 or any(inner in network for network in CLOSED_6):
        return False
    # A tunnel that ends at the IPv4 address in its last bits.
    tunnelled = int(inner) >> 32 & _LOW in ISATAP
    return not tunnelled or is_public(IPv4Address(int(inner) & _LOW))


def unwrapped(address: Address) -> Address:
    """The IPv4 address that packets to an IPv6 one end at, if that is what it says."""
    if isinstance(address, IPv6Address) and (address in MAPPED or address in NAT64):
        return IPv4Address(int(address) & _LOW)
    return address
