FROM corpus-onbuild
RUN test "$(cat /t)" = triggered && test "$T" = 1
#: config {"OnBuild": null}
