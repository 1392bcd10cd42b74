"""Where a request came from. The session stores it, and its owner sees it in the list of sessions."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Client:
    """What is known about the sender of a request. The client can choose any user agent."""

    user_agent: str
    address: str | None

    def is_at(self, user_agent: str, address: str | None) -> bool:
        """Whether this can be the same client: same user agent, same network."""
        known = self.address is not None and address is not None
        alike = self.user_agent == user_agent
        return known and alike and network(self.address) == network(address)


# For a session that was not opened by a request.
UNKNOWN = Client("", None)


@lru_cache(maxsize=1024)
def network(address: str | None, *, v4: int = 24, v6: int = 48) -> str:
    """Return the network of *address*: by default an IPv4 /24 or IPv6 /48, the size of one site."""
    if address is None:
        return ""
    prefix = v6 if ":" in address else v4
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))
