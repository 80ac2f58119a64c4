# syntax=docker/dockerfile:1
# Bootwright in a container. TFTP answers from ports of its own: use the host's network, or BOOTWRIGHT_TFTP_SINGLE_PORT=yes.
#   docker build -t bootwright . && docker run --restart unless-stopped --network host -v bootwright:/data bootwright
# --restart: a fault that no code foresaw ends the server with an exit code, and Docker starts it again.
# The admin listener stays on 127.0.0.1; without the host's network, BOOTWRIGHT_ADMIN_LISTEN=0.0.0.0:8081 and -p 127.0.0.1:8081:8081.

FROM node:22-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY scripts scripts
COPY patches patches
RUN npm ci && node scripts/setup.js dependencies
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npx tsc -p tsconfig.build.json && npm prune --omit=dev

# The boot programs, from Debian's package, under the names that DHCP servers hand out (as scripts/setup/boot-programs.js does).
FROM debian:trixie-slim AS boot-programs
RUN apt-get update && apt-get install -y --no-install-recommends ipxe && mkdir /nbp && cd /usr/lib/ipxe \
 && cp undionly.kpxe snponly.efi ipxe-arm64.efi ipxe-riscv64.efi ipxe-loong64.efi /nbp/ && cp ipxe-amd64.efi /nbp/ipxe.efi

FROM node:22-trixie-slim
# 7-Zip reads ISOs; port 69 for a process that is not root, and no other privilege.
RUN apt-get update && apt-get install -y --no-install-recommends 7zip libcap2-bin \
 && setcap cap_net_bind_service=+ep "$(readlink -f "$(which node)")" \
 && apt-get purge -y --auto-remove libcap2-bin && rm -rf /var/lib/apt/lists/* \
 && mkdir /data && chown node:node /data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY ipxe ipxe
COPY --from=boot-programs /nbp ipxe/nbp
COPY migrations migrations
COPY recipes recipes
COPY src/ui/views src/ui/views
COPY src/ui/public src/ui/public
ENV NODE_ENV=production BOOTWRIGHT_DATA_DIR=/data
USER node
VOLUME /data
EXPOSE 69/udp 8080 8081
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
