# syntax=docker/dockerfile:1
ARG GO=1.22
FROM local/golang:${GO} AS build
WORKDIR /src
COPY app/go.mod ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY app/ .
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -o /out/app ./cmd

FROM scratch
COPY --from=build /out/app /app
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/app"]
#: config {"Entrypoint": ["/app"], "User": "65532:65532", "ExposedPorts": {"8080/tcp": {}}}
#: tree app
