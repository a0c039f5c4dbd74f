FROM busybox
RUN mkdir /real && ln -s /real /alias && ln -s ../../../../real /climbs
COPY dir/one.txt /alias/
COPY dir/x.md /climbs/
RUN test -f /real/one.txt && test -f /real/x.md && test -L /alias
