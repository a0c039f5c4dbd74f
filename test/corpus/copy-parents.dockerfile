FROM busybox
COPY --parents dir/sub/two.txt /p/
COPY --parents ./dir/./sub/two.txt /q/
RUN test -f /p/dir/sub/two.txt && test -f /q/sub/two.txt
