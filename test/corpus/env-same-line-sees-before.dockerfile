FROM busybox
ENV A=old
ENV A=new B=$A
RUN test "$B" = old && test "$A" = new
