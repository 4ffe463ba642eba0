FROM rust:1-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN cargo build --locked --profile dist

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /campaign --shell /usr/sbin/nologin steadfast \
    && install -d -o steadfast -g steadfast -m 700 /var/lib/steadfast
COPY --from=build /build/target/dist/steadfast /usr/local/bin/steadfast
USER steadfast
# Holds `messages` and `config`; may be read-only.
WORKDIR /campaign
ENV STEADFAST__LEDGER__URL=sqlite:///var/lib/steadfast/steadfast.db
VOLUME /var/lib/steadfast
STOPSIGNAL SIGTERM
# The image has no curl; bash can ask by itself. Another port than 8910 must be written here too.
HEALTHCHECK --interval=1m --timeout=10s --start-period=2m \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8910 && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost:8910\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r answer <&3 && [[ $answer == *' 200 '* ]]"]
ENTRYPOINT ["steadfast"]
CMD ["run"]
