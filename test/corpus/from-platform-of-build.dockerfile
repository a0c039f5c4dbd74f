FROM --platform=$BUILDPLATFORM busybox AS tools
ARG TARGETARCH
RUN echo "$TARGETARCH" > /arch
FROM busybox
COPY --from=tools /arch /arch
RUN test -n "$(cat /arch)"
