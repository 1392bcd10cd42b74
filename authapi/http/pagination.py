"""Pagination of long lists, and the schema of a page."""

import re
from typing import Any

from django.core.paginator import Paginator
from rest_framework.exceptions import NotFound
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.views import APIView


class SessionPagination(PageNumberPagination):
    """Twenty sessions per page."""

    page_size = 20
    page_query_description = "Which page, the first if none is named."

    def get_page_number(self, request: Request, paginator: Paginator) -> str:
        """Return the page number. DRF would also accept ``last`` and any text that ``int()`` accepts."""
        asked = request.query_params.getlist("page", ["1"])
        if len(asked) != 1 or not re.fullmatch("[1-9][0-9]*", asked[0]):
            raise NotFound("The page must be a number, starting at 1.")
        return asked[0]

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        [page] = super().get_schema_operation_parameters(view)
        page["schema"] |= {"minimum": 1, "default": 1}
        return [page]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        members = page["properties"]
        for name, example, description in (
            ("count", 1, "How many there are on all pages."),
            ("next", None, "The next page; null at the last."),
            ("previous", None, "The page before; null at the first."),
        ):
            members[name] |= {"description": description, "example": example}
        return page | {
            "description": "One page of sessions.",
            "required": list(members),
        }
