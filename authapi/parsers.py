"""JSON in, JSON out, nothing else."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from authapi.errors import BodyTooLarge


class StrictJSONParser(JSONParser):
    """
    JSON as RFC 8259 has it: UTF-8, no ``NaN``, at most 64 kB, no text that UTF-8 cannot carry.
    """

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise BodyTooLarge
        try:
            data = json.loads(body.decode(), parse_constant=_refuse)
            # A lone surrogate (an escape such as \ud800) parses, and breaks whatever writes it.
            json.dumps(data, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except UnicodeError as error:
            raise ParseError("The body must be text in UTF-8.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}") from error
        return data


class AlwaysJSON(BaseContentNegotiation):
    """Answers JSON whatever ``Accept`` says (RFC 9110, section 12.5.1 allows it)."""

    def select_parser(
        self, request: Request, parsers: Iterable[BaseParser]
    ) -> BaseParser | None:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((p for p in parsers if p.media_type == media_type), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
