"""Which admin site is mounted."""

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default_site = "authapi.admin_site.Site"
