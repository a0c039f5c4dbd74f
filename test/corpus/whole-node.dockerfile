FROM local/node:20 AS deps
WORKDIR /app
COPY app/package*.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev

FROM local/node:20
ENV NODE_ENV=production
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY --chown=node:node app .
USER node
EXPOSE 3000
HEALTHCHECK --interval=30s CMD node health.js
CMD ["node", "server.js"]
#: config {"User": "node", "WorkingDir": "/app", "Cmd": ["node", "server.js"]}
