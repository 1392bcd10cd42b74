"""What every test finds, an application's too: see ``authapi/testing/plugin.py``."""

pytest_plugins = ["authapi.testing.plugin"]
