# a comment before all
FROM busybox
RUN echo 1 > /1 \
    # in the middle
    && \

    # and after an empty line
    echo 2 > /2
   # indented
RUN test -f /1 && test -f /2
