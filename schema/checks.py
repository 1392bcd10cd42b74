"""
A check for views that the document cannot fully describe.

    schema.W001  a view, a serializer or a field cannot be described, or only partly

The service still starts, and the document contains everything else.
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
    # drf-spectacular collects its messages, and has no public access to them.
    said = {**GENERATOR_STATS._warn_cache, **GENERATOR_STATS._error_cache}
    return [Warning(message, hint=_HINT, id="schema.W001") for message in said]
