FROM busybox
USER nobody-like-this
RUN true
#: fails nobody-like-this
