"""The only reader of environment variables."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


class Env(environ.FileAwareEnv):  # type: ignore[misc]  # environ ships no types
    """django-environ's reader, whose errors also name the variable that cannot be read."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except (ValueError, OSError) as error:
            raise ImproperlyConfigured(f"{var} cannot be read: {error}.") from error
