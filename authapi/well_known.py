"""What other services need to verify access tokens by themselves, under ``/.well-known/``."""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import conditional_page, require_safe
from rest_framework_simplejwt import settings as simplejwt

from authapi.tokens import keys

# How long verifiers and proxies may cache the keys, in seconds.
CACHED = 300


@csrf_exempt
@require_safe
@conditional_page
@cache_control(public=True, max_age=CACHED)
def jwks(request: HttpRequest) -> JsonResponse:
    """The public keys, for services that verify tokens by themselves (RFC 7517)."""
    return JsonResponse(keys.jwks())


@csrf_exempt
@require_safe
@conditional_page
@cache_control(public=True, max_age=CACHED)
def metadata(request: HttpRequest) -> JsonResponse:
    """
    The metadata with which verifiers find the keys of an issuer (RFC 8414, section 3).

    It has no further members, because the service is not an authorization server with endpoints to
    list.
    """
    issuer = simplejwt.api_settings.ISSUER
    return JsonResponse({"issuer": issuer, "jwks_uri": f"{issuer}{reverse('jwks')}"})
