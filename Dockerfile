# Syncline in a container: the server with its demo, on the image's own Node, as a user without rights, with one volume.
# It asks for authentication (SYNCLINE_AUTH_SECRET or another way, docs/deploying.md): beyond loopback it does not start without.

ARG NODE_IMAGE=node:24-bookworm-slim

FROM $NODE_IMAGE AS manifests
WORKDIR /app
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY client/package.json client/
COPY server/package.json server/
COPY test/package.json test/

FROM manifests AS build
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY shared shared
COPY server server
COPY client client
RUN npm run build

# What the server needs to run, and nothing of what builds and tests it. Optional is the Node that a clone brings with it.
FROM manifests AS dependencies
RUN npm ci --omit=dev --omit=optional --ignore-scripts --workspace @syncline/server

FROM $NODE_IMAGE
ENV NODE_ENV=production HOST=0.0.0.0 PORT=1234 SYNCLINE_DATA=/data
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/shared/package.json shared/
COPY --from=build /app/shared/dist shared/dist
COPY --from=build /app/server/package.json server/
COPY --from=build /app/server/bin server/bin
COPY --from=build /app/server/dist server/dist
RUN ln -s /app/server/bin/syncline /usr/local/bin/syncline \
  && mkdir --mode=0700 /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 1234
# It lives; whether it can save is /readyz, and no reason to start it anew: what waits for a store that is away would be lost.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "/app/server/dist/cli/health-check.js"]
ENTRYPOINT ["syncline"]
CMD ["serve"]
