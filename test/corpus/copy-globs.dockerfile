FROM busybox
COPY dir/*.txt dir/[x-z]*.md /g/
COPY dir/o?e.txt /h/
COPY no-such-*.txt dir/one.txt /i/
RUN test "$(echo $(ls /g))" = "one.txt with space.txt x.md" && test -f /h/one.txt && test -f /i/one.txt
