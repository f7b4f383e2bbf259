# The libraries are built apart, from requirements alone: a change of code does not build them again.
FROM python:3.11-slim-bookworm AS libraries
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_REQUIRE_HASHES=1
COPY requirements.txt /
RUN python3 -m venv /venv && /venv/bin/pip install -r /requirements.txt

FROM libraries AS sandbox-libraries
COPY requirements-sandbox.txt /
RUN /venv/bin/pip install -r /requirements-sandbox.txt

FROM python:3.11-slim-bookworm AS base
RUN useradd --system --uid 10001 --user-group --no-create-home contesta
# FLASK_APP: for `docker compose exec web flask dead-letters list`.
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FLASK_APP=cli
WORKDIR /app
USER contesta

# The local stand-in for Chatwoot.
FROM base AS sandbox
COPY --from=sandbox-libraries /venv /venv
COPY . .
EXPOSE 3000
ENTRYPOINT ["python", "-m", "sandbox", "--host", "0.0.0.0", "--port", "3000"]

# The product: web, worker, beat and Flower are one image. The code comes last, so that no layer keeps an older one.
FROM base AS product
COPY --from=libraries /venv /venv
COPY . .
# The commit: RELEASE=$(git rev-parse --short HEAD) docker compose build. Without it, the version.
ARG RELEASE=
ENV RELEASE=$RELEASE
LABEL org.opencontainers.image.revision=$RELEASE
EXPOSE 8000
CMD ["gunicorn", "webhook_app.wsgi:app", "--bind", "0.0.0.0:8000", "--workers", "2"]
