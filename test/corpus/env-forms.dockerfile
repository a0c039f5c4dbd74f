FROM busybox
ENV A=1 B="two words" C=three\ words
ENV D the rest of it
RUN test "$B" = "two words" && test "$C" = "three words" && test "$D" = "the rest of it"
