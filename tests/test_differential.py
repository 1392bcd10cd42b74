"""
Both variants give the same verdict on mutated tokens, signed by the key of either variant.

However header, claims, encoding or signature are changed, the manual check and the one on simplejwt
agree: both return the same claims, or both reject the token.
"""

import json
import random
from typing import Any

import pytest

from authapi.errors import TokenRejected
from tests.conftest import untraced
from tests.variants import VARIANTS

COUNT = 10_000
SEED = 20_261_124
NAMES = [
    "exp",
    "iat",
    "nbf",
    "jti",
    "sub",
    "user_id",
    "sid",
    "iss",
    "aud",
    "token_type",
]
VALUES: list[Any] = [
    ..., None, True, False, 0, -1, 1, 52, 52.5, 1e308, float("inf"), float("nan"), 2**31, 2**53,
    10**30, 253402300799, 253402300800, "", "1", " 1 ", "52", "x", "\0", "\ud800", "é", "1e3", "NaN",
    [], ["1"], [1], {}, {"a": 1}, "00000000-0000-4000-8000-000000000000", "a" * 32, "A" * 32,
    "refresh", "other", "http://127.0.0.1:8000", ["http://127.0.0.1:8000"],
]  # fmt: skip
HEADERS: list[dict[str, Any]] = [
    {"typ": "jwt"}, {"typ": None}, {"typ": 7}, {"cty": "JWT"}, {"crit": []}, {"crit": ["exp"]},
    {"b64": False}, {"b64": True}, {"jku": "https://evil.example"}, {"jwk": {}}, {"x5c": []},
    {"x": "y"}, {"kid": 7}, {"kid": ""},
]  # fmt: skip
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def verdict(variant, token: str) -> tuple[str, ...]:
    try:
        claims = variant.read(token)
    except TokenRejected:
        return ("refused",)
    return (
        "accepted",
        str(claims.session),
        claims.user_id,
        claims.jti,
        str(claims.expires_at),
    )


def mutate_claims(random: random.Random, claims: dict[str, Any]) -> None:
    now = claims["iat"]
    for name in random.sample(NAMES, random.choice([0, 1, 1, 1, 2, 3])):
        value = random.choice(VALUES)
        if name in {"exp", "iat", "nbf"} and random.random() < 0.5:
            value = now + random.choice([-601, -6, -4, 0, 4, 6, 60, 601])
        if value is ...:
            claims.pop(name, None)
        else:
            claims[name] = value


def mutate_json(random: random.Random, text: str) -> str:
    """Duplicate members, white space, nesting, and values other than objects."""
    return random.choice(
        [
            lambda: text[:-1] + ', "user_id": "52"}',
            lambda: '{"exp": 1, ' + text[1:],
            lambda: text.replace(": ", " :\n\t"),
            lambda: text[:-1] + ', "deep": ' + "[" * 9000 + "]" * 9000 + "}",
            lambda: f"[{text}]",
            lambda: text[:-1],
            lambda: "null",
        ]
    )()


def mutate_text(random: random.Random, token: str) -> str:
    at = int(random.random() * len(token))
    other = ALPHABET.replace(token[at], "")
    parts = token.split(".")
    return random.choice(
        [
            # Never the same character, or the token would stay valid.
            lambda: token[:at] + random.choice(other) + token[at + 1 :],
            lambda: token[:at] + random.choice("=.+/ \n\0é%") + token[at:],
            lambda: token[:at] + token[at + 1 :],
            lambda: token + random.choice(["=", "==", ".", " ", "\n", ".x"]),
            lambda: random.choice([" ", "\n", "."]) + token,
            lambda: token[:-1] + ALPHABET[ALPHABET.index(token[-1]) ^ 1],
            lambda: ".".join(random.sample(parts, 3)),
            lambda: ".".join(parts[:2]) + ".",
        ]
    )()  # fmt: skip


@pytest.fixture
def good(user, login) -> dict[str, Any]:
    from authapi.models import Session

    login()
    return VARIANTS["main"].claims(user, Session.objects.get())


def verdicts(good: dict[str, Any], seed: int) -> list[tuple[str, ...]]:
    """Apply the same mutation, derived from *seed*, to each variant's valid token."""
    found = []
    for variant in VARIANTS.values():
        dice = random.Random(seed)
        claims = {**good, "token_type": variant.kind}
        kinds = dice.sample(
            ["claims", "json", "header", "text"], dice.choice([1, 1, 2])
        )
        if "claims" in kinds:
            mutate_claims(dice, claims)
        text = json.dumps(claims)
        if "json" in kinds:
            text = mutate_json(dice, text)
        headers = dice.choice(HEADERS) if "header" in kinds else {}
        token = variant.sign(text.encode(), headers)
        if "text" in kinds:
            token = mutate_text(dice, token)
        found.append(verdict(variant, token))
    return found


def test_both_variants_agree_on_mutated_tokens(good, record_property):
    accepted = 0
    with untraced():
        for seed in range(SEED, SEED + COUNT):
            main, manual = verdicts(good, seed)

            assert main == manual, f"seed {seed}"
            accepted += main[0] == "accepted"

    record_property(
        "said", f"{COUNT} mutated tokens, {accepted} accepted by both variants"
    )
    assert 0 < accepted < COUNT
