FROM busybox
ADD SERVER/file.bin /f/
ADD SERVER/file.bin /g/other.name
ADD --checksum=sha256:SUM --chmod=755 SERVER/file.bin /h
RUN test "$(stat -c %a /f/file.bin)" = 600 && test -f /g/other.name && test -x /h
