FROM busybox
ENV X=abc.tar.gz
ENV DEFAULT=${UNSET:-fallback} SET=${X:+yes} PREFIX=${X#*.} PREFIXES=${X##*.} SUFFIX=${X%.*} SUFFIXES=${X%%.*}
ENV ONE=${X/a/A} LITERAL=\$X QUOTED='$X'
RUN test "$DEFAULT/$SET/$PREFIX/$PREFIXES/$SUFFIX/$SUFFIXES/$ONE" = fallback/yes/tar.gz/gz/abc.tar/abc/Abc.tar.gz
RUN test "$LITERAL" = '$X' && test "$QUOTED" = '$X'
