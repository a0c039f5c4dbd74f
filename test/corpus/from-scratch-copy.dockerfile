FROM scratch
COPY dir/one.txt /one.txt
#: config {"Cmd": null}
#: tree one.txt
