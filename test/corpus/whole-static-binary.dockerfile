FROM busybox AS tools
RUN mkdir -p /root-fs/etc && echo "nobody:x:65534:65534::/:/sbin/nologin" > /root-fs/etc/passwd && cp /bin/busybox /root-fs/busybox
FROM tools AS test
RUN /root-fs/busybox touch /tested
FROM scratch AS release
COPY --from=tools /root-fs /
COPY --from=test /tested /tested
USER nobody
ENTRYPOINT ["/busybox", "echo", "static"]
#: tree busybox etc/passwd
#: config {"User": "nobody"}
