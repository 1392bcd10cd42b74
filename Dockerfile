FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock .
# Without pip in it. Only wheels: nothing is compiled, so no compiler is needed.
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: --requirement requirements.lock
COPY . .
RUN SECRET_KEY=none /venv/bin/python manage.py collectstatic --skip-checks --noinput --verbosity 0 \
    && /venv/bin/python -m compileall -q /app /venv/lib \
    && chmod -R a+rX /app /venv

FROM python:3.11-slim-bookworm
# The image brings them; a service needs none.
RUN python -m pip uninstall --yes --quiet --root-user-action ignore pip setuptools wheel
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A number, so that an orchestrator can tell that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.parse as p, urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/health/live/', headers={'Host': p.urlsplit(os.environ['PUBLIC_URL']).hostname}))"]
CMD ["python", "-m", "project.serve", "--interface", "wsgi", "--no-ws", "--http", "1", "--host", "0.0.0.0", "--port", "8000", \
    "--workers", "2", "--respawn-failed-workers", "--blocking-threads", "96", \
    "--workers-kill-timeout", "5", "--log-level", "error", "project.wsgi:application"]
