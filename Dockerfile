# netemu and the standard images' stand-ins; see docker-compose.yml for the rights it needs.
FROM python:3.12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends curl redis-server \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY config config
COPY examples examples
COPY netemu netemu
RUN pip install --no-cache-dir ".[capture]"
# The state belongs on a volume: objects then survive the container.
ENV NETEMU_STATE_DIR=/state
WORKDIR /
ENTRYPOINT ["netemu"]
CMD ["up"]
