FROM busybox AS a
COPY --from=b /x /x
FROM busybox AS b
#: fails needs to be defined before
