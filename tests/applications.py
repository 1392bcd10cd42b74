"""Views such as people write: each kind of DRF's that an application may bring, without a docstring."""

import csv
from collections.abc import Iterator
from typing import Any

from csp.decorators import csp_update
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path
from drf_spectacular.utils import OpenApiExample
from rest_framework import (
    exceptions,
    filters,
    generics,
    mixins,
    pagination,
    parsers,
    permissions,
    renderers,
    routers,
    serializers,
    throttling,
    versioning,
    views,
    viewsets,
)
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from authapi.authentication import bearer_required
from authapi.http.operation import operation
from authapi.models import Session
from authapi.throttles import SharedThrottle

MEGABYTE = 1024 * 1024


class GroupSerializer(serializers.ModelSerializer):
    class Meta:
        model = Group
        fields = ("id", "name")


class Groups(viewsets.ModelViewSet):
    queryset = Group.objects.order_by("pk")
    serializer_class = GroupSerializer


class Archive(Groups):
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        return Response(GroupSerializer(self.get_object()).data)

    @action(detail=False)
    def recent(self, request: Request) -> Response:
        return Response(GroupSerializer(self.get_queryset(), many=True).data)


class Plain(views.APIView):
    def get(self, request: Request) -> Response:
        return Response({"time": "now"})

    def post(self, request: Request) -> Response:
        return Response(request.data)


@api_view(["GET", "POST"])
def ping(request: Request) -> Response:
    return Response({"pong": request.data})


@api_view(["GET"])
@permission_classes([permissions.AllowAny])
def motd(request: Request) -> Response:
    """Read the message of the day"""
    return Response({"text": "Hello"})


class FileSerializer(serializers.Serializer):
    file = serializers.FileField()
    title = serializers.CharField(max_length=50, required=False)


class SizeSerializer(serializers.Serializer):
    size = serializers.IntegerField()


class Checked(views.APIView):
    @operation(answers={422: SizeSerializer})
    def get(self, request: Request) -> Response:
        return Response({"size": 0})


