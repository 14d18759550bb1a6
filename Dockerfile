# weft on Debian 12: built from source, then the program alone with the libraries it needs.
FROM debian:12 AS build
COPY . /src
WORKDIR /src
RUN scripts/setup && make && cmake --install build/release --prefix /out

FROM debian:12-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
      libz3-4 libyaml-cpp0.7 libfmt9 libre2-9 libmimalloc2.0 libgrpc++1.51 libprotobuf32 \
      libsqlite3-0 libssl3 libgit2-1.5 libcurl4 ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /usr/local/
COPY scripts/action /usr/local/share/weft/action
# A repository that is mounted belongs to somebody else.
RUN printf '[safe]\n\tdirectory = *\n' > /etc/gitconfig
ENTRYPOINT ["/usr/local/bin/weft"]
CMD ["--help"]
