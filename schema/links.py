"""Which call comes next: from the answer of one operation into the request of another."""

from typing import Any

Document = dict[str, Any]

_WITH_ACCESS = "Send `access` as the bearer token."
# The whole answer, of which the request takes what it needs: generators choke on an object here.
_THE_PAIR = "$response.body"
_WITH_A_PAIR: dict[str, Document] = {
    "refreshToken": {
        "description": "Exchange `refresh` for a new pair before `access` ends.",
        "requestBody": _THE_PAIR,
    },
    "verifyToken": {
        "description": "Send `access` as `token`: would it be accepted now?",
    },
    "revokeToken": {"description": "Log out.", "requestBody": _THE_PAIR},
    "getProfile": {"description": _WITH_ACCESS},
    "updateProfile": {"description": _WITH_ACCESS},
    "listSessions": {"description": _WITH_ACCESS},
    "endOtherSessions": {"description": _WITH_ACCESS},
}
# Operation, then each that its answer leads to: what to do, and what of the answer goes where.
_NEXT: dict[str, dict[str, Document]] = {
    "createToken": _WITH_A_PAIR,
    "refreshToken": _WITH_A_PAIR,
    "verifyToken": {
        "endSession": {
            "description": "End the session that the token belongs to.",
            "parameters": {"id": "$response.body#/session"},
        },
    },
    "listSessions": {
        "endSession": {
            "description": "End one of those listed, here the first.",
            "parameters": {"id": "$response.body#/results/0/id"},
        },
    },
    "manualLogin": {
        "manualProfile": {"description": "Send `token` as the bearer token."},
    },
}


def link(result: Document, **kwargs: Any) -> Document:
    """Say at each answer what can be done with it."""
    for path in result["paths"].values():
        for operation in path.values():
            if following := _NEXT.get(operation["operationId"]):
                operation["responses"]["200"]["links"] = {
                    name: {"operationId": name, **how}
                    for name, how in following.items()
                }
    return result
