FROM busybox
WORKDIR /a/b
COPY dir/one.txt .
COPY dir/one.txt ./c/
COPY dir/one.txt ../up.txt
RUN test -f /a/b/one.txt && test -f /a/b/c/one.txt && test -f /a/up.txt
