# One image for everything but the broker: migrate, worker, beat and Flower differ in their command only.
FROM python:3.13-slim AS build
RUN python -m venv /opt/ostinato
WORKDIR /src
# Only what was locked, and only if it is the very file: a package replaced on its index is refused.
COPY requirements.lock ./
RUN /opt/ostinato/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY client client
COPY worker worker
COPY tasks tasks
COPY store store
RUN /opt/ostinato/bin/pip install --no-cache-dir --no-deps ./client .

FROM python:3.13-slim
RUN groupadd --gid 10001 ostinato \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/ostinato --shell /usr/sbin/nologin ostinato \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/ostinato
COPY --from=build /opt/ostinato /opt/ostinato
ENV PATH=/opt/ostinato/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OSTINATO_HOME=/var/lib/ostinato
USER 10001:10001
WORKDIR /var/lib/ostinato
CMD ["celery", "-A", "worker", "worker"]
