FROM local/python:3.12 AS build
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY app/requirements.txt /tmp/
RUN pip install -r /tmp/requirements.txt

FROM local/python:3.12
RUN echo "app:x:101:" >> /etc/group && echo "app:x:101:101::/home/app:/bin/sh" >> /etc/passwd && mkdir -p /home/app && chown 101:101 /home/app
COPY --from=build /venv /venv
COPY --chown=app:app app /srv
ENV PATH="/venv/bin:$PATH"
WORKDIR /srv
USER app
ENTRYPOINT ["python", "-m"]
CMD ["http.server", "8000"]
#: config {"User": "app", "Entrypoint": ["python", "-m"], "Cmd": ["http.server", "8000"]}
