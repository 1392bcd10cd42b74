"""django-ninja-jwt with its default controller and its blacklist."""

from datetime import datetime

from django.core.wsgi import get_wsgi_application

from tests.bench.systems.django_peer import JWT, configure, make_users

__all__ = ["application", "make_users"]

configure(
    __name__,
    ("ninja_extra", "ninja_jwt", "ninja_jwt.token_blacklist"),
    NINJA_JWT=JWT,
)

from django.urls import path
from ninja import Schema
from ninja_extra import NinjaExtraAPI
from ninja_jwt.authentication import JWTAuth
from ninja_jwt.controller import NinjaJWTDefaultController

api = NinjaExtraAPI()
api.register_controllers(NinjaJWTDefaultController)


class Profile(Schema):
    username: str
    email: str
    first_name: str
    last_name: str
    date_joined: datetime
    last_login: datetime | None


@api.get("/profile", auth=JWTAuth(), response=Profile)
def profile(request):
    return request.user


urlpatterns = [path("api/", api.urls)]
application = get_wsgi_application()
