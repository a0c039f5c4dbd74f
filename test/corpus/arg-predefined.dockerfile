FROM busybox
RUN test "$HTTP_PROXY" = http://proxy.example:1
#: build --build-arg HTTP_PROXY=http://proxy.example:1
#: config {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
