FROM local/node:20 AS web
WORKDIR /web
COPY app .
RUN npm run build

FROM local/nginx:1.27
COPY --from=web /web/dist /usr/share/nginx/html
COPY <<EOF /etc/nginx/conf.d/default.conf
server { listen 8080; root /usr/share/nginx/html; }
EOF
RUN nginx -t
EXPOSE 8080
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
#: config {"StopSignal": "SIGQUIT", "Cmd": ["nginx", "-g", "daemon off;"]}
