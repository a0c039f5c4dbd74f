FROM busybox
COPY secret.env /
#: fails it is left out of the context by
