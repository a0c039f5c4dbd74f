FROM busybox
ARG A=arg
ENV A=env
RUN test "$A" = env
#: build --build-arg A=given
#: config {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=env"]}
