import { stringify } from 'yaml';

import { cassandraSettings } from '../../app/stack/cassandra.js';
import { renderHaproxyConfig } from '../../app/stack/haproxy-config.js';
import { roleProcesses } from '../../app/stack/role-processes.js';

const made = '# Made by `npm run generate` from scripts/generate/deployment.ts.\n';
const processes = roleProcesses.map(({ name }) => name);
const gateways = processes.filter((name) => name.startsWith('gateway-'));

/** The settings of `npm run stack`, at the places of the container. */
export function renderCassandraSettings(): string {
  const data = '/var/lib/cassandra';
  const places = {
    data_file_directories: [`${data}/data`],
    commitlog_directory: `${data}/commitlog`,
    hints_directory: `${data}/hints`,
    saved_caches_directory: `${data}/saved_caches`,
    cdc_raw_directory: `${data}/cdc_raw`,
    seed_provider: [{ class_name: 'org.apache.cassandra.locator.SimpleSeedProvider', parameters: [{ seeds: 'cassandra:7000' }] }],
    listen_address: 'cassandra',
    rpc_address: 'cassandra',
  };
  return `${made}${stringify({ ...cassandraSettings, ...places })}`;
}

/** In front of the gateways of docker-compose.yml, which Docker's name server knows. */
export function renderHaproxy(): string {
  const members = gateways.map((name) => ({ name, host: name, port: 8080, adminPort: 9090 }));
  return renderHaproxyConfig({ bind: '*:8080', nameServer: '127.0.0.11:53', gateways: members });
}

export function renderPrometheus(): string {
  return `${made}global:
  scrape_interval: 5s
scrape_configs:
  - job_name: heliograph
    static_configs:
      - targets: ${JSON.stringify(processes.map((name) => `${name}:9090`))}
    # The process by its name, without the port.
    relabel_configs:
      - source_labels: [__address__]
        regex: '(.+):\\d+'
        target_label: instance
`;
}
