FROM busybox
RUN <<EOF
set -e
echo one > /one
echo "$HOME" > /home-of
EOF
RUN test -f /one && test "$(cat /home-of)" = /root
