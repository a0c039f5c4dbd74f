FROM busybox
RUN ["/no/such/program"]
#: fails /no/such/program
