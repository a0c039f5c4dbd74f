FROM busybox
COPY --form=x a /
#: fails unknown flag: --form
