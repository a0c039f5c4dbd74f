FROM busybox
COPY --chmod=755 <<"python" <<"pip" /usr/local/bin/
#!/bin/sh
test "$1 $2" = "-m venv" && mkdir -p "$3/bin" "$3/lib" && cp /usr/local/bin/pip "$3/bin/pip"
python
#!/bin/sh
set -e
while read -r package; do mkdir -p "$(dirname "$0")/../lib/$package"; done < "$3"
pip
CMD ["python3"]
