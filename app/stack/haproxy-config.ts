export interface HaproxyOptions {
  readonly bind: string;
  /** `address:port` of a name server, for gateways whose addresses change. */
  readonly nameServer?: string;
  readonly gateways: readonly { readonly name: string; readonly host: string; readonly port: number; readonly adminPort: number }[];
}

/**
 * An account always comes to the same gateway; only those of a gateway that is gone go elsewhere. A gateway that is being stopped answers its check with 404: it gets nobody new and
 * keeps whom it has. Who does not get through to a gateway comes to the next one at once; one that answers no check for 6 to 9 s, shortly before its lease ends, loses its sockets.
 * Not sooner: a gateway that is merely slow under a load would send all its devices to the others, which then are slow.
 * A read whose gateway went away without an answer is asked again, of the next one. How long a gateway keeps idle connections is for its proxy alone to know.
 */
export function renderHaproxyConfig({ bind, gateways, nameServer }: HaproxyOptions): string {
  const servers = gateways.map(({ name, host, port, adminPort }) => `  server ${name} ${host}:${port} check port ${adminPort}\n`);
  const resolvers = nameServer === undefined ? '' : `resolvers names\n  nameserver first ${nameServer}\n  hold valid 1s\n`;
  const byName = nameServer === undefined ? '' : ' resolvers names resolve-prefer ipv4 init-addr libc,none';
  return `# Made by \`npm run generate\` or \`npm run start:distributed\` from app/stack/haproxy-config.ts.
global
  # Each connection takes two descriptors.
  maxconn 8000
  nbthread 1
${resolvers}defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout check 2s
  retries 3
  option redispatch 1
  option forwardfor
frontend public
  bind ${bind}
  default_backend gateways
backend gateways
  balance url_param account
  hash-type consistent
  option httpchk GET /accepting
  http-check disable-on-404
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless METH_GET
  http-response del-header Keep-Alive
  default-server inter 1s fall 3 rise 1 on-marked-down shutdown-sessions${byName}
${servers.join('')}`;
}
