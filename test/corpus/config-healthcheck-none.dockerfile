FROM busybox
HEALTHCHECK CMD false
FROM busybox
HEALTHCHECK NONE
#: config {"Healthcheck": {"Test": ["NONE"]}}
