FROM busybox
COPY dir/one.txt /o/f
COPY dir/x.md /o/f
RUN grep -q markdown /o/f
