FROM busybox
ONBUILD RUN echo triggered > /t
ONBUILD ENV T=1
#: config {"OnBuild": ["RUN echo triggered > /t", "ENV T=1"]}
#: name corpus-onbuild
