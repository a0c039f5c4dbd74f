FROM busybox
MAINTAINER Somebody <some@body.example>
RUN true
