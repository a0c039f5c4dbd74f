FROM busybox
RUN mkdir /d && echo 1 > /d/a && echo 1 > /d/b && ln -s a /d/link
RUN rm /d/a && rm -r /d/b && mkdir /d/b && echo 2 > /d/b/c
RUN test ! -e /d/a && test -d /d/b && test -L /d/link
