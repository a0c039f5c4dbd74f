ARG TAG=latest
ARG IMAGE=busybox:${TAG}
FROM $IMAGE
#: config {"Cmd": ["sh"]}
