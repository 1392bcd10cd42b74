"""The demo user, for trying out the service on localhost. Its password is in the README."""

from authapi.models import User

USERNAME = "demo"
PASSWORD = "let-me-in-please"  # noqa: S105  # meant to be read


def make() -> None:
    """Create the demo user if it does not exist."""
    if not User.objects.filter(username=USERNAME).exists():
        User.objects.create_user(
            USERNAME, "demo@example.com", PASSWORD, first_name="Demo"
        )


def lets_in() -> bool:
    """Whether the demo user is active and still has the published password."""
    user = User.objects.filter(username=USERNAME, is_active=True).first()
    return user is not None and user.check_password(PASSWORD)
