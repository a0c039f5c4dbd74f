FROM busybox
RUN <<-EOF
	echo tab > /t
	EOF
RUN test -f /t
