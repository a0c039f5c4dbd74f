FROM scratch
LABEL only=this
#: config {"Labels": {"only": "this"}}
