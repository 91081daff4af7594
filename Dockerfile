# Two stages: the first has pip, DVC and the repository; the second only what serves. See docs/deploy.md. Heroku builds without BuildKit.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY . .
# A folder below here that holds an exported model, or nothing: then DVC brings it, from a remote that asks for no key.
ARG MODEL_URI=""
ARG DVC_REMOTE=""
RUN PATH=/app/.venv/bin:$PATH bin/post_compile \
    && .venv/bin/pip uninstall --quiet --yes setuptools pip

FROM python:${PYTHON}-slim-bookworm
# No home, no shell, and nothing below /app is its own: with `--read-only` only /data and /tmp can be written.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin holdfast \
    && install --directory --owner=10001 --group=10001 /data
COPY --from=build /app /app
WORKDIR /app
ARG MODEL_URI=""
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONPATH=/app/src \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PORT=8000 \
    MODEL_URI=${MODEL_URI} \
    DATABASE_URL=sqlite:////data/predictions.db
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/readyz', timeout=2)"]
CMD ["gunicorn", "app.wsgi:app"]
