"""
``python -m project.install run|dev|static|node``: install what the targets of ``make`` need.

It creates ``.venv`` first, and recreates it if the folder was moved or the Python is gone. Each step
stores a digest of its sources in ``.venv`` and is skipped until they change. This module runs before
anything is installed, so it imports only the standard library.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from project import process_lock

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

ENVIRONMENT = {
    # Without a network, pip and npm would retry for minutes.
    "PIP_RETRIES": "1",
    "PIP_DEFAULT_TIMEOUT": "10",
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "1000",
    # Static files do not depend on secrets, but Django does not start without one.
    "SECRET_KEY": "none",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    # The user's own settings take precedence.
    **os.environ,
}
# Always run pip with this Python: the pip script of a moved .venv would install into the old folder.
PIP = (
    *(str(PYTHON), "-m", "pip", "install", "--quiet"),
    *("--disable-pip-version-check", "--require-hashes", "--requirement"),
)
# Without install scripts: some of them send usage reports to their vendors.
NPM = ("npm", "ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund")
COLLECT = (
    *(str(PYTHON), "manage.py", "collectstatic", "--skip-checks"),
    *("--noinput", "--clear", "--verbosity=0"),
)

_UNREACHABLE = re.compile(
    r"connection broken by '([^\n]+)': .*(?:from versions: none|Max retries exceeded)"
    r"|npm error code (ECONN\w+|EAI_AGAIN|ENETUNREACH|ENOTFOUND|\w*TIMED?OUT)",
    re.DOTALL,
)
_MADE_AT = re.compile(r"^command = .* -m venv (?:--\S+ )*(/.*)$", re.MULTILINE)


def main(step: str) -> None:
    with process_lock.set_up():
        _make_venv()
        STEPS[step]()


def _make_venv() -> None:
    why = _why_unusable()
    if not why:
        return
    if VENV.exists():
        _say(f"Recreating .venv: {why}")
    if _call(sys.executable, "-m", "venv", "--clear", str(VENV)).returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            "authapi: .venv could not be created. See the error above. "
            "On Debian, this may help: apt-get install python3-venv"
        )


def _why_unusable() -> str | None:
    """Why ``.venv`` cannot be used as it is; None if it can."""
    config = VENV / "pyvenv.cfg"
    if not config.exists():
        return "it is incomplete"
    made_at = _MADE_AT.search(config.read_text())
    if made_at and not _is_venv(made_at[1]):
        return f"it was created for {made_at[1]}, and its scripts would use that folder"
    if not PYTHON.exists():
        return f"its Python is gone ({PYTHON.resolve()})"
    if _call(str(PYTHON), "-c", "import pip", stderr=subprocess.DEVNULL).returncode:
        return "its Python does not work or has no pip"
    return None


def _is_venv(path: str) -> bool:
    try:
        return VENV.samefile(path)
    except OSError:
        return False


def _run() -> None:
    _install("requirements.lock", [*PIP, "requirements.lock"], "requirements.lock")


def _dev() -> None:
    lock = "requirements-dev.lock"
    _install(lock, [*PIP, lock], lock)
    # It includes the requirements of the other.
    (VENV / "requirements.lock").write_text(_digest("requirements.lock"))


def _static() -> None:
    _run()
    sources = ("requirements.lock", "project/static.py", "schema/static/**/*.*")
    _install("staticfiles", COLLECT, *sources)


def _node() -> None:
    if shutil.which("npm"):
        _install("package-lock.json", NPM, "package-lock.json")
    elif "CI" in os.environ:
        sys.exit("authapi: npm is missing, and CI needs it.")
    else:
        _say("npm is missing: skipping the steps that need it")


STEPS = {"run": _run, "dev": _dev, "static": _static, "node": _node}


def _install(what: str, command: Sequence[str], *sources: str) -> None:
    """Run *command*, unless *sources* (patterns) are as they were when it last finished."""
    stamp = VENV / what
    if stamp.exists() and stamp.read_text() == _digest(*sources):
        return
    # pip shows no progress when it is quiet, so say what it is doing.
    _say(f"Installing {what} (at most a minute)")
    done = _call(*command, env=ENVIRONMENT, stderr=subprocess.PIPE)
    unreachable = done.returncode and _UNREACHABLE.search(done.stderr)
    if unreachable:
        sys.exit(
            f"authapi: {what} was not installed: the package index cannot be reached.\n"
            f"{unreachable[1] or unreachable[2]}\nCheck the network and the settings of"
            " pip or npm (index, proxy). Then run make again."
        )
    sys.stderr.write(done.stderr)
    if done.returncode:
        sys.exit(f"authapi: {what} was not installed. See the error above.")
    stamp.write_text(_digest(*sources))


def _digest(*sources: str) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for source in sources for path in ROOT.glob(source)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return digest.hexdigest()


def _call(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"stdout": subprocess.DEVNULL, **options}
    return subprocess.run(command, cwd=ROOT, text=True, **options)  # noqa: S603  # ours


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C exits without a traceback
    main(sys.argv[1])
