"""Where a request came from, as its session remembers it and its owner recognises it."""

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """What a request tells of its sender; the user agent is a claim of the client, no fact."""

    user_agent: str
    address: str | None

    def is_at(self, user_agent: str, address: str | None) -> bool:
        """Whether this may be the same client: the same user agent, in the same network."""
        return self.user_agent == user_agent and network(self.address) == network(
            address
        )


# Of a session that nobody's request opened.
UNKNOWN = Client("", None)


def network(address: str | None, *, v4: int = 24, v6: int = 48) -> str:
    """Return the network of *address*: by default an IPv4 /24 or IPv6 /48, such as one site has."""
    if address is None:
        return ""
    prefix = v6 if ":" in address else v4
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))
