FROM busybox
RUN echo a \  
  b > /ab
RUN grep -q 'a *b' /ab
