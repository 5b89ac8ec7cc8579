# The monolith: web, worker, cutover daemon, console, the set-up of its database, and the `extraction` command. From the root of
# the repository:
#   docker build -f deploy/images/monolith.Dockerfile -t extraction-monolith:0.2.0 .
# BASE is any image with Python 3.11 or newer and its venv module; name it by digest for a reproducible build.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/venv
COPY deploy/requirements/build.txt deploy/requirements/cli.txt deploy/requirements/tracing.txt /build/
# The secret is optional: a pip.conf that names a mirror.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/venv/bin/python -m pip install --require-hashes --only-binary :all: \
        -r /build/build.txt -r /build/cli.txt -r /build/tracing.txt
# Installed, not only copied: the commands of `extraction` are entry points.
COPY . /source
RUN /opt/venv/bin/python -m pip install --no-deps --no-build-isolation /source \
    && /opt/venv/bin/python -m pip uninstall --yes setuptools pip \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="extraction-monolith" \
      org.opencontainers.image.description="The monolith of an appointment-booking product" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    WEB_HOST=0.0.0.0
# A number, so that Kubernetes can check that it is not root. Nothing is written except below /tmp and /dev/shm.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-m", "deploy.gunicorn.probe", "monolith"]
CMD ["gunicorn", "-c", "python:deploy.gunicorn.monolith", "monolith.wsgi:app"]