class Upload(generics.GenericAPIView):
    serializer_class = FileSerializer
    parser_classes = (parsers.MultiPartParser,)
    max_body_bytes = 5 * MEGABYTE

    @operation(answers={201: SizeSerializer})
    def post(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response({"size": serializer.validated_data["file"].size}, status=201)


class RawUpload(views.APIView):
    parser_classes = (parsers.FileUploadParser,)

    def put(self, request: Request, filename: str) -> Response:
        return Response(status=204)


class IsOwner(permissions.BasePermission):
    code = "not_owner"
    message = "Only its owner may do this."

    def has_object_permission(self, request: Request, view: Any, obj: Session) -> bool:
        return bool(obj.user == request.user)


class OwnedSerializer(serializers.ModelSerializer):
    class Meta:
        model = Session
        fields = ("id", "user_agent")


class Owned(generics.RetrieveUpdateDestroyAPIView):
    queryset = Session.objects.all()
    serializer_class = OwnedSerializer
    permission_classes = (permissions.IsAuthenticated, IsOwner)


class LineSerializer(serializers.Serializer):
    size = serializers.ChoiceField(["small", "large"])
    note = serializers.CharField(allow_null=True)
    wrapping = serializers.ChoiceField(["paper", "box"], allow_null=True)
    card = serializers.ChoiceField(["birthday", "thanks"], allow_blank=True)


class OrderSerializer(serializers.Serializer):
    lines = LineSerializer(many=True)
    gift_to = LineSerializer(required=False, allow_null=True)
    colours = serializers.ListField(child=serializers.ChoiceField(["red", "blue"]))
    paid_at = serializers.DateTimeField(allow_null=True, read_only=True)
    state = serializers.ChoiceField(["open", "shipped"], read_only=True)


class OutOfStock(exceptions.APIException):
    status_code = 409
    default_code = "out_of_stock"
    default_detail = "There is none left."


class Orders(generics.CreateAPIView):
    serializer_class = OrderSerializer

    @operation(refuses=(OutOfStock,))
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if not serializer.validated_data["lines"]:
            raise OutOfStock
        raise exceptions.ValidationError("The shop is closed.")


class Export(views.APIView):
    def get(self, request: Request) -> StreamingHttpResponse:
        rows = ([str(number)] for number in range(3))
        return StreamingHttpResponse(_csv(rows), content_type="text/csv")


def _csv(rows: Iterator[list[str]]) -> Iterator[str]:
    class Echo:
        def write(self, value: str) -> str:
            return value

    writer = csv.writer(Echo())
    return (writer.writerow(row) for row in rows)


class Throttled(views.APIView):
    throttle_classes = (throttling.ScopedRateThrottle,)
    throttle_scope = "verify"

    def get(self, request: Request) -> Response:
        return Response({})


class OncePerMinute(throttling.UserRateThrottle):
    rate = "1/min"


class Shared(views.APIView):
    throttle_classes = (SharedThrottle, OncePerMinute)
    throttle_scope = "refresh"

    def get(self, request: Request) -> Response:
        return Response({})


class Pages(pagination.CursorPagination):
    ordering = "pk"


class NameFilter(filters.BaseFilterBackend):
    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        return queryset


class Listed(mixins.ListModelMixin, viewsets.GenericViewSet):
    queryset = Group.objects.order_by("pk")
    serializer_class = GroupSerializer
    pagination_class = Pages
    filter_backends = (filters.SearchFilter, filters.OrderingFilter, NameFilter)
    search_fields = ("name",)


class AnyUser(views.APIView):
    permission_classes = (permissions.AllowAny,)
    throttle_classes = (SharedThrottle,)  # without a scope it limits nothing

    def get(self, request: Request) -> Response:
        return Response({"user": str(request.user)})


class Staff(views.APIView):
    permission_classes = (permissions.IsAdminUser | permissions.DjangoModelPermissions,)
    queryset = Group.objects.all()

    def get(self, request: Request) -> Response:
        return Response({})


@csp_update({"img-src": ["https://images.example.com"]})
def gallery(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.user}")


async def gallery_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{await request.auser()}")


@bearer_required
def whoami(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"name": request.user.get_username()})


@bearer_required
async def whoami_async(request: HttpRequest) -> JsonResponse:
    user = await request.auser()
    return JsonResponse({"name": user.get_username()})


class CSVRenderer(renderers.BaseRenderer):
    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> str:
        return ",".join(data)


class Rendered(views.APIView):
    renderer_classes = (renderers.JSONRenderer, CSVRenderer)

    def get(self, request: Request) -> Response:
        return Response(["a", "b"])


