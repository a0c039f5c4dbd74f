# escape=`
FROM busybox
RUN echo one `
  && echo two > /two
RUN test "$(cat /two)" = two
