FROM busybox
RUN mkdir -p /usr/local/go/bin /go/pkg/mod && cat <<"EOF" > /usr/local/go/bin/go && chmod 755 /usr/local/go/bin/go
#!/bin/sh
case "$1 $2" in
  "mod download") test -f go.mod && touch /go/pkg/mod/downloaded ;;
  "build -trimpath") test -f /go/pkg/mod/downloaded && mkdir -p "$(dirname "$4")" && cp /bin/busybox "$4" ;;
  *) exit 2 ;;
esac
EOF
ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPATH=/go
WORKDIR /go
