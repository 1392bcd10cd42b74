"""JSON is the only format of requests and answers."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from django.http import Http404
from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class StrictJSONParser(JSONParser):
    """
    Strict RFC 8259 JSON: UTF-8, no ``NaN``, no text that cannot be encoded as UTF-8.
    """

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            data = json.loads(stream.read().decode(), parse_constant=_refuse)
            # A lone surrogate (an escape such as \ud800) can be parsed, but not written as UTF-8; `1e999` is infinite.
            json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except UnicodeError as error:
            raise ParseError("The body must be text in UTF-8.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}") from error
        return data


class LenientNegotiation(DefaultContentNegotiation):
    """
    DRF's negotiation, which falls back to the view's first renderer if ``Accept`` names no other.

    RFC 9110, section 12.5.1, allows this. A client that forgot the header gets JSON instead of a 406.
    """

    def select_parser(
        self, request: Request, parsers: Iterable[BaseParser]
    ) -> BaseParser | None:
        # A body has one media type, so a range such as */* is not valid.
        if "*" in (request.content_type or ""):
            return None
        return super().select_parser(request, parsers)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        first, *others = renderers
        if not others:
            return first, first.media_type or ""
        try:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(
                request, [first, *others], format_suffix
            )
        except (NotAcceptable, Http404):
            return first, first.media_type or ""
        return chosen


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
