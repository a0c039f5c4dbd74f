FROM scratch
COPY --from=busybox /bin/busybox /bin/
COPY --from=busybox /etc/passwd /etc/passwd
#: tree bin/busybox