@operation(refuses=(OutOfStock,), max_body_bytes=100)
class Exemplary(generics.GenericAPIView):
    serializer_class = SizeSerializer

    @operation(
        request=SizeSerializer,
        examples=[
            OpenApiExample("small", value={"size": 1}, request_only=True),
            OpenApiExample("large", value={"size": 9}, request_only=True),
            OpenApiExample("small", value={"size": 2}, response_only=True),
            OpenApiExample("large", value={"size": 8}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        raise OutOfStock


class _Another:
    class OutOfStock(exceptions.APIException):
        """The same name as in another application."""

        status_code = 409
        default_code = "out_of_paper"
        default_detail = "There is no paper left."


@operation(refuses=(OutOfStock, _Another.OutOfStock), max_body_bytes=100)
@api_view(["POST"])
def declared(request: Request) -> Response:
    raise PermissionDenied


class Barred(permissions.BasePermission):
    refuses = (OutOfStock,)

    def has_permission(self, request: Request, view: Any) -> bool:
        raise OutOfStock


class Readable(views.APIView):
    permission_classes = (permissions.IsAuthenticatedOrReadOnly,)
    parser_classes = (parsers.FormParser,)

    def get(self, request: Request) -> Response:
        raise exceptions.ValidationError({"colour": "There is none."})

    def post(self, request: Request) -> Response:
        raise exceptions.ValidationError([{"size": []}, {"name": ["It is taken."]}])


class Closed(views.APIView):
    permission_classes = (Barred,)
    throttle_classes = (SharedThrottle,)

    def get(self, request: Request) -> Response:
        return Response()


class Faulty(views.APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        raise RuntimeError("a fault of the view")


class Pageless(pagination.BasePagination):
    def get_paginated_response_schema(self, schema: Any) -> Any:
        raise RuntimeError("no request, no page")

    def get_schema_operation_parameters(self, view: Any) -> Any:
        return []


class Undescribed(Listed):
    pagination_class = Pageless  # type: ignore[assignment]  # an author's mistake


class FeatureSerializer(serializers.Serializer):
    """A GeoJSON feature, whose members have the names of JSON Schema's own."""

    type = serializers.CharField()
    properties = serializers.CharField()
    nullable = serializers.BooleanField()


class Features(generics.GenericAPIView):
    serializer_class = FeatureSerializer

    def post(self, request: Request) -> Response:
        return Response(request.data)


class Linked(Groups):
    @action(detail=True)
    def links(self, request: Request, pk: str) -> Response:
        return Response({})


class Raw(views.APIView):
    def get(self, request: Request) -> JsonResponse:
        return JsonResponse({"raw": True})


class Versioned(Raw):
    versioning_class = versioning.AcceptHeaderVersioning


def sold_out(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Sold out", status=409)


class Broken(generics.ListAPIView):
    """Its queryset and its serializer cannot be had without a request."""

    def get_serializer_class(self) -> Any:
        return {"1": GroupSerializer}[self.request.query_params["version"]]


class Foreign(Plain):
    schema = "not drf-spectacular's"  # type: ignore[assignment]  # a mistake


def _routed(viewset: Any) -> Any:
    router = routers.SimpleRouter()
    router.register("things", viewset, basename="thing")
    return include(router.urls)


KINDS: dict[str, list[Any]] = {
    "ModelViewSet": [path("", _routed(Groups))],
    "action": [path("", _routed(Archive))],
    "APIView": [path("plain/", Plain.as_view())],
    "api_view": [path("ping/", ping), path("motd/", motd)],
    "upload": [
        path("upload/", Upload.as_view()),
        path("raw/<str:filename>/", RawUpload.as_view()),
    ],
    "permission": [path("owned/<uuid:pk>/", Owned.as_view())],
    "nested": [path("orders/", Orders.as_view())],
    "stream": [path("export/", Export.as_view())],
    "throttled": [
        path("throttled/", Throttled.as_view()),
        path("shared/", Shared.as_view()),
    ],
    "paged": [path("", _routed(Listed))],
    "AllowAny": [path("any/", AnyUser.as_view())],
    "staff": [path("staff/", Staff.as_view())],
    "rendered": [path("rendered/", Rendered.as_view())],
    "declared": [
        path("exemplary/", Exemplary.as_view()),
        path("declared/", declared),
        path("closed/", Closed.as_view()),
    ],
    "features": [path("features/", Features.as_view())],
    "linked": [path("", _routed(Linked))],
    "raw": [path("raw/", Raw.as_view()), path("sold-out/", sold_out)],
    "readable": [path("readable/", Readable.as_view())],
    "faulty": [path("faulty/", Faulty.as_view())],
    "plain": [path("whoami/", whoami), path("whoami/async/", whoami_async)],
}
BROKEN = [
    path("broken/", Broken.as_view()),
    path("foreign/", Foreign.as_view()),
    path("versioned/", Versioned.as_view()),
    path("undescribed/", Undescribed.as_view({"get": "list"})),
]

urlpatterns = [
    path("", include("project.urls")),
    *(path(f"api/{name}/", include(patterns)) for name, patterns in KINDS.items()),
    path("gallery/", gallery),
    path("api/gallery/", gallery),
    path("api/gallery/async/", gallery_async),
    path("whoami/async/", whoami_async),
]
# What is mounted last in project.urls answers everything that is not found before.
urlpatterns = [*urlpatterns[1:], urlpatterns[0]]
