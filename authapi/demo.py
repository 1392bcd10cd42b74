"""The user that a laptop has for trying things out, known to everybody who reads the README."""

from authapi.models import User

USERNAME = "demo"
PASSWORD = "let-me-in-please"  # noqa: S105  # meant to be read


def make() -> None:
    """Make the user, if there is none."""
    if not User.objects.filter(username=USERNAME).exists():
        User.objects.create_user(
            USERNAME, "demo@example.com", PASSWORD, first_name="Demo"
        )


def lets_in() -> bool:
    """Whether the known name and password open an account."""
    user = User.objects.filter(username=USERNAME, is_active=True).first()
    return user is not None and user.check_password(PASSWORD)
