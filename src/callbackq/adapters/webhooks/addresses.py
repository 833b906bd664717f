"""Which addresses belong to the public network, and which to somebody's inside."""

from __future__ import annotations

import ipaddress
from typing import Final

_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Behind these a translator reaches the address of IPv4 that stands in the last four bytes."""
_GIVEN_OUT: Final = ipaddress.IPv6Network("2000::/3")
"""The only addresses of IPv6 that are given to anybody in the public network; fec0::/10 was for the inside of sites."""
_NOBODYS: Final = (
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("192.88.99.0/24"),
    ipaddress.ip_network("3fff::/20"),
)
"""Those of protocols, of relays, and of documents that not every Python knows as such."""


def is_public(address: str) -> bool:
    """
    Say whether an IP address is one of the public network.

    What is private, of this machine, of this link, reserved or a group's is not; nor is an address of IPv6 that leads
    to such a one of IPv4.

    Raises:
        ValueError: it is no IP address.

    >>> is_public("93.184.215.14"), is_public("10.1.2.3"), is_public("::ffff:127.0.0.1")
    (True, False, False)
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if found.teredo is not None:
            return False
        if inner is None and found not in _GIVEN_OUT:
            return False
        if inner is not None:
            found = inner
    if any(found in network for network in _NOBODYS):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved
