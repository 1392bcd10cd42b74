"""
What the document cannot say of a view, found before anybody reads it.

    schema.W001  a view, a serializer or a field cannot be described, or only in part

The service starts all the same, and the document has everything else.
"""

from typing import Any

from django.core.checks import Warning, register
from drf_spectacular.drainage import GENERATOR_STATS

from schema.generator import Generator

_HINT = (
    "Annotate what the message names: `serializer_class` or `queryset` on the view, "
    "`@operation(answers=...)` on its handler (authapi.http.operation), a converter in the path."
)


@register()
def check_views(**kwargs: Any) -> list[Warning]:
    with GENERATOR_STATS.silence():
        Generator().get_schema(public=True)
    # drf-spectacular collects what it says, and has no other door to it.
    said = {**GENERATOR_STATS._warn_cache, **GENERATOR_STATS._error_cache}
    return [Warning(message, hint=_HINT, id="schema.W001") for message in said]
