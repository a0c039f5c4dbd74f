FROM busybox
ARG A=default
ARG B=default
RUN test "$A" = given && test "$B" = default
#: build --build-arg A=given
