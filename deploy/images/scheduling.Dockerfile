# The scheduling service: web, relay and the set-up of its database. From the root of the repository:
#   docker build -f deploy/images/scheduling.Dockerfile -t extraction-scheduling:0.2.0 .
# BASE is any image with Python 3.11 or newer and its venv module; name it by digest for a reproducible build.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/venv
COPY deploy/requirements/service.txt deploy/requirements/tracing.txt /build/
# The secret is optional: a pip.conf that names a mirror.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/venv/bin/python -m pip install --require-hashes --only-binary :all: -r /build/service.txt -r /build/tracing.txt \
    && /opt/venv/bin/python -m pip uninstall --yes pip
# What .dockerignore lets through: the service, the contracts, and the parts of deploy that they need.
COPY . /app
RUN rm -rf /app/deploy/requirements \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib /app

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="extraction-scheduling" \
      org.opencontainers.image.description="The scheduling service of an appointment-booking product" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    WEB_HOST=0.0.0.0
# A number, so that Kubernetes can check that it is not root. Nothing is written except below /tmp and /dev/shm.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-m", "deploy.gunicorn.probe", "scheduling"]
CMD ["gunicorn", "-c", "python:deploy.gunicorn.scheduling", "scheduling_service.wsgi:app"]
